from collections.abc import Mapping

import numpy as np

from moderator.evaluation.answers import FUSED, Answers, answers
from moderator.evaluation.rows import Example
from moderator.reading import LoadedPost
from moderator.verdicts import Verdict, read_in_full
from tests.builders import a_post, a_rule, a_screener, compiled, picture

BROKEN = b"no picture"


def screened(posts: Mapping[str, LoadedPost], *rules: Mapping[str, object]) -> list[Verdict]:
    screener = a_screener(compiled(*rules), detail="full")
    return screener.screen(list(posts.values()))


def judged(posts: Mapping[str, LoadedPost], *rules: Mapping[str, object], by: str) -> Answers:
    """What one rule said of posts, all of them labelled as violating."""
    examples = [Example(loaded.post, {"task": True}) for loaded in posts.values()]
    (found,) = answers(examples, screened(posts, *rules), {"task": (f"test/{by}",)})
    return found


def test_what_an_exception_lets_pass_neither_fires_nor_scores() -> None:
    rule = a_rule("fire", threshold=0.6, **{"except": {"keywords": ["drill"]}})
    posts = {"plain": a_post("1", "red fire"), "excused": a_post("2", "red fire drill")}
    found = judged(posts, rule, by="fire")
    assert found.fired.tolist() == found.reviewed.tolist() == [True, False]
    assert found.scores[FUSED][0] > 0.6
    assert found.scores[FUSED][1] == 0
    assert found.scores["text"][1] > 0.6  # what the channel said of it


def test_what_could_not_be_read_is_left_out_instead_of_scored_as_harmless() -> None:
    posts = {
        "read": a_post("1", None, picture("red")),
        "broken": a_post("2", None, BROKEN),
        "nothing to read": a_post("3", None),
    }
    found = judged(posts, a_rule("fire"), by="fire")
    assert found.places.tolist() == [0, 2]
    assert list(map(read_in_full, screened(posts, a_rule("fire")))) == [True, False, True]


def test_a_post_read_in_part_is_judged_by_the_rules_that_could_read_it() -> None:
    posts = {"half": a_post("1", "red fire", BROKEN)}
    rules = (a_rule("fire"), a_rule("seen", channels=["image"]))
    assert judged(posts, *rules, by="fire").fired.tolist() == [True]
    assert judged(posts, *rules, by="seen").places.tolist() == []


def test_a_keyword_found_counts_for_a_rule_of_keywords_whatever_else_is_broken() -> None:
    rule = a_rule("words", violates=[], keywords=["fire"])
    posts = {"half": a_post("1", "red fire", BROKEN), "read": a_post("2", "blue sea")}
    assert judged(posts, rule, by="words").fired.tolist() == [True, False]


def test_a_combination_is_read_where_one_of_its_parts_is() -> None:
    rules = (a_rule("fire"), a_rule("both", violates=[], when={"any": ["fire"]}))
    posts = {"half": a_post("1", "red fire", BROKEN), "broken": a_post("2", None, BROKEN)}
    found = judged(posts, *rules, by="both")
    assert found.places.tolist() == [0]
    assert found.fired.tolist() == [True]


def test_a_task_that_nothing_could_be_read_for_has_no_posts() -> None:
    found = judged({"broken": a_post("1", None, BROKEN)}, a_rule("fire"), by="fire")
    assert len(found.truth) == len(found.scores[FUSED]) == 0
    assert found.truth.dtype == np.bool_
