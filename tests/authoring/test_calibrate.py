"""Labels to calibrated rules: fits, refusals, figures and the file."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from PIL import Image

from moderator.authoring.calibrate import calibrate
from moderator.authoring.fit import platt
from moderator.authoring.fitted import FEWEST
from moderator.authoring.keep import keep
from moderator.authoring.labels import Labelled, read_labels
from moderator.authoring.plot import write_reliability
from moderator.authoring.quality import quality
from moderator.authoring.workbench import Workbench
from moderator.authoring.zero_shot import prompts_direction
from moderator.errors import StartupError
from moderator.policy.calibration_file import read_calibration, rule_digest
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.scoring.calibration import sigmoid
from tests.authoring.conftest import Load
from tests.builders import a_rule

RULES: list[dict[str, Any]] = [
    a_rule("fire", violates=["red fire", "hot flames"], allows=["blue sea"]),
    a_rule("sea", violates=["blue sea", "calm waves"]),
]
IDS = ["test/fire", "test/sea"]


def a_line(name: str, text: str, **labels: object) -> bytes:
    return msgspec.json.encode({"post": {"id": name, "text": text}, "labels": labels})


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """Posts about fire, some of them harmless, with words of no meaning between."""
    rng = np.random.default_rng(0)
    lines = []
    for number in range(120):
        noise = " ".join(f"w{rng.integers(400)}" for _ in range(4))
        words = "hot red fire" if number % 2 else "blue waves"
        if number % 10 == 0:
            words = "red"
        lines.append(a_line(str(number), f"{words} {noise}", fire=number % 2))
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n\n")
    return path


@pytest.fixture
def labelled(labels: Path) -> Labelled:
    return read_labels(labels, IDS)


@pytest.fixture
def policies(load: Load) -> PolicySet:
    return load(*RULES)


def test_a_calibrated_rule_promises_what_is_observed(
    policies: PolicySet, labelled: Labelled, bench: Workbench
) -> None:
    (fire,) = calibrate(policies, labelled, bench)
    assert (fire.rule, fire.violates, fire.allows, fire.refused) == ("test/fire", 60, 60, None)
    assert fire.after["ECE"].value < fire.before["ECE"].value
    assert fire.after["AP"].value > 0.9
    for interval in fire.after.values():
        assert interval.low <= interval.value <= interval.high
    assert fire.calibration is not None
    assert list(fire.calibration.channels) == ["text"]  # no post had an image
    assert fire.calibration.channels["text"].direction is None


def test_a_few_posts_that_are_easily_told_apart_make_nobody_certain() -> None:
    z, labels = np.repeat([-5.0, 5.0], 12), np.repeat([0, 1], 12).astype(np.int8)
    slope, intercept = platt(z, labels)
    # Laplace's rule of succession: of twelve without an exception the next may still be one.
    assert sigmoid(slope * 5 + intercept) == pytest.approx(13 / 14, abs=0.01)
    assert sigmoid(slope * -5 + intercept) == pytest.approx(1 / 14, abs=0.01)


def test_too_few_labels_are_refused_with_how_many_are_missing(
    policies: PolicySet, labelled: Labelled, bench: Workbench
) -> None:
    few = Labelled(labelled.posts[:12], labelled.labels[:12])
    (fire,) = calibrate(policies, few, bench)
    assert fire.calibration is None
    assert fire.refused is not None
    assert f"text: needs 4 more labelled 1 (of {FEWEST}, there are 6)" in fire.refused
    assert keep([fire], policies) == []


def test_labels_the_wrong_way_round_are_refused(
    policies: PolicySet, labelled: Labelled, bench: Workbench
) -> None:
    turned = Labelled(labelled.posts, np.where(labelled.labels < 0, -1, 1 - labelled.labels))
    (fire,) = calibrate(policies, turned, bench)
    assert fire.refused is not None
    assert "posts labelled 1 score lower than those labelled 0" in fire.refused


def test_a_learned_direction_orders_posts_better_where_prompts_say_too_little(
    load: Load, bench: Workbench, labelled: Labelled
) -> None:
    policies = load(a_rule("fire", violates=["red"]), RULES[1])
    (plain,) = calibrate(policies, labelled, bench)
    (learned,) = calibrate(policies, labelled, bench, learn=True)
    assert learned.after["AP"].value > plain.after["AP"].value
    assert learned.calibration is not None
    vector = learned.calibration.channels["text"].vector
    assert vector is not None
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
    prompts = prompts_direction(policies.rule("test/fire"), "text", bench)
    assert 0 < float(vector @ prompts) < 0.99


def test_the_file_lies_beside_the_policy_and_names_the_rule_it_was_made_for(
    policies: PolicySet, labelled: Labelled, bench: Workbench, tmp_path: Path
) -> None:
    before = policies.files["test"].read_bytes()
    found = calibrate(policies, labelled, bench)
    assert keep(found, policies) == [tmp_path / "test.calibration.yaml"]
    file = read_calibration(tmp_path / "test.calibration.yaml")
    assert file.fresh(policies.rule("test/fire")) == found[0].calibration
    assert file.rules["fire"].digest == rule_digest(policies.rule("test/fire"))
    assert policies.files["test"].read_bytes() == before


def test_rules_without_new_labels_keep_their_calibration(
    policies: PolicySet, labelled: Labelled, bench: Workbench, tmp_path: Path
) -> None:
    keep(calibrate(policies, labelled, bench), policies)
    about_the_sea = Labelled(labelled.posts, 1 - labelled.labels[:, ::-1].clip(0))
    about_the_sea.labels[:, 0] = -1
    keep(calibrate(policies, about_the_sea, bench), policies)
    assert set(read_calibration(tmp_path / "test.calibration.yaml").rules) == {"fire", "sea"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{}", ":1: not a labelled post"),
        (a_line("1", "x", fir=1), ":1: unknown rule `fir`; did you mean `fire`?"),
        (a_line("1", "x", fire=2), ":1: the label of `fire` is 2; give 1 or 0"),
        (b"\n", "no labelled posts in it"),
    ],
)
def test_a_bad_file_of_labels_is_a_clear_error(tmp_path: Path, line: bytes, said: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(line)
    with pytest.raises(StartupError) as caught:
        read_labels(path, IDS)
    assert said in str(caught.value)


def test_a_rule_may_be_named_with_its_policy_and_null_is_unknown(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(a_line("1", "x", **{"test/fire": True, "sea": None}))
    assert read_labels(path, IDS).labels.tolist() == [[1, -1]]


TARGETS = {
    "rate, and a precision for people": {
        "threshold": {"rate": "2%"},
        "review_at": {"precision": 0.6},
    },
    "number, and a precision for people": {"threshold": 0.9, "review_at": {"precision": 0.6}},
}


@pytest.mark.parametrize("keys", TARGETS.values(), ids=TARGETS)
def test_figures_are_those_of_the_line_that_the_rule_will_act_from(
    load: Load, bench: Workbench, labelled: Labelled, keys: dict[str, Any]
) -> None:
    rule = {key: value for key, value in RULES[0].items() if key != "review_at"} | keys
    policies = load(rule, RULES[1])
    (fire,) = calibrate(policies, labelled, bench)
    assert (fire.calibration, fire.refused) != (None, None), fire.refused
    keep([fire], policies)
    rules = bench.compile(load_policies([policies.files["test"]]))
    numbers = load({**RULES[0], "threshold": rules.thresholds[0], "review_at": 1e-6}, RULES[1])
    (same,) = calibrate(numbers, labelled, bench)
    assert {name: each.value for name, each in fire.after.items()} == pytest.approx(
        {name: each.value for name, each in same.after.items()}, nan_ok=True
    )


def test_a_precision_that_is_not_met_says_where_the_figures_were_taken(
    load: Load, bench: Workbench, labelled: Labelled
) -> None:
    sure = {**RULES[0], "threshold": {"precision": 0.995}}
    (fire,) = calibrate(load(sure, RULES[1]), labelled, bench)
    assert "precision 0.995: needs 598 posts labelled 1 at the very least, has 60" in fire.notes
    assert "precision and recall are those from 0.5 on, till it is met" in fire.notes
    assert fire.unmet


def test_a_rate_that_cannot_be_had_refuses_its_rule_alone(
    load: Load, bench: Workbench, labelled: Labelled
) -> None:
    rule = {key: value for key, value in RULES[0].items() if key != "review_at"}
    (fire,) = calibrate(load(rule | {"threshold": {"rate": 1e-9}}, RULES[1]), labelled, bench)
    assert fire.refused is not None
    assert "is less than one post" in fire.refused


def test_figures_agree_with_their_definitions() -> None:
    scores = np.array([0.95, 0.95, 0.05, 0.05])
    labels = np.array([1, 0, 0, 0], np.int8)
    found = quality(scores, labels, 0.5)
    assert (found["precision"].value, found["recall"].value) == (0.5, 1.0)
    assert found["ECE"].value == pytest.approx((0.45 + 0.05) / 2)


def test_the_reliability_diagram_is_a_picture(
    policies: PolicySet, labelled: Labelled, bench: Workbench, tmp_path: Path
) -> None:
    write_reliability(calibrate(policies, labelled, bench), tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert (image.format, min(image.size) > 200) == ("PNG", True)
