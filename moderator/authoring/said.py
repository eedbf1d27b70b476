"""Outcomes of examples as lines for people."""

from collections.abc import Iterator

from moderator.authoring.examples import Outcome, TestReport


def failure_lines(outcome: Outcome) -> Iterator[str]:
    """What went wrong, then the score by modality and the nearest prompts on both sides."""
    score = outcome.score
    if outcome.unread:
        yield f"{outcome.case.name}: could not be read: {'; '.join(outcome.unread)}"
    else:
        side = "below" if score.score < score.review_at else "reaches"
        but = f", but the exception {score.excused} excuses it" if score.excused else ""
        yield (
            f"{outcome.case.name}: score {score.score:.3f} {side} the review line "
            f"{score.review_at:g}{but} "
            f"(threshold {score.threshold:g}, {outcome.milliseconds:.0f} ms)"
        )
    yield f"  {outcome.case.shown}"
    for name, channel in score.channels.items():
        yield f"  {name}: margin {channel.margin:+.3f}, score {channel.score:.3f}"
        for neighbour in (outcome.near or {}).get(name, ()):
            yield f"    {neighbour.side:<8} {neighbour.similarity:+.2f}  {neighbour.prompt}"


def summary_lines(report: TestReport) -> Iterator[str]:
    """Counts and coverage."""
    total, failed = len(report.outcomes), len(report.failures)
    yield (
        f"{total - failed} of {total} examples pass ({report.passed_percent:.1f} %), "
        f"{failed} fail, in {report.seconds:.1f} s"
    )
    for names, said in (
        (report.bare, "without examples"),
        (report.half, "with examples of one side only"),
        (report.skipped, "off, not tested"),
    ):
        if names:
            yield f"rules {said}: {', '.join(names)}"
