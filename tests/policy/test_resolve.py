"""Thresholds that are targets, and what a calibration beside the policy does to a rule."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from moderator.encoders.base import Space
from moderator.errors import PolicyError
from moderator.policy.calibration_file import (
    CalibrationFile,
    ChannelCalibration,
    RuleCalibration,
    beside_digest,
    calibration_path,
    encode_direction,
    read_calibration,
    rule_digest,
    write_calibration,
)
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from tests.builders import a_policy, a_post, a_rule, a_screener, screen_one


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "test.yaml"


def write(file: Path, *rules: dict[str, Any]) -> PolicySet:
    file.write_text(json.dumps(a_policy(*rules)), encoding="utf-8")
    return load_policies([file])


def calibrate(file: Path, **keys: Any) -> PolicySet:
    """Write a calibration of the rule `fire` beside the policy and load both."""
    ((_, rule),) = load_policies([file])
    made = RuleCalibration.model_validate({"digest": rule_digest(rule), **keys})
    write_calibration(
        calibration_path(file), CalibrationFile(calibration="test", rules={"fire": made})
    )
    return load_policies([file])


def compiled(policies: PolicySet, space: Space, **options: bool) -> CompiledRules:
    return compile_rules(
        policies, dict.fromkeys(space.channels, space), MemoryCache(100), **options
    )


def channel(**keys: Any) -> dict[str, Any]:
    return {"space": "fake", "slope": 2.0, "intercept": -1.0, **keys}


def test_a_rate_is_reached_by_that_share_of_ordinary_posts(file: Path, space: Space) -> None:
    rule = a_rule(threshold={"rate": "2%"}, review_at={"rate": 0.1}, channels=["text"])
    rules = compiled(write(file, rule), space)
    text = rules.channels["text"]
    background = space.calibration["text"].background
    ordinary = text.scale.log_odds(background @ text.directions)[:, 0]
    assert (ordinary >= rules.threshold_log_odds[0]).mean() == pytest.approx(0.02, abs=0.005)
    assert (ordinary >= rules.review_log_odds[0]).mean() == pytest.approx(0.1, abs=0.005)
    (result,) = screen_one(a_post("1", "red fire"), a_screener(rules)).rules
    assert (result.threshold, result.review_at) == (rules.thresholds[0], rules.review_lines[0])


def test_a_review_line_without_a_number_is_the_targets_own(file: Path, space: Space) -> None:
    rule = a_rule(threshold={"rate": "2%"})
    del rule["review_at"]
    rules = compiled(write(file, rule), space)
    assert rules.thresholds == rules.review_lines


def test_a_rate_below_one_post_of_the_sample_is_refused(file: Path, space: Space) -> None:
    policies = write(file, a_rule(threshold={"rate": 0.001}))
    with pytest.raises(PolicyError, match=r"one post of the 256 .* smallest rate is 0.39%"):
        compiled(policies, space)


def test_a_precision_without_labels_is_a_warning_with_its_place_and_no_verdicts(
    file: Path, space: Space
) -> None:
    file.write_text(
        "policy: test\nversion: 1\nrules:\n  - id: fire\n    title: Fire\n    severity: low\n"
        "    action: block\n    threshold:\n      precision: 0.95\n    violates: [red fire]\n"
    )
    policies = load_policies([file])
    (warning, *_) = policies.warnings
    assert (warning.line, warning.column) == (8, 5)
    assert "needs labelled posts: it has no calibration; run `moderator policy cal" in str(warning)
    with pytest.raises(PolicyError, match="test/fire: `threshold` of `fire` needs labelled posts"):
        compiled(policies, space)
    assert compiled(policies, space, provisional=True).thresholds == (0.5,)


def test_a_calibration_gives_a_target_its_score(file: Path, space: Space) -> None:
    write(file, a_rule(threshold={"precision": 0.95}, review_at=0.2))
    policies = calibrate(file, targets={"precision 0.95": 0.77})
    assert policies.warnings == ()
    assert compiled(policies, space).thresholds == (0.77,)


def test_a_calibration_for_another_target_says_so(file: Path, space: Space) -> None:
    write(file, a_rule(threshold={"precision": 0.9}, review_at=0.2))
    policies = calibrate(file, targets={"precision 0.95": 0.77})
    with pytest.raises(PolicyError, match=r"it was not calibrated for `precision 0\.9`"):
        compiled(policies, space)


def test_slope_and_intercept_replace_those_of_the_space(file: Path, space: Space) -> None:
    plain = compiled(write(file, a_rule()), space).channels["text"].scale
    fitted = compiled(calibrate(file, channels={"text": channel()}), space)
    affine = fitted.channels["text"].scale
    assert affine.gain[0] / plain.gain[0] == pytest.approx(2.0 / 1.5)
    background = space.calibration["text"].background @ fitted.channels["text"].directions
    assert affine.log_odds(background).mean() == pytest.approx(-1.0, abs=1e-3)
    image = fitted.channels["image"].scale.log_odds(background.copy())
    assert image.mean() == pytest.approx(-4.5, abs=1e-2)


def test_a_rate_is_met_on_a_curve_too(file: Path, space: Space) -> None:
    write(file, a_rule(threshold={"rate": 0.1}, review_at={"rate": 0.1}))
    curve = ((-3.0, -3.0), (-1.0, -2.9), (0.0, 1.0))
    rules = compiled(calibrate(file, channels={"text": channel(curve=curve)}), space)
    text = rules.channels["text"]
    ordinary = text.scale.log_odds(space.calibration["text"].background @ text.directions)[:, 0]
    assert (ordinary >= rules.threshold_log_odds[0]).mean() <= 0.11


@pytest.mark.parametrize("curve", [[[0, 1], [1, 0]], [[1, 0], [1, 2]], [[0, 0]]])
def test_a_curve_that_does_not_rise_is_refused(file: Path, curve: list[list[float]]) -> None:
    write(file, a_rule())
    calibrate(file, channels={"text": channel()})
    path = calibration_path(file)
    path.write_text(path.read_text().replace('"curve": []', f'"curve": {curve}'))
    with pytest.raises(PolicyError, match="does not rise"):
        read_calibration(path)


def test_a_learned_direction_takes_the_place_of_the_prompts(file: Path, space: Space) -> None:
    write(file, a_rule())
    learnt = space.text.encode(["blue sea"]).vectors[0]
    policies = calibrate(
        file, channels={"text": channel(direction=encode_direction(learnt), intercept=-6)}
    )
    rules = compiled(policies, space)
    assert rules.channels["text"].directions[:, 0] == pytest.approx(learnt)
    screener = a_screener(rules, space=space)
    assert screen_one(a_post("1", "blue sea"), screener).action == "block"
    assert screen_one(a_post("1", "red fire"), screener).action == "allow"


def test_what_was_learnt_in_another_space_is_not_used(file: Path, space: Space) -> None:
    plain = compiled(write(file, a_rule()), space)
    learnt = encode_direction(np.eye(1, 8, dtype=np.float32)[0])
    other = channel(space="another", direction=learnt)
    rules = compiled(calibrate(file, channels={"text": other}), space)
    assert np.array_equal(rules.channels["text"].scale.gain, plain.channels["text"].scale.gain)
    own = channel(direction=learnt)
    with pytest.raises(PolicyError, match="a direction of 8 numbers, the space has 64"):
        compiled(calibrate(file, channels={"text": own}), space)


@pytest.mark.parametrize(
    ("keys", "learnt"),
    [
        ({"fusion": "learned"}, {"weights": {"text": 1.0, "image": 1.0}}),
        ({"threshold": {"precision": 0.9}, "review_at": 0.2}, {"targets": {"precision 0.9": 0.7}}),
    ],
)
def test_weights_and_lines_that_were_learnt_in_another_space_are_refused(
    file: Path, space: Space, keys: dict[str, Any], learnt: dict[str, Any]
) -> None:
    write(file, a_rule(**keys))
    compiled(calibrate(file, channels={"text": channel()}, **learnt), space)
    other = calibrate(file, channels={"text": channel(space="another")}, **learnt)
    with pytest.raises(PolicyError, match="its calibration was made with other models than fake"):
        compiled(other, space)


def test_a_rule_that_changed_since_is_judged_without_its_calibration_and_that_is_told(
    file: Path, space: Space
) -> None:
    write(file, a_rule())
    calibrate(file, channels={"text": channel()})
    policies = write(file, a_rule(violates=["red fire", "hot ember"]))
    assert ["changed since its calibration" in str(w) for w in policies.warnings] == [True]
    assert compiled(policies, space).channels["text"].scale.gain[0] == pytest.approx(
        compiled(PolicySet(policies.policies), space).channels["text"].scale.gain[0]
    )
    assert write(file, a_rule(title="Another title", threshold=0.7)).warnings == ()


def test_a_learned_fusion_needs_its_weights(file: Path, space: Space) -> None:
    policies = write(file, a_rule(fusion="learned"))
    with pytest.raises(PolicyError, match="`fusion: learned` of `fire` needs labelled posts"):
        compiled(policies, space)
    weights = {"text": 0.8, "image": 0.3}
    (group,) = compiled(calibrate(file, weights=weights, bias=-0.5), space).fusion
    assert group.weights[:2, 0].tolist() == pytest.approx([0.8, 0.3])
    assert group.bias.tolist() == [-0.5]


def test_a_calibration_is_part_of_the_digest(file: Path) -> None:
    before = write(file, a_rule()).digest
    assert calibrate(file, channels={"text": channel()}).digest != before


def test_a_calibration_survives_being_written(tmp_path: Path) -> None:
    made = RuleCalibration(
        digest="d",
        channels={"text": ChannelCalibration(space="s", slope=1.25, intercept=-0.5)},
        targets={"rate 0.01": 0.5},
        violates=40,
        allows=400,
    )
    held = CalibrationFile(calibration="test", rules={"fire": made})
    write_calibration(tmp_path / "x", held)
    assert read_calibration(tmp_path / "x") == held
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is no calibration"),
        ("calibration: test\n", "rules: Field required"),
        ("calibration: other\nrules: {}\n", "made for the policy `other`, not `test`"),
        (
            'calibration: test\nrules: {fire: {digest: d, targets: {"rate 0.1": 2}}}\n',
            "less than 1",
        ),
        (
            (
                "calibration: test\nrules: {fire: {digest: d, channels: {text: {space: s,\n"
                "    slope: 1, intercept: 0, direction: AAAA}}}}\n"
            ),
            "`direction` is not",
        ),
        ("calibration: [", "cannot be read"),
    ],
)
def test_a_damaged_calibration_is_refused_and_says_how_to_get_another(
    file: Path, content: str, said: str
) -> None:
    write(file, a_rule())
    calibration_path(file).write_text(content)
    with pytest.raises(PolicyError) as caught:
        load_policies([file])
    assert said in str(caught.value)
    assert str(calibration_path(file)) in str(caught.value)


def test_a_calibration_holds_for_the_weights_it_was_made_with(file: Path) -> None:
    weighted = a_rule(fusion="weighted", weights={"text": 1, "image": 2})
    write(file, weighted)
    assert not calibrate(file).warnings
    (warning,) = write(file, {**weighted, "weights": {"text": 100, "image": 2}}).warnings
    assert "has changed since its calibration, which is not used" in str(warning)


@pytest.mark.parametrize(
    "change",
    [
        {"keywords": ["blaze"]},
        {"except": {"keywords": ["fireworks"]}},
        {"applies_to": {"languages": ["en"]}},
    ],
)
def test_a_promised_precision_is_for_the_keywords_and_exceptions_it_was_found_with(
    file: Path, change: dict[str, Any]
) -> None:
    rule = a_rule(threshold={"precision": 0.9}, channels=["text"])
    ((_, before),) = write(file, rule)
    kept = {"beside": beside_digest(before), "targets": {"precision 0.9": 0.7}}
    assert not calibrate(file, **kept).warnings
    changed = write(file, {**rule, **change})
    (warning,) = changed.warnings
    assert "its keywords, exceptions or scope have changed" in str(warning)
    assert changed.calibration(*next(iter(changed))) is not None  # a new word must not stop a rule
