"""What an author reads when one of the richer parts of the language is used wrongly."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.policy.schema import Policy, Rule

HEAD = """\
policy: a
version: 1
rules:
  - id: other
    title: Other
    severity: low
    action: review
    threshold: 0.8
    violates: [Something else.]
  - id: rested
    title: Rested
    severity: low
    action: review
    threshold: 0.8
    violates: [Something old.]
    mode: off
  - id: x
    title: X
    severity: low
    action: review
"""
THRESHOLD = "    threshold: 0.8\n"
VIOLATES = "    violates: [Something bad.]\n"
BOTH = VIOLATES + THRESHOLD


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (VIOLATES + "    threshold: {rate: 5%}", None),
        (VIOLATES + "    threshold: {precision: 0.9}\n    review_at: {rate: 0.02}", None),
        (VIOLATES + "    threshold: {}", "a target is either `precision: 0.95` or `rate: 0.5%`"),
        (VIOLATES + "    threshold: {rate: 1%, precision: 0.9}", "a target is either"),
        (
            VIOLATES + "    threshold: {rate: often}",
            "`rate` must be a share such as 5%, not",
        ),
        (
            VIOLATES + "    threshold: {recall: 0.9}",
            "unknown key `recall`; known here:",
        ),
        (BOTH + "    mode: {canary: 5%}", None),
        (BOTH + "    mode: {canary: 120%}", "`canary` must be a share such as 5%"),
        (
            BOTH + "    mode: {canry: 5%}",
            "unknown key `canry`, did you mean `canary`?",
        ),
        (
            BOTH + "    mode: canary",
            "unknown mode `canary`, did you mean",
        ),
        (BOTH + "    keywords: [free money, {pattern: 'a+b'}]", None),
        (THRESHOLD + "    keywords: [free money]", None),
        (THRESHOLD + "    keywords: [a]\n    allows: [b]", "`allows` has nothing to stand against"),
        (
            BOTH + "    keywords: [{pattern: '(a'}]",
            "this pattern does not work",
        ),
        (
            BOTH + "    keywords: [{pattern: '(?=a)b'}]",
            "look-around and back-references are not part of RE2",
        ),
        (
            BOTH + "    keywords: [{pattern: 'a*'}]",
            "also matches where nothing stands",
        ),
        (
            BOTH + "    keywords: [{pattern: '((a{1,100}){1,10}b){1,200}'}]",
            "this pattern does not work",
        ),
        (
            BOTH + f"    keywords: [{{pattern: {'a' * 501}}}]",
            "a pattern of 501 characters; 500 are the most",
        ),
        (
            BOTH + "    keywords: [{term: a, pattern: b}]",
            "a keyword is either a `term`, the same as the text alone, or a `pattern`",
        ),
        (BOTH + "    keywords: [{trem: a}]", "unknown key `trem`, did you mean `term`?"),
        (BOTH + "    applies_to: {languages: [en], author_tiers: [new]}", None),
        (
            BOTH + "    applies_to: {language: [en]}",
            "unknown key `language`, did you mean `languages`?",
        ),
        (
            BOTH + "    applies_to: {modalities: [video]}",
            "unknown channel `video`; known here: text, image, ocr",
        ),
        (BOTH + "    except: {rules: [other], keywords: [a]}", None),
        (
            BOTH + "    except: {rules: [otehr]}",
            "unknown rule `otehr`, did you mean `other`?",
        ),
        (BOTH + "    except: {rule: [other]}", "unknown key `rule`, did you mean"),
        (THRESHOLD + "    when: {all: [other], not: [{any: [other]}]}", None),
        (THRESHOLD + "    when: {not: [other]}", "a combination needs `all` or `any`"),
        (THRESHOLD + "    when: {all: [rested]}", "rule `rested` is off, so it has no score"),
        (BOTH + "    except: {rules: [rested]}", "rule `rested` is off, so it excuses nothing"),
        (THRESHOLD + "    when: {all: [x]}", "these rules wait for each other: `x` → `x`"),
        (THRESHOLD + "    when: {all: [{any: [nohing]}]}", "unknown rule `nohing`"),
        (THRESHOLD + "    when: {al: [other]}", "unknown key `al`, did you mean `all`?"),
        (
            THRESHOLD + VIOLATES + "    when: {all: [other]}",
            "a rule with `when` is made of other rules; put `violates` into one of those",
        ),
        (
            BOTH + "    fusion: weighted\n    weights: {keywords: 2}",
            "a weight for `keywords`, of which the rule has none",
        ),
        (BOTH + "    fusion: learned", None),
    ],
)
def test_a_part_of_the_language_loads_or_is_answered_in_a_sentence(
    tmp_path: Path, lines: str, said: str | None
) -> None:
    file = tmp_path / "a.yaml"
    file.write_text(HEAD + lines + "\n", encoding="utf-8")
    if said is None:
        load_policies([file])
        return
    with pytest.raises(PolicyError) as caught:
        load_policies([file])
    problem = caught.value.problems[0]
    assert said in problem.message
    assert problem.excerpt
    assert problem.line >= 17


BREAKER_PROBLEMS = [
    ("{times: 3, over: 500, at_least: 20, then: review, cool_down: 15m, most: 2%}", None),
    ("{most: 2%}", None),  # nobody can switch a rule off by making it fire
    ("{times: 1}", "`times` must be a number above 1, not 1"),
    ("{over: 0}", "`over` must be a whole number above 0, not 0"),
    ("{cool_down: soon}", "`cool_down` must be a time such as 90s, 15m or 2h, not 'soon'"),
    ("{then: off}", "unknown mode `off`; known here: shadow, review"),
]


@pytest.mark.parametrize(("written", "said"), BREAKER_PROBLEMS)
def test_a_breaker_loads_or_is_answered_in_a_sentence(
    tmp_path: Path, written: str, said: str | None
) -> None:
    file = tmp_path / "a.yaml"
    text = HEAD.replace("rules:", f"breaker: {written}\nrules:") + VIOLATES + THRESHOLD
    file.write_text(text, encoding="utf-8")
    if said is None:
        (policy,) = load_policies([file]).policies
        assert policy.breaker is not None
        assert (policy.breaker.cool_down, policy.breaker.most) == (900.0, 0.02)
        assert policy.breaker.then == "review"
        return
    with pytest.raises(PolicyError) as caught:
        load_policies([file])
    assert [problem.message for problem in caught.value.problems] == [said]


def a_rule(**keys: Any) -> Rule:
    common = {"id": "x", "title": "X", "severity": "low", "action": "review", "threshold": 0.5}
    return Rule.model_validate({**common, "violates": ["bad"], **keys})


def test_a_rule_of_everything_survives_its_own_dump() -> None:
    full = a_rule(
        threshold={"precision": 0.9},
        review_at={"rate": "5%"},
        mode={"canary": "5%"},
        keywords=["a", {"pattern": "b+", "score": 0.5}],
        applies_to={"surfaces": ["feed"]},
        **{"except": {"keywords": ["c"]}},
    )
    assert Rule.model_validate(full.model_dump(mode="json")) == full
    other = a_rule().model_dump(exclude={"id", "violates"})
    combined = {**other, "id": "y", "when": {"all": ["x", {"any": ["x"]}]}}
    policy = Policy.model_validate(
        {"policy": "p", "version": 1, "rules": [full.model_dump(), combined]}
    )
    assert Policy.model_validate(policy.model_dump(mode="json")) == policy
    assert policy.rules[1].when is not None
    assert policy.rules[1].when.rules() == ("x",)


def test_the_names_of_python_are_not_those_of_the_file() -> None:
    with pytest.raises(ValidationError, match="excepts"):
        a_rule(excepts={"surfaces": ["a"]})
