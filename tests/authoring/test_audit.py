"""Gaps between groups: measured on the same sentences, with intervals, and a gate."""

import re

import numpy as np
import pytest

from moderator.authoring.audit import Gap, audit, spread
from moderator.authoring.audit_templates import DIALECTS, IDENTITIES, SWAPS
from moderator.authoring.quality import Interval
from moderator.authoring.workbench import Workbench
from tests.authoring.conftest import Load
from tests.builders import a_rule


def test_dialects_say_the_same_sentences_in_the_same_order() -> None:
    assert len({len(sentences) for sentences in DIALECTS.values()}) == 1
    assert all(swap.count("{}") == 1 for swap in SWAPS)
    assert all(len(set(terms)) == len(terms) > 1 for terms in IDENTITIES.values())


def test_a_rule_that_minds_a_religion_has_its_largest_gap_there(
    load: Load, bench: Workbench
) -> None:
    rules = bench.compile(load(a_rule("biased", violates=["hindu"], review_at=0.1, threshold=0.2)))
    first, *others = audit(rules, bench)
    assert (first.rule, first.dimension) == ("test/biased", "religion")
    assert first.groups[0].name == "Hindu"
    assert first.groups[0].false_positives.hits > 0
    assert 0 < first.score_gap.low < first.score_gap.value <= first.score_gap.high
    assert first.score_gap.value > max(other.score_gap.value for other in others)
    assert first.exceeds(0.05)
    assert not first.exceeds(1.0)


def test_a_rule_is_also_tried_with_its_own_harmless_examples(load: Load, bench: Workbench) -> None:
    plain = a_rule("fire", violates=["red fire"])
    own = plain | {"examples": {"allows": ["the campfire was warm", "a fire drill"]}}
    posts = {}
    for name, rule in (("plain", plain), ("own", own)):
        gaps = audit(bench.compile(load(rule)), bench)
        posts[name] = {gap.dimension: gap.groups[0].false_positives.posts for gap in gaps}
    assert posts["own"]["religion"] == posts["plain"]["religion"] + 2
    assert posts["own"]["dialect"] == posts["plain"]["dialect"] == 12


@pytest.mark.parametrize("violates", [["red fire"], []])
def test_a_keyword_that_names_a_group_is_a_gap(
    load: Load, bench: Workbench, violates: list[str]
) -> None:
    rules = bench.compile(load(a_rule("biased", violates=violates, keywords=["muslim"])))
    first, *others = audit(rules, bench)
    assert (first.dimension, first.groups[0].name) == ("religion", "Muslim")
    assert first.groups[0].false_positives.value == 1
    assert first.false_positive_gap.value == 1
    assert first.score_gap.value > 0.9
    assert len(others) == len(IDENTITIES)  # and the dialects
    assert max(other.false_positive_gap.value for other in others) < 1


def test_an_exception_takes_the_false_positives_away(load: Load, bench: Workbench) -> None:
    rule = a_rule("biased", violates=[], keywords=["muslim"])
    rules = bench.compile(load({**rule, "except": {"keywords": ["muslim"]}}))
    assert not any(gap.false_positive_gap.value for gap in audit(rules, bench))


def test_a_combination_has_the_gap_of_its_parts(load: Load, bench: Workbench) -> None:
    part = a_rule("part", violates=[], keywords=["gay"], mode="shadow")
    whole = a_rule("whole", violates=[], when={"any": ["part"]})
    gaps = audit(bench.compile(load(part, whole)), bench)
    whole_gap = {gap.rule for gap in gaps if gap.false_positive_gap.value == 1}
    assert whole_gap == {"test/part", "test/whole"}


def test_rules_that_judge_no_texts_are_left_out(load: Load, bench: Workbench) -> None:
    pictures = a_rule("b", channels=["image"])
    held = a_rule("c", applies_to={"modalities": ["image"]})
    combined = a_rule("d", violates=[], when={"any": ["b"]})
    rules = bench.compile(load(a_rule("a"), pictures, held, combined))
    assert {gap.rule for gap in audit(rules, bench)} == {"test/a"}


def a_gap(score: Interval, false_positives: Interval) -> Gap:
    return Gap("p/r", "religion", (), score, false_positives)


@pytest.mark.parametrize("groups", [4, 6])
@pytest.mark.parametrize("noise", ["normal", "skewed", "fires"])
def test_of_groups_that_are_alike_few_are_told_apart(groups: int, noise: str) -> None:
    random = np.random.default_rng(1)
    told_apart = 0
    for _ in range(200):
        sentences = random.random((1, 12))  # some are nearer to the rule, whoever says them
        scores = {
            "normal": sentences * 0.3 + random.normal(0, 0.05, (groups, 12)),
            "skewed": (sentences**4 + random.random((groups, 12)) ** 8) / 2,
            "fires": random.random((groups, 12)) < sentences / 4,
        }[noise]
        told_apart += spread(scores).low > 0
    assert told_apart <= 20  # by chance 10 of 200, give or take 3


def test_the_interval_of_a_gap_holds_the_true_one() -> None:
    random = np.random.default_rng(1)
    minded = np.array([[0.1], [0], [0], [0], [0], [0]])
    held = []
    for _ in range(100):
        found = spread(random.random((1, 12)) * 0.3 + minded + random.normal(0, 0.05, (6, 12)))
        held.append(found.low <= 0.1 <= found.high)
    assert np.mean(held) >= 0.95


def test_a_single_sentence_tells_no_groups_apart() -> None:
    scores = np.tile(np.random.default_rng(1).random(12), (6, 1))
    scores[0, 3] += 0.5
    assert spread(scores).low == 0


def test_groups_without_any_difference_have_no_gap() -> None:
    assert spread(np.full((4, 12), 0.25)) == (0.0, 0.0, 0.0)


def test_a_gap_fails_when_it_is_large_and_not_by_chance() -> None:
    none, chance, sure = Interval(0, 0, 0), Interval(0.4, 0, 0.9), Interval(0.4, 0.1, 0.7)
    assert a_gap(sure, none).exceeds(0.3)
    assert a_gap(none, sure).exceeds(0.3)
    assert not a_gap(chance, chance).exceeds(0.3)
    assert not a_gap(sure, sure).exceeds(0.5)


@pytest.mark.parametrize("term", [term for terms in IDENTITIES.values() for term in terms])
def test_terms_are_plain_words(term: str) -> None:
    assert re.fullmatch(r"[A-Za-z-]+", term)
