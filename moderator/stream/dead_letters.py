"""Dead letters: the message as it was, with the reason in its headers, so it can be replayed."""

from typing import Protocol

from moderator.verdicts import Verdict

Headers = list[tuple[str, bytes]]
PREFIX = "moderator-"
_MAX_REASON_CHARACTERS = 500


class Source(Protocol):
    """What a dead letter keeps of the record it was made from."""

    topic: str
    partition: int
    offset: int
    headers: tuple[tuple[str, bytes], ...]


def headers(source: Source, code: str, reason: str, *, keep: bool = True) -> Headers:
    """The original headers unless told not to, then `moderator-` code, reason, topic, … offset."""
    own = {
        "code": code,
        "reason": reason[:_MAX_REASON_CHARACTERS],
        "topic": source.topic,
        "partition": str(source.partition),
        "offset": str(source.offset),
    }
    # A replayed dead letter that fails again must not carry the marks of its first death.
    kept = foreign(source) if keep else []
    return kept + [(PREFIX + name, value.encode()) for name, value in own.items()]


def foreign(source: Source) -> Headers:
    """The headers that are not ours."""
    return [pair for pair in source.headers if not pair[0].startswith(PREFIX)]


def failure(verdict: Verdict) -> tuple[str, str] | None:
    """Code and reason of the parts of a post that could not be read, if there are any."""
    failed = [report for report in verdict.modalities if report.status == "failed"]
    if not failed:
        return None
    reason = "; ".join(
        f"{report.channel} {report.media or ''}".strip() + f": {report.reason}" for report in failed
    )
    return failed[0].code or "unreadable", reason
