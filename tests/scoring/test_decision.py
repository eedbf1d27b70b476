from typing import Any

import pytest

from moderator.scoring.decision import action_of, decide
from moderator.verdicts import RuleScore

ORDER = ("allow", "label", "review", "block", "report")


def rule(action: str, severity: Any = "low", *, shadow: bool = False) -> RuleScore:
    return RuleScore(
        id="p/r",
        score=0.9,
        threshold=0.8,
        review_at=0.5,
        severity=severity,
        action=action,
        shadow=shadow,
        channels={},
    )


@pytest.mark.parametrize(
    ("score", "action"),
    [
        (1.0, "block"),
        (0.8, "block"),
        (0.79, "review"),
        (0.5, "review"),
        (0.49, "allow"),
        (0.0, "allow"),
    ],
)
def test_a_rule_acts_from_its_threshold_and_asks_for_a_look_below_it(
    score: float, action: str
) -> None:
    assert action_of(score, 0.8, 0.5, "block") == action


def test_a_post_on_which_no_rule_fires_is_allowed() -> None:
    assert decide([], ORDER, fully_read=True) == ("allow", None)
    assert decide([rule("allow", "critical")], ORDER, fully_read=True) == ("allow", None)


@pytest.mark.parametrize(
    ("asked", "action"),
    [
        (["review", "block"], "block"),
        (["block", "review"], "block"),
        (["label", "review"], "review"),
        (["label"], "label"),
        (["report", "block", "allow"], "report"),
    ],
)
def test_the_strictest_action_wins_in_the_order_of_the_policy(
    asked: list[str], action: str
) -> None:
    assert decide([rule(a) for a in asked], ORDER, fully_read=True)[0] == action


def test_the_severity_is_the_highest_of_the_rules_that_act() -> None:
    rules = [rule("review", "high"), rule("block", "low"), rule("allow", "critical")]
    assert decide(rules, ORDER, fully_read=True) == ("block", "high")


@pytest.mark.parametrize("fully_read", [True, False])
def test_a_shadow_rule_never_acts(fully_read: bool) -> None:  # noqa: FBT001
    rules = [rule("report", "critical", shadow=True)]
    expected = "allow" if fully_read else "review"
    assert decide(rules, ORDER, fully_read=fully_read) == (expected, None)


@pytest.mark.parametrize(
    ("asked", "action"),
    [([], "review"), (["allow"], "review"), (["label"], "review"), (["block"], "block")],
)
def test_a_post_not_read_in_full_is_at_least_reviewed(asked: list[str], action: str) -> None:
    assert decide([rule(a) for a in asked], ORDER, fully_read=False)[0] == action
