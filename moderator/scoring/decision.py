"""From scores to an action: the highest among the rules that fire."""

from collections.abc import Iterable, Sequence

from moderator.verdicts import ALLOW, REVIEW, SEVERITIES, RuleScore, Severity


def action_of(score: float, threshold: float, review_at: float, action: str) -> str:
    """What one rule asks for: its action from the threshold, a look by a person below it.

    A rule whose action is `allow`, because it only excuses, asks for neither.
    """
    if score >= threshold or action == ALLOW:
        return action
    return REVIEW if score >= review_at else ALLOW


def decide(
    rules: Iterable[RuleScore], order: Sequence[str], *, fully_read: bool
) -> tuple[str, Severity | None]:
    """The verdict's action and severity.

    Args:
        rules: the rules that reached their review line; shadow rules are ignored.
        order: the actions, mildest first.
        fully_read: False when any part of the post was not read. Such a post is never allowed.
    """
    acting = [rule for rule in rules if not rule.shadow and rule.action != ALLOW]
    actions = [rule.action for rule in acting]
    if not fully_read:
        actions.append(REVIEW)
    action = max(actions, key=order.index, default=ALLOW)
    severity = max((rule.severity for rule in acting), key=SEVERITIES.index, default=None)
    return action, severity
