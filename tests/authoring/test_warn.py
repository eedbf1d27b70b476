"""What the encoders find odd about policies, as warnings with places."""

from collections.abc import Sequence
from typing import Any

import pytest

from moderator.authoring.findings import from_warnings, render
from moderator.authoring.warn import Lines, Warned, warn
from moderator.authoring.workbench import Workbench
from tests.authoring.conftest import Load
from tests.builders import a_rule

FIRE = ["red fire", "hot red flames", "burning houses"]
SEA = ["blue sea", "calm water waves", "sailing ships"]


def codes(warned: Sequence[Warned]) -> list[tuple[str, str]]:
    return [(each.code, each.rule.partition("/")[2]) for each in warned]


def test_a_policy_with_nothing_odd_has_no_warnings(load: Load, bench: Workbench) -> None:
    rules = a_rule("fire", violates=FIRE, allows=SEA), a_rule("meadow", violates=["green grass"])
    assert warn(load(*rules), bench) == []


def test_two_prompts_that_say_nearly_the_same_are_named(load: Load, bench: Workbench) -> None:
    words = "the red fire burns down all the houses of the town"
    policies = load(
        a_rule("fire", violates=[words, f"{words}."], channels=["text"]),
        a_rule("arson", violates=[f"{words} .", "matches and petrol"], channels=["text"]),
    )
    found = [each for each in warn(policies, bench) if each.code == "prompts-alike"]
    assert codes(found) == [("prompts-alike", "fire"), *[("prompts-alike", "arson")] * 2]
    assert found[0].message.startswith(f"nearly the same as the prompt “{words}” (cosine 1.00)")
    assert "the rules overlap here" in found[1].message


def test_rules_of_different_policies_may_be_alike(load: Load, bench: Workbench) -> None:
    one = load(a_rule("fire", violates=FIRE), name="one")
    other = load(a_rule("fire", violates=FIRE), name="other")
    both = type(one)((*one.policies, *other.policies), {**one.files, **other.files})
    assert warn(both, bench) == []


def test_two_rules_that_look_for_nearly_the_same_are_named(load: Load, bench: Workbench) -> None:
    policies = load(a_rule("fire", violates=FIRE), a_rule("arson", violates=FIRE[::-1]))
    assert ("rules-alike", "arson") in codes(warn(policies, bench))


def test_a_violating_prompt_on_the_allowed_side_is_named(load: Load, bench: Workbench) -> None:
    rule = a_rule("fire", violates=["red fire", "hot red fire", "calm blue sea"], allows=SEA)
    (found,) = [each for each in warn(load(rule), bench) if each.code == "wrong-side"]
    assert found.prompt == "calm blue sea"
    assert "closer to the `allows` side" in found.message


def test_an_example_that_barely_passes_and_one_that_fails_are_named(
    load: Load, bench: Workbench
) -> None:
    examples = {"violates": ["red fire"], "allows": ["red"]}
    policies = load(a_rule("fire", violates=FIRE, examples=examples))
    found = warn(policies, bench, Lines(narrow=0.5))
    assert codes(found) == [("narrow-example", "fire"), ("failing-example", "fire")]


def test_an_example_that_an_exception_excuses_fails_and_is_told_why(
    load: Load, bench: Workbench
) -> None:
    examples = {"violates": ["red fire drill"], "allows": ["drill of the red fire"]}
    rule = a_rule(examples=examples, threshold=0.3, review_at=0.2)
    excused = {**rule, "except": {"keywords": ["drill"]}}
    (found,) = warn(load(excused), bench, Lines(narrow=1))
    assert (found.code, found.prompt) == ("failing-example", "red fire drill")
    assert "must fire, but the exception keyword drill excuses it" in found.message


def test_a_rule_that_another_swallows_is_named(load: Load, bench: Workbench) -> None:
    strict = a_rule("fire", violates=["burning houses", "burning"], threshold=0.4)
    strict["review_at"] = 0.3
    mild = a_rule("houses", violates=["burning houses"], action="review")
    assert ("swallowed", "houses") in codes(warn(load(strict, mild), bench))
    # The other way round the milder rule cannot stand in for the stricter one.
    strict["action"], mild["action"] = "review", "block"
    assert ("swallowed", "houses") not in codes(warn(load(strict, mild), bench))


WIDE: dict[str, Any] = a_rule("fire", violates=["burning houses", "burning"], threshold=0.4) | {
    "review_at": 0.3
}
NARROW: dict[str, Any] = a_rule("houses", violates=["burning houses"], action="review")
IN_CHAT = {"applies_to": {"surfaces": ["chat"]}}
ON_FEED = {"applies_to": {"surfaces": ["feed", "chat"]}}
SPARES_TOYS = {"except": {"keywords": ["toy"]}}


@pytest.mark.parametrize(
    ("wide", "narrow", "others"),
    [
        (WIDE | {"mode": "shadow"}, NARROW, []),
        (WIDE | {"mode": {"canary": "50%"}}, NARROW, []),
        (WIDE | {"mode": {"canary": "50%"}}, NARROW | {"mode": {"canary": "50%"}}, []),
        (WIDE | IN_CHAT, NARROW | ON_FEED, []),
        (WIDE | {"except": {"surfaces": ["feed"]}}, NARROW, []),
        (WIDE | {"applies_to": {"languages": ["en"]}}, NARROW, []),
        (WIDE | {"applies_to": {"modalities": ["text"]}}, NARROW, []),
        (WIDE | SPARES_TOYS, NARROW, []),
        (WIDE, NARROW | {"keywords": ["arson"]}, []),
        (WIDE, NARROW, [a_rule("both", violates=[]) | {"when": {"all": ["houses"]}}]),
        (WIDE, NARROW, [a_rule("sea", violates=SEA) | {"except": {"rules": ["houses"]}}]),
    ],
)
def test_a_rule_that_acts_where_another_does_not_is_not_swallowed(
    load: Load,
    bench: Workbench,
    wide: dict[str, Any],
    narrow: dict[str, Any],
    others: list[dict[str, Any]],
) -> None:
    assert ("swallowed", "houses") not in codes(warn(load(wide, narrow, *others), bench))


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        (WIDE, NARROW | {"mode": "shadow"}),
        (WIDE | {"mode": "shadow"}, NARROW | {"mode": "shadow"}),
        (WIDE | ON_FEED, NARROW | IN_CHAT),
        (WIDE, NARROW | IN_CHAT | SPARES_TOYS),
        (WIDE | SPARES_TOYS, NARROW | SPARES_TOYS),
    ],
)
def test_a_rule_is_swallowed_by_one_that_goes_as_far_everywhere(
    load: Load, bench: Workbench, wide: dict[str, Any], narrow: dict[str, Any]
) -> None:
    assert ("swallowed", "houses") in codes(warn(load(wide, narrow), bench))


def test_a_prompt_longer_than_the_window_is_named_and_counted_once(
    load: Load, bench: Workbench
) -> None:
    long = " ".join(f"w{number}" for number in range(60))
    policies = load(a_rule("fire", violates=[*FIRE, long]))
    (found,) = [each for each in warn(policies, bench) if each.code == "prompt-cut"]
    assert (found.prompt, "2 windows" in found.message) == (long, True)
    encoder = bench.channels["text"].text
    encoder.encoded.clear()  # type: ignore[attr-defined]
    warn(policies, bench)
    assert encoder.encoded == []  # type: ignore[attr-defined]


def test_rules_that_are_off_are_passed_over(load: Load, bench: Workbench) -> None:
    policies = load(a_rule("fire", violates=FIRE), a_rule("old", violates=FIRE, mode="off"))
    assert warn(policies, bench) == []


@pytest.mark.parametrize("kind", ["text", "json", "github", "sarif"])
def test_no_findings_are_no_findings_in_every_format(kind: str) -> None:
    assert render([], kind) in {"", "[]"} or '"results": []' in render([], kind)  # type: ignore[arg-type]


def test_a_warning_stands_at_its_prompt(load: Load, bench: Workbench) -> None:
    rule = a_rule("fire", violates=["red fire", "hot red fire", "calm blue sea"], allows=SEA)
    policies = load(rule)
    (finding,) = from_warnings(warn(policies, bench), policies)
    lines = finding.problem.path.read_text().splitlines()
    column = finding.problem.column - 1
    assert lines[finding.problem.line - 1][column:].startswith("calm blue sea")
