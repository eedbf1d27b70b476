"""Rules made of other rules."""

from typing import Any

import pytest

from tests.builders import a_post, a_rule, a_screener, compiled, screen_one

RED = a_rule("red", violates=["red"], mode="shadow")
SEA = a_rule("sea", violates=["sea"], mode="shadow")


def combined(**when: Any) -> dict[str, Any]:
    rule = a_rule("both", when=when, threshold=0.6)
    del rule["violates"]
    return rule


def scores(text: str | None, *rules: dict[str, Any]) -> dict[str, float]:
    screener = a_screener(compiled(*rules), detail="full")
    found = screen_one(a_post("1", text), screener).rules
    return {result.id.removeprefix("test/"): result.score for result in found}


def test_all_is_the_lowest_any_the_highest_and_not_the_rest_to_one() -> None:
    every = [
        RED,
        SEA,
        {**combined(all=["red", "sea"]), "id": "all"},
        {**combined(any=["red", "sea"]), "id": "any"},
        {**combined(all=["red"], **{"not": ["sea"]}), "id": "not"},
        {**combined(all=["red", {"any": ["sea", "all"]}]), "id": "nested"},
    ]
    found = scores("red paper sea", *every)
    assert found["all"] == pytest.approx(min(found["red"], found["sea"]), abs=1e-5)
    assert found["any"] == pytest.approx(max(found["red"], found["sea"]), abs=1e-5)
    assert found["not"] == pytest.approx(min(found["red"], 1 - found["sea"]), abs=1e-5)
    assert found["nested"] == pytest.approx(min(found["red"], found["sea"]), abs=1e-5)


def test_a_combination_acts_where_its_parts_only_report_and_names_their_scores() -> None:
    screener = a_screener(compiled(combined(all=["red", "sea"]), RED, SEA))
    verdict = screen_one(a_post("1", "red sea"), screener)
    (result,) = [result for result in verdict.rules if result.id == "test/both"]
    assert verdict.action == "block"
    assert set(result.parts) == {"red", "sea"}
    assert result.score == pytest.approx(min(result.parts.values()), abs=1e-5)
    assert screen_one(a_post("1", "red"), screener).action == "allow"


def test_a_keyword_of_a_part_counts() -> None:
    link = a_rule("link", violates=[], keywords=["http"], mode="shadow")
    found = scores("red http", RED, link, combined(all=["red", "link"]))
    assert found["both"] == pytest.approx(found["red"], abs=1e-5)
    assert scores("red", RED, link, combined(all=["red", "link"]))["both"] < 1e-5


@pytest.mark.parametrize("text", [None, "  "])
def test_a_post_without_text_breaks_no_combination(text: str | None) -> None:
    found = scores(text, RED, SEA, combined(all=["red"], **{"not": ["sea"]}))
    assert found["both"] < 1e-5


def test_a_part_that_does_not_judge_a_post_has_no_say_there() -> None:
    in_chat = {"applies_to": {"surfaces": ["chat"]}}
    unless = combined(all=["red"], **{"not": ["sea"]})
    elsewhere = a_rule("elsewhere", violates=["x"], applies_to={"surfaces": ["feed"]})
    screener = a_screener(compiled(RED, SEA | in_chat, unless, elsewhere))
    assert screen_one(a_post("1", "red sea", surface="chat"), screener).action == "allow"
    assert screen_one(a_post("1", "red sea", surface="feed"), screener).action == "block"
    only = combined(all=["red", "sea"])
    screener = a_screener(compiled(RED, SEA | in_chat, only, elsewhere))
    assert screen_one(a_post("1", "red sea", surface="chat"), screener).action == "block"
    assert screen_one(a_post("1", "red sea", surface="feed"), screener).action == "allow"
