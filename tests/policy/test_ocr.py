"""How rules and their calibrations stand to text in images."""

from typing import Any

import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from moderator.encoders.fake import fake_space
from moderator.errors import PolicyError
from moderator.ocr.space import space_of_writing
from moderator.policy.calibration_file import (
    CalibrationFile,
    ChannelCalibration,
    RuleCalibration,
    rule_digest,
)
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy, Rule
from tests.builders import a_policy, a_rule, a_set


def rule(**keys: Any) -> Rule:
    return Policy.model_validate(a_policy(a_rule(**keys))).rules[0]


def compiled_with(learnt: dict[str, ChannelCalibration], **keys: Any) -> CompiledRules:
    policy = Policy.model_validate(a_policy(a_rule(**keys)))
    found = RuleCalibration(digest=rule_digest(policy.rules[0]), channels=learnt)
    file = CalibrationFile(calibration="test", rules={"fire": found})
    space = fake_space()
    channels = {"text": space, "image": space, "ocr": space_of_writing(space, "reader")}
    return compile_rules(
        PolicySet((policy,), calibrations={"test": file}), channels, MemoryCache(1000)
    )


def slope(value: float) -> ChannelCalibration:
    return ChannelCalibration(space="fake", slope=value, intercept=-1.0)


@pytest.mark.parametrize(
    ("channels", "reads"),
    [
        (["text"], ("text", "ocr")),
        (["text", "image"], ("text", "image", "ocr")),
        (["image"], ("image",)),
        (["ocr"], ("ocr",)),
    ],
)
def test_who_reads_text_reads_it_in_images(channels: list[str], reads: tuple[str, ...]) -> None:
    assert rule(channels=channels).reads == reads


def test_prompts_for_text_need_only_text_in_images_to_be_read() -> None:
    own = rule(channels=["ocr"], violates=[], text={"violates": ["red fire"]})
    assert own.prompts("ocr") == (("red fire",), ())


def test_a_rule_for_text_in_images_says_what_to_set_where_nobody_reads_any() -> None:
    space = fake_space()
    policies = a_set(a_policy(a_rule(channels=["ocr"])))
    with pytest.raises(PolicyError, match="MODERATOR_OCR=on"):
        compile_rules(policies, {"text": space, "image": space}, MemoryCache(1000))


def test_what_was_learnt_of_text_holds_in_images_unless_something_was_learnt_of_those() -> None:
    plain, text, both = (
        compiled_with(learnt).channels["ocr"].scale.gain[0]
        for learnt in ({}, {"text": slope(3.0)}, {"text": slope(3.0), "ocr": slope(6.0)})
    )
    assert text == pytest.approx(2 * plain)  # the fake space's own slope is 1.5
    assert both == pytest.approx(4 * plain)


def test_a_learned_head_weighs_no_text_in_images() -> None:
    (group,) = compiled_with({"text": slope(2.0)}, fusion="max").fusion
    assert group.weights[:, 0].tolist() == [1.0, 1.0, 1.0, 1.0]
    policy = Policy.model_validate(a_policy(a_rule(fusion="learned")))
    space = fake_space()
    channels = {"text": space, "image": space, "ocr": space_of_writing(space, "reader")}
    learned = compile_rules(PolicySet((policy,)), channels, MemoryCache(1000), provisional=True)
    assert np.isnan(learned.fusion[0].weights[:, 0]).tolist() == [False, False, True, True]
