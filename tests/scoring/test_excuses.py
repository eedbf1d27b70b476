"""Why a rule that fires does not act: exceptions, canaries, tripped rules."""

from dataclasses import replace
from typing import Any

import pytest

from moderator.scoring.excuses import in_canary
from tests.builders import a_post, a_rule, a_screener, compiled, screen_one

NEWS = a_rule("news", violates=["green paper"], action="review", threshold=0.5)
FIRE = a_rule() | {"except": {"rules": ["news"]}}
REPORT = "red fire green paper"


def test_a_rule_that_fires_excuses_a_post_from_another() -> None:
    screener = a_screener(compiled(FIRE, NEWS))
    verdict = screen_one(a_post("1", REPORT), screener)
    fire = next(result for result in verdict.rules if result.id == "test/fire")
    assert (verdict.action, fire.action, fire.excused) == ("review", "allow", "rule test/news")
    assert fire.score >= fire.review_at
    assert screen_one(a_post("1", "red fire"), screener).action == "block"


def test_a_rule_that_allows_excuses_and_does_nothing_else() -> None:
    only = {"action": "allow", "review_at": 0.1}
    screener = a_screener(compiled(FIRE, NEWS | only))
    assert screen_one(a_post("1", REPORT), screener).action == "allow"
    assert screen_one(a_post("1", "green paper"), screener).action == "allow"
    assert screen_one(a_post("1", "green"), screener).action == "allow"  # at its review line
    assert screen_one(a_post("1", "red fire"), screener).action == "block"


def test_a_rule_that_does_not_judge_a_post_excuses_it_from_nothing() -> None:
    screener = a_screener(compiled(FIRE, NEWS | {"applies_to": {"surfaces": ["newsroom"]}}))
    actions = {
        surface: screen_one(a_post("1", REPORT, surface=surface), screener).action
        for surface in ("newsroom", "misspelt")
    }
    assert actions == {"newsroom": "review", "misspelt": "review"}
    other = a_rule("other", violates=["x"], applies_to={"surfaces": ["chat"]})
    screener = a_screener(compiled(FIRE, NEWS | {"applies_to": {"surfaces": ["newsroom"]}}, other))
    assert screen_one(a_post("1", REPORT, surface="chat"), screener).action == "block"


def test_a_rule_in_shadow_excuses_nothing_and_a_canary_only_where_it_acts() -> None:
    assert (
        screen_one(
            a_post("1", REPORT), a_screener(compiled(FIRE, NEWS | {"mode": "shadow"}))
        ).action
        == "block"
    )
    screener = a_screener(compiled(FIRE, NEWS | {"mode": {"canary": "50%"}}))
    for verdict in screener.screen([a_post(str(n), REPORT) for n in range(20)]):
        acted = in_canary("test/news", verdict.post_id, 0.5)
        assert verdict.action == ("review" if acted else "block")


@pytest.mark.parametrize("then", ["shadow", "review"])
def test_a_tripped_rule_excuses_nothing(then: Any) -> None:
    rules = replace(compiled(FIRE, NEWS), tripped={1: then})
    assert screen_one(a_post("1", REPORT), a_screener(rules)).action == "block"


def test_a_keyword_excuses_a_post_and_is_named() -> None:
    words = ["fire drill", {"pattern": "exercise \\d", "name": "x"}]
    rule = a_rule() | {"except": {"keywords": words}}
    screener = a_screener(compiled(rule))
    (result,) = screen_one(a_post("1", "red fire red fire drill"), screener).rules
    assert (result.action, result.excused) == ("allow", "keyword fire drill")
    (result,) = screen_one(a_post("1", "red fire red fire exercise 5"), screener).rules
    assert result.excused == "keyword x"
    assert screen_one(a_post("1", "red fire"), screener).action == "block"


def test_an_excused_post_that_was_not_read_in_full_still_goes_to_review() -> None:
    rule = a_rule() | {"except": {"keywords": ["drill"]}}
    post = a_post("1", "red fire red fire drill", b"no picture")
    assert screen_one(post, a_screener(compiled(rule))).action == "review"


def test_a_canary_acts_on_its_share_of_posts_and_always_on_the_same() -> None:
    acted = {n for n in range(20_000) if in_canary("p/r", str(n), 0.05)}
    assert len(acted) == pytest.approx(1000, rel=0.1)
    assert acted == {n for n in range(20_000) if in_canary("p/r", str(n), 0.05)}
    assert acted <= {n for n in range(20_000) if in_canary("p/r", str(n), 0.1)}
    assert acted != {n for n in range(20_000) if in_canary("p/other", str(n), 0.05)}


def test_a_canary_is_reported_everywhere_and_acts_on_its_posts_only() -> None:
    screener = a_screener(compiled(a_rule(mode={"canary": "30%"})))
    verdicts = screener.screen([a_post(str(n), "red fire") for n in range(60)])
    assert all(verdict.rules[0].mode == "canary" for verdict in verdicts)
    for verdict in verdicts:
        acts = in_canary("test/fire", verdict.post_id, 0.3)
        assert verdict.rules[0].shadow is not acts
        assert verdict.action == ("block" if acts else "allow")
    assert {verdict.action for verdict in verdicts} == {"block", "allow"}


@pytest.mark.parametrize(("then", "action"), [("shadow", "allow"), ("review", "review")])
def test_a_tripped_rule_reports_or_asks_for_a_look(then: Any, action: str) -> None:
    rules = replace(compiled(a_rule()), tripped={0: then})
    verdict = screen_one(a_post("1", "red fire"), a_screener(rules))
    assert verdict.action == action
    assert verdict.rules[0].tripped
