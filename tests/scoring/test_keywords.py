"""Terms and patterns: what is found, what is not, and that nothing makes it slow."""

import time
from typing import Any

import pytest

from moderator.policy.keywords import Keyword
from moderator.scoring.keywords import Entry, KeywordIndex
from tests.builders import a_post, a_rule, a_screener, compiled, screen_one


def keyword(term: str | None = None, **keys: object) -> Keyword:
    return Keyword.model_validate({"term": term, **keys} if term else keys)


def found(text: str, *keywords: Keyword) -> list[str]:
    """The labels of the keywords that are found, each as if of a rule of its own."""
    index = KeywordIndex(Entry(n, word, excuses=False) for n, word in enumerate(keywords))
    return [hit.label for _, hit in sorted(index.find([text], [0]).fires.items())]


@pytest.mark.parametrize(
    ("text", "there"),
    [
        ("Get FREE   money\nnow", True),
        ("free money", True),
        ("\uff46\uff52\uff45\uff45 money", True),  # full-width letters
        ("fr\u200bee mon\u00adey", True),  # zero-width and soft hyphen
        ("(free money)!", True),
        ("carefree money", False),
        ("free moneybags", False),
        ("free_money", False),
        ("free the money", False),
    ],
)
def test_a_term_is_found_as_people_see_it_and_not_inside_of_words(text: str, there: bool) -> None:  # noqa: FBT001
    assert found(text, keyword("Free money")) == (["Free money"] if there else [])


@pytest.mark.parametrize(
    ("term", "text"),
    [("毒品", "他卖毒品吗"), ("нож", "Нож!"), ("straße", "STRASSE"), ("c++", "C++?")],
)
def test_terms_of_any_script_are_found(term: str, text: str) -> None:
    assert found(text, keyword(term)) == [term]
    assert found("nothing of that", keyword(term)) == []


def test_a_term_inside_of_another_is_found_as_well() -> None:
    both = [keyword("red fire"), keyword("fire")]
    assert found("a red fire", *both) == ["red fire", "fire"]


def test_a_pattern_has_no_letter_case_and_its_own_name() -> None:
    pattern = keyword(pattern=r"\bsend \d+ ?(btc|eth)\b", name="crypto")
    assert found("SEND 2  BTC", pattern) == ["crypto"]
    assert found("resend 2 btc", pattern) == []
    assert found("a", keyword(pattern="a+")) == ["a+"]


def test_a_null_character_in_a_text_does_no_harm() -> None:
    assert found("a\x00bad\x00b", keyword(pattern="bad|worse")) == ["bad|worse"]
    assert found("good\x00", keyword(pattern="bad|worse")) == []


def test_the_surest_keyword_of_a_rule_is_kept_and_each_post_has_its_own() -> None:
    entries = [
        Entry(0, keyword("maybe", score=0.6), excuses=False),
        Entry(0, keyword("surely", score=0.9), excuses=False),
        Entry(1, keyword("surely"), excuses=True),
    ]
    hits = KeywordIndex(entries).find(["maybe, surely", "maybe", "no"], [0, 1, 2])
    assert {cell: word.label for cell, word in hits.fires.items()} == {
        (0, 0): "surely",
        (1, 0): "maybe",
    }
    assert list(hits.excuses) == [(0, 1)]


def test_a_set_of_patterns_that_runs_out_of_memory_is_searched_one_by_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    index = KeywordIndex([Entry(0, keyword(pattern="ba+d"), excuses=False)])

    class Exhausted:
        def Match(self, _text: str) -> None:  # noqa: N802 - RE2's name
            return None

    monkeypatch.setattr(index._sets[0], "_set", Exhausted())
    assert list(index.find(["very baad"], [0]).fires) == [(0, 0)]


def test_a_pattern_that_ruins_other_engines_takes_no_time() -> None:
    index = KeywordIndex([Entry(0, keyword(pattern="(a|aa)+$|(x+x+)+y"), excuses=False)])
    began = time.process_time()
    index.find(["a" * 20_000 + "!" + "x" * 20_000], [0])
    assert time.process_time() - began < 1


def test_many_patterns_and_terms_are_all_found() -> None:
    patterns = [keyword(pattern=f"code {n}[a-c]{{2}}") for n in range(1200)]
    terms = [keyword(f"word{n}") for n in range(1200)]
    assert found("code 7ab, code 1199cc, word1100", *patterns, *terms) == [
        "code 7[a-c]{2}",
        "code 1199[a-c]{2}",
        "word1100",
    ]


def test_a_keyword_alone_makes_a_rule_fire_and_the_verdict_names_it() -> None:
    rule = a_rule("cash", violates=[], keywords=["free money"])
    screener = a_screener(compiled(rule))
    verdict = screen_one(a_post("1", "Get free money!"), screener)
    (result,) = verdict.rules
    assert verdict.action == "block"
    assert result.score == pytest.approx(0.99, abs=1e-6)
    assert list(result.channels) == ["keywords"]
    assert result.channels["keywords"].nearest == "free money"
    assert screen_one(a_post("1", "Earn money"), screener).action == "allow"


@pytest.mark.parametrize(
    ("fusion", "score"),
    [({"fusion": "max"}, 0.6), ({"fusion": "weighted", "weights": {"keywords": 3}}, None)],
)
def test_keywords_are_fused_with_what_the_text_means(
    fusion: dict[str, Any], score: float | None
) -> None:
    words = [{"term": "grass", "score": 0.6}]
    rule = a_rule(violates=["red fire"], keywords=words, threshold=0.55, **fusion)
    other = a_rule("sea", violates=["blue sea"], fusion="noisy_or")
    screener = a_screener(compiled(other, rule), detail="full")
    verdict = screen_one(a_post("1", "green grass"), screener)
    scores = {result.id: result for result in verdict.rules}
    text = scores["test/fire"].channels["text"].score
    if score is None:
        assert text < scores["test/fire"].score < 0.6
    else:
        assert scores["test/fire"].score == pytest.approx(score, abs=1e-5)
    assert list(scores["test/sea"].channels) == ["text"]


def test_other_posts_of_the_batch_keep_their_scores() -> None:
    rules = compiled(a_rule(keywords=["grass"]), a_rule("sea", violates=["blue sea"]))
    screener = a_screener(rules, detail="full")
    alone = [result.score for result in screen_one(a_post("1", "red fire"), screener).rules]
    both = screener.screen([a_post("2", "grass"), a_post("1", "red fire")])[1]
    assert [result.score for result in both.rules] == pytest.approx(alone, abs=1e-6)
