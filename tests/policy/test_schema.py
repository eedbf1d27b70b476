"""What a finished policy holds, and what editors are told about the file."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError
from ruamel.yaml import YAML

from moderator.policy.schema import Example, Policy, Rule, policy_schema

SAMPLES = sorted((Path(__file__).parents[2] / "policies").glob("*.yaml"))
RULE: dict[str, Any] = {
    "id": "guns",
    "title": "Guns",
    "severity": "high",
    "action": "block",
    "threshold": 0.8,
    "violates": ["Selling a gun."],
    "allows": ["A toy."],
}


def rule(**keys: Any) -> Rule:
    return Rule.model_validate(RULE | keys)


def policy(**keys: Any) -> Policy:
    return Policy.model_validate({"policy": "a", "version": 1, "rules": [RULE]} | keys)


def messages(error: ValidationError) -> list[str]:
    return [found["msg"] for found in error.errors()]


def test_a_rule_that_says_little_gets_sensible_defaults() -> None:
    plain = rule()
    assert plain.review_at == plain.threshold == 0.8
    assert (plain.channels, plain.fusion, plain.mode) == (("text", "image"), "max", "enforce")
    assert plain.reads == ("text", "image", "ocr")
    assert (plain.weights, plain.references, plain.description) == ({}, (), None)


def test_prompts_of_a_channel_replace_the_shared_ones_there() -> None:
    own = rule(image={"violates": ["a photo of a gun"]})
    assert own.prompts("text") == (("Selling a gun.",), ("A toy.",))
    assert own.prompts("image") == (("a photo of a gun",), ())


def test_shared_prompts_are_not_needed_where_every_channel_has_its_own() -> None:
    keys = {key: value for key, value in RULE.items() if key not in {"violates", "allows"}}
    image = {"violates": ["a photo of a gun"]}
    assert Rule.model_validate(keys | {"image": image, "channels": ["image"]}).violates == ()
    both = keys | {"image": image, "text": {"violates": ["Selling a gun."]}}
    assert Rule.model_validate(both).prompts("text") == (("Selling a gun.",), ())
    with pytest.raises(ValidationError, match="Field required"):
        Rule.model_validate(keys | {"image": image})


def test_prompts_are_stripped() -> None:
    assert rule(violates=["  Selling a gun.\n"]).violates == ("Selling a gun.",)


def test_an_example_may_be_a_text_or_a_mapping() -> None:
    examples = rule(examples={"violates": ["Gun!", {"text": "Look", "image": "a.jpg"}]}).examples
    assert examples.violates == (Example(text="Gun!"), Example(text="Look", image="a.jpg"))


def test_defaults_fill_in_what_rules_leave_out() -> None:
    short = {"id": "short", "title": "Short", "violates": ["x"]}
    defaults = {
        "severity": "low",
        "action": "review",
        "threshold": 0.7,
        "review_at": 0.4,
        "fusion": "noisy_or",
        "mode": "shadow",
        "channels": ["text"],
    }
    first, second = policy(rules=[short, RULE | {"review_at": 0.6}], defaults=defaults).rules
    assert (first.severity, first.action, first.threshold) == ("low", "review", 0.7)
    assert (first.review_at, first.fusion, first.mode) == (0.4, "noisy_or", "shadow")
    assert (second.severity, second.threshold, second.review_at) == ("high", 0.8, 0.6)
    assert second.channels == ("text",)


def test_a_version_may_be_a_whole_number() -> None:
    assert policy(version=3).version == "3"
    with pytest.raises(ValidationError, match=r"must be text, not 1\.5; put it in quotes"):
        policy(version=1.5)


def test_actions_of_a_team_may_stand_between_and_after_the_built_in_ones() -> None:
    actions = ["allow", "label", "review", "limit", "block", "ban"]
    held = policy(actions=actions, rules=[RULE | {"action": "ban"}])
    assert held.actions == tuple(actions)
    for wrong in (["review", "block"], ["label", "allow", "review", "block"], []):
        with pytest.raises(ValidationError):
            policy(actions=wrong)


def test_everything_wrong_with_a_policy_is_raised_together() -> None:
    wrong = RULE | {"threshold": "high", "violates": ["x", "x"], "weights": {"text": 1}}
    with pytest.raises(ValidationError) as caught:
        policy(rules=[wrong, RULE], version=True)
    assert messages(caught.value) == [
        "rule id `guns` is taken; give this rule another",
        "must be text, not true; put it in quotes",
        "must be a number between 0 and 1, not 'high'",
        "the same prompt as item 1 of this list; remove one of them",
        "`weights` work with `fusion: weighted` only; add it or remove them",
    ]


def test_a_policy_survives_a_round_through_its_own_dump() -> None:
    held = policy(defaults={"review_at": 0.3}, rules=[RULE | {"examples": {"allows": ["x"]}}])
    assert Policy.model_validate(held.model_dump(mode="json")) == held
    assert Policy.model_validate(held.model_dump()) == held


def test_models_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        rule().title = "other"


def test_braces_in_a_wrong_value_are_repeated_as_they_are() -> None:
    with pytest.raises(ValidationError) as caught:
        policy(rules=[RULE | {"severity": "{x}"}])
    assert messages(caught.value) == [
        "unknown severity `{x}`; known here: low, medium, high, critical"
    ]


def test_the_schema_for_editors_is_valid_and_describes_every_key() -> None:
    schema = policy_schema()
    Draft202012Validator.check_schema(schema)
    for part in (schema, *schema["$defs"].values()):
        for name, key in part["properties"].items():
            assert key.get("description"), name


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: str(path.stem))
def test_the_samples_satisfy_the_schema_for_editors(sample: Path) -> None:
    document = YAML(typ="safe", pure=True).load(sample)
    assert list(Draft202012Validator(policy_schema()).iter_errors(document)) == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"rules": []},
        {"rules": [RULE | {"threshold": 2}]},
        {"rules": [RULE | {"treshold": 0.5}]},
        {"rules": [RULE | {"channels": ["video"]}]},
        {"rules": [RULE | {"severity": "hgih"}]},
        {"version": 1.5},
        {"surprise": 1},
    ],
)
def test_the_schema_for_editors_refuses_what_the_loader_refuses(wrong: dict[str, Any]) -> None:
    document = {"policy": "a", "version": 1, "rules": [RULE]} | wrong
    assert not Draft202012Validator(policy_schema()).is_valid(document)
    with pytest.raises(ValidationError):
        Policy.model_validate(document)
