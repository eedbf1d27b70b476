"""Isotonic calibration: it follows labels, rises, and claims nothing beyond them."""

from pathlib import Path

import numpy as np
import pytest

from moderator.authoring.calibrate import calibrate
from moderator.authoring.fit import fit_prompts, line
from moderator.authoring.isotonic import FEWEST, isotonic
from moderator.authoring.keep import keep
from moderator.authoring.labels import Labelled
from moderator.authoring.workbench import Workbench
from moderator.encoders.base import Calibration, unit_rows
from moderator.policy.load import load_policies
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.scoring.calibration import logit, sigmoid
from moderator.scoring.reliability import calibration_error
from tests.authoring.conftest import Load
from tests.builders import a_rule

RANDOM = np.random.default_rng(1)
Z = RANDOM.uniform(-3, 3, 2000)
STAIRS = np.where(Z < 0, 0.02, np.where(Z < 2.5, 0.4, 0.9))  # no logistic goes like this
LABELS = (RANDOM.random(2000) < STAIRS).astype(np.int8)


def test_a_curve_follows_what_no_logistic_can() -> None:
    vectors = unit_rows(np.stack([Z, np.full(2000, 10.0)], axis=1), 2)
    direction = np.array([1, 0], np.float32)
    calibration = Calibration(vectors[:200], 1.0, 0.0)
    errors = {
        method: calibration_error(
            LABELS,
            sigmoid(
                fit_prompts(vectors, LABELS, direction, calibration, method).log_odds.astype(
                    np.float32
                )
            ).astype(np.float64),
        )
        for method in ("platt", "isotonic")
    }
    assert errors["isotonic"] < 0.7 * errors["platt"]


def test_a_curve_never_falls_and_keeps_posts_apart_beyond_its_ends() -> None:
    curve = line(Z, LABELS, "isotonic").curve
    assert curve is not None
    grid = np.linspace(-40, 40, 4001)
    assert (np.diff(curve(grid)) >= 0).all()
    assert (np.diff(curve(np.linspace(20, 40, 50))) > 0).all()
    assert (np.diff(curve(np.linspace(-40, -20, 50))) > 0).all()


def test_no_score_is_surer_than_the_labels_at_its_end() -> None:
    z = np.linspace(-3, 3, 120)
    labels = (z > 0).astype(np.int8)  # without an exception: 60 of 60
    curve = isotonic(z, labels)
    assert curve is not None
    assert curve.log_odds[-1] == pytest.approx(logit(61 / 62), abs=1e-5)
    assert curve(np.array([100.0]))[0] < logit(0.995)  # a logistic would say 1


def test_labels_without_an_order_give_no_curve() -> None:
    assert isotonic(np.linspace(-1, 1, 100), np.arange(100) % 2 == 0) is None


def some_labels(posts: int) -> Labelled:
    found = tuple(
        Post(id=str(n), text=("red fire" if n % 2 else "blue sea") + f" w{n % 7} w{n % 11}")
        for n in range(posts)
    )
    return Labelled(found, np.array([[n % 2 if n % 9 else 1 - n % 2] for n in range(posts)]))


def test_too_few_labels_are_refused_although_they_would_do_for_a_logistic(
    load: Load, bench: Workbench
) -> None:
    policies, labelled = load(a_rule()), some_labels(60)
    assert calibrate(policies, labelled, bench)[0].refused is None
    (refused,) = calibrate(policies, labelled, bench, method="isotonic")
    assert refused.calibration is None
    assert f"more labelled 1 (of {FEWEST}, there are 31)" in (refused.refused or "")


def test_the_curve_is_kept_beside_the_policy_and_scores_posts(
    load: Load, bench: Workbench, tmp_path: Path
) -> None:
    policies = load(a_rule(channels=["text"]))
    found = calibrate(policies, some_labels(300), bench, method="isotonic")
    assert found[0].after["ECE"].value < 0.1
    (path,) = keep(found, policies)
    assert "curve" in path.read_text()
    rules = bench.compile(load_policies([tmp_path / "test.yaml"]))
    assert list(rules.channels["text"].scale.curves) == [0]
    judged = bench.judge(rules, [LoadedPost(Post(id="1", text="red fire"))])
    score = judged.rule(0, 0)
    assert score.score == score.channels["text"].score
    assert score.score == pytest.approx(8 / 9, abs=0.05)  # so many of those labels are 1
