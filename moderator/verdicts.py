"""A verdict as the service publishes it: the wire contract of the `verdicts` topic."""

import hashlib
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

#: Actions every policy knows, mildest first; a policy may put names of its own between them.
ALLOW, REVIEW, BLOCK = "allow", "review", "block"
SEVERITIES = ("low", "medium", "high", "critical")

#: Code of the report on a part of a post that is looked at later.
DEFERRED = "deferred"

Severity = Literal["low", "medium", "high", "critical"]


class ChannelScore(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one rule made of one channel of the post."""

    margin: Annotated[
        float, Meta(description="post · direction, a difference of cosines; 1 for a keyword")
    ]
    score: Annotated[float, Meta(description="the margin calibrated to a probability")]
    nearest: Annotated[
        str,
        Meta(description="the violating prompt nearest to the post; the keyword that was found"),
    ]
    media: Annotated[
        str | None, Meta(description="the attachment that decided: its id, else its place from 0")
    ] = None
    seconds: Annotated[
        float | None, Meta(description="of an animation or a video: where in it the frame is")
    ] = None
    lasting: Annotated[
        float | None,
        Meta(description="and the score over three frames in a row, where that is highest"),
    ] = None


class RuleScore(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One rule's result. Rules that reached their review line are always listed."""

    id: Annotated[str, Meta(description="policy/rule")]
    score: Annotated[float, Meta(description="the channels' scores, fused")]
    threshold: Annotated[float, Meta(description="the score from which the rule's action is taken")]
    review_at: Annotated[float, Meta(description="the score from which a person should look")]
    severity: Severity
    action: Annotated[str, Meta(description="what this rule asks for, given the score")]
    shadow: Annotated[bool, Meta(description="reported only; does not act on this post")]
    channels: dict[str, ChannelScore]
    mode: Annotated[
        Literal["enforce", "canary", "shadow", "off"],
        Meta(description="as the policy says; a canary acts on a share of the posts"),
    ] = "enforce"
    tripped: Annotated[
        bool, Meta(description="the rule's circuit breaker holds it back for now")
    ] = False
    excused: Annotated[
        str | None, Meta(description="the exception for which the rule does not act")
    ] = None
    parts: Annotated[
        dict[str, float], Meta(description="the scores of the rules that this one is made of")
    ] = {}


class ModalityReport(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Whether one part of the post was read, and if not, why."""

    channel: Annotated[
        str,
        Meta(description="`text`, `image`, …; `other`: an attachment that no model reads"),
    ]
    status: Annotated[
        Literal["read", "missing", "failed", "truncated", "deferred"],
        Meta(description="deferred: looked at later, for a verdict that amends this one"),
    ]
    media: Annotated[str | None, Meta(description="the attachment's id, else its place from 0")] = (
        None
    )
    code: str | None = None
    reason: str | None = None


class PolicyRef(msgspec.Struct, frozen=True):
    """The rules that judged; `digest` changes when and only when their content does."""

    name: str
    version: str
    digest: str


class ModelRef(msgspec.Struct, frozen=True):
    """The space a channel was read in."""

    name: str
    digest: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True, dict=True):  # a `dict`, for the cache
    """What produced a verdict, enough to replay it: the part that is the same for every post."""

    policy: PolicyRef
    models: dict[str, ModelRef]

    def verdict_id(self, post_digest: bytes) -> str:
        """32 hex digits: the same post, policy and models always give the same id."""
        return hashlib.blake2b(post_digest + self._canonical, digest_size=16).hexdigest()

    def gave(self, verdict_id: str, post_digest: bytes) -> bool:
        """Whether this is the id of a verdict on that post, at once or deferred."""
        given = self.verdict_id(post_digest)
        return verdict_id in (given, _deferred_id(given))

    @cached_property
    def _canonical(self) -> bytes:
        return msgspec.json.encode(self, order="deterministic")


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to a post, by which rules, and what was read to decide it."""

    id: Annotated[str, Meta(description="digest of post, policy and models: redelivery keeps it")]
    post_id: str
    action: str
    severity: Annotated[
        Severity | None, Meta(description="the highest among the rules that act")
    ] = None
    rules: tuple[RuleScore, ...] = ()
    modalities: tuple[ModalityReport, ...] = ()
    surface: str | None = None
    policy: PolicyRef
    models: dict[str, ModelRef]
    timing_ms: Annotated[
        dict[str, float], Meta(description="milliseconds by stage, of the batch the post was in")
    ] = {}
    meta: dict[str, Any] | None = None
    amends: Annotated[
        str | None, Meta(description="id of the earlier verdict on a part of the post, now void")
    ] = None


def read_in_full(verdict: Verdict) -> bool:
    """Whether nothing of the post was left unread; one without images is not the worse read."""
    return all(report.status in {"read", "missing"} for report in verdict.modalities)


def is_about(verdict: Verdict, post_digest: bytes) -> bool:
    """Whether a verdict is on the post with this digest, not on another that has the same id."""
    return receipt_of(verdict).gave(verdict.id, post_digest)


def receipt_of(verdict: Verdict) -> Receipt:
    """What produced a verdict."""
    return Receipt(policy=verdict.policy, models=verdict.models)


def deferred(verdict: Verdict) -> Verdict:
    """The verdict on a post whose media were left for later; its id is not that of the later one.

    Deterministic, so that a redelivered post is deferred under the same id.
    """
    return msgspec.structs.replace(
        verdict,
        id=_deferred_id(verdict.id),
        modalities=tuple(
            msgspec.structs.replace(report, status="deferred")
            if report.code == DEFERRED
            else report
            for report in verdict.modalities
        ),
    )


def _deferred_id(given: str) -> str:
    return hashlib.blake2b(b"deferred " + given.encode(), digest_size=16).hexdigest()


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Verdict)


def encode_verdict(verdict: Verdict) -> bytes:
    """One line of JSON, UTF-8."""
    return _encoder.encode(verdict)


def decode_verdict(value: bytes) -> Verdict:
    """Raises msgspec.ValidationError when the value is not a verdict."""
    return _decoder.decode(value)
