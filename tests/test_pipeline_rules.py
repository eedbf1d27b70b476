"""Which rules judge a post, by surface and policy, and what identifies a verdict."""

from dataclasses import replace

import pytest

from moderator.encoders.fake import fake_space
from moderator.policy.policyset import PolicySet
from tests.builders import (
    a_policy,
    a_post,
    a_rule,
    a_screener,
    a_set,
    compiled,
    crossed,
    screen_one,
)


@pytest.fixture
def policies() -> PolicySet:
    """A policy for everywhere and two for some surfaces, all about the same."""
    return a_set(
        a_policy(a_rule("everywhere"), policy="all"),
        a_policy(a_rule("in-chat"), policy="chat", surfaces=["chat"]),
        a_policy(a_rule("for-kids"), policy="kids", surfaces=["kids", "chat"]),
    )


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("chat", {"everywhere", "in-chat", "for-kids"}),
        ("kids", {"everywhere", "for-kids"}),
        (None, {"everywhere", "in-chat", "for-kids"}),
        ("mispelt", {"everywhere", "in-chat", "for-kids"}),
        ("", {"everywhere", "in-chat", "for-kids"}),
    ],
)
@pytest.mark.parametrize("detail", ["crossed", "full"])
def test_a_surface_chooses_the_rules_and_an_unknown_one_chooses_all(
    policies: PolicySet, surface: str | None, expected: set[str], detail: str
) -> None:
    rules = compiled(policies=policies)
    screener = a_screener(rules, detail="full" if detail == "full" else "crossed")
    verdict = screen_one(a_post("1", "red fire", surface=surface), screener)
    assert set(crossed(verdict)) == expected


def test_posts_of_different_surfaces_share_a_batch(policies: PolicySet) -> None:
    screener = a_screener(compiled(policies=policies))
    posts = [a_post(str(n), "red fire", surface=s) for n, s in enumerate(["kids", None, "chat"])]
    assert [len(verdict.rules) for verdict in screener.screen(posts)] == [2, 3, 3]


def test_a_post_outside_of_the_surface_of_every_rule_is_allowed() -> None:
    policies = a_set(
        a_policy(a_rule(), policy="chat", surfaces=["chat"]),
        a_policy(a_rule("sea", violates=["blue sea"]), policy="kids", surfaces=["kids"]),
    )
    screener = a_screener(compiled(policies=policies))
    assert screen_one(a_post("1", "red fire", surface="kids"), screener).action == "allow"
    assert screen_one(a_post("1", "red fire", surface="chat"), screener).action == "block"


def test_verdict_ids_are_the_same_in_another_run() -> None:
    one = screen_one(a_post("1", "red fire"))
    other = screen_one(a_post("1", "red fire"), a_screener(detail="full"))
    assert one.id == other.id
    assert screen_one(a_post("2", "red fire")).id != one.id


def test_another_policy_gives_another_verdict_id() -> None:
    ids = {
        screen_one(a_post("1", "red fire"), a_screener(compiled(rule))).id
        for rule in (a_rule(), a_rule(threshold=0.81), a_rule(violates=["red fire", "heat"]))
    }
    assert len(ids) == 3


def test_other_models_give_another_verdict_id() -> None:
    ids = {
        screen_one(a_post("1", "red fire"), a_screener(compiled(space=space), space=space)).id
        for space in (fake_space(), replace(fake_space(), digest="other"), fake_space(images=False))
    }
    assert len(ids) == 3


def test_a_verdict_names_policy_and_models() -> None:
    rules = compiled()
    verdict = screen_one(a_post("1", "red fire"), a_screener(rules))
    assert verdict.policy == rules.receipt.policy
    assert (verdict.policy.name, verdict.policy.version) == ("test", "1")
    assert {name: model.name for name, model in verdict.models.items()} == {
        "text": "fake",
        "image": "fake",
    }


def test_rules_may_be_exchanged_while_screening() -> None:
    screener = a_screener()
    before = screen_one(a_post("1", "red fire"), screener)
    screener.rules = compiled(a_rule("sea", violates=["blue sea"]))
    after = screen_one(a_post("1", "red fire"), screener)
    assert (before.action, after.action) == ("block", "allow")
    assert before.policy.digest != after.policy.digest


def test_an_action_of_the_policys_own_is_taken_in_its_place_in_the_order() -> None:
    ordered = ["allow", "review", "block", "report"]
    policies = a_set(
        a_policy(
            a_rule("fire"), a_rule("worse", action="report", severity="critical"), actions=ordered
        )
    )
    verdict = screen_one(a_post("1", "red fire"), a_screener(compiled(policies=policies)))
    assert (verdict.action, verdict.severity) == ("report", "critical")
