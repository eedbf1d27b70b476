import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moderator.encoders.base import Calibration, unit_rows
from moderator.scoring.calibration import Curve, logit, sigmoid, standardise

RANDOM = np.random.default_rng(0)
BACKGROUND = unit_rows(RANDOM.standard_normal((200, 16)), 16)
DIRECTIONS = np.ascontiguousarray(unit_rows(RANDOM.standard_normal((3, 16)), 16).T)
CALIBRATION = Calibration(BACKGROUND, slope=1.7, intercept=-4.2)


def test_log_odds_are_the_logistic_of_the_standardised_margin() -> None:
    margins = RANDOM.uniform(-1, 1, (5, 3)).astype(np.float32)
    found = standardise(CALIBRATION, DIRECTIONS).log_odds(margins)
    for rule in range(3):
        sample = BACKGROUND.astype(np.float64) @ DIRECTIONS[:, rule].astype(np.float64)
        mean, spread = sample.mean(), math.sqrt(((sample - sample.mean()) ** 2).mean())
        naive = 1.7 * (margins[:, rule] - mean) / spread - 4.2
        assert found[:, rule] == pytest.approx(naive, rel=1e-4, abs=1e-4)
    assert found.dtype == np.float32


def test_log_odds_leave_the_margins_as_they_are() -> None:
    margins = np.ones((2, 3), np.float32)
    standardise(CALIBRATION, DIRECTIONS).log_odds(margins)
    assert (margins == 1).all()


def test_ordinary_content_scores_what_the_card_says_on_average() -> None:
    affine = standardise(CALIBRATION, DIRECTIONS)
    assert affine.log_odds(BACKGROUND @ DIRECTIONS).mean(axis=0) == pytest.approx([-4.2] * 3, 1e-3)


def test_a_larger_margin_never_scores_less() -> None:
    affine = standardise(CALIBRATION, DIRECTIONS)
    assert (affine.gain > 0).all()


def test_a_background_without_spread_gives_no_infinity() -> None:
    flat = Calibration(np.repeat(BACKGROUND[:1], 10, axis=0), 1.0, 0.0)
    affine = standardise(flat, DIRECTIONS)
    assert np.isfinite(affine.gain).all()
    assert np.isfinite(affine.offset).all()


@given(st.floats(-30, 30))
@settings(max_examples=40, deadline=None)
def test_sigmoid_is_the_logistic_function(log_odds: float) -> None:
    assert sigmoid(log_odds) == pytest.approx(1 / (1 + math.exp(-log_odds)), abs=1e-12)


@pytest.mark.parametrize(("log_odds", "probability"), [(-np.inf, 0), (np.inf, 1), (-1e4, 0)])
def test_sigmoid_does_not_overflow(log_odds: float, probability: float) -> None:
    assert sigmoid(log_odds) == probability
    assert sigmoid(np.array([log_odds], np.float32)).tolist() == [probability]


@given(st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=40, deadline=None)
def test_logit_is_the_inverse_of_sigmoid(probability: float) -> None:
    assert sigmoid(logit(probability)) == pytest.approx(probability, rel=1e-6, abs=1e-12)


def test_even_odds_are_zero_in_log_odds() -> None:
    assert logit(0.5) == 0


def test_a_curve_bends_its_own_rule_and_no_other() -> None:
    curve = Curve(np.array([-5, 0, 5], np.float32), np.array([-3, -2, 4], np.float32))
    plain = standardise(CALIBRATION, DIRECTIONS)
    bent = plain._replace(curves={1: curve})
    margins = RANDOM.uniform(-0.5, 0.5, (50, 3)).astype(np.float32)
    before, after = plain.log_odds(margins), bent.log_odds(margins)
    assert (before[:, [0, 2]] == after[:, [0, 2]]).all()
    assert after[:, 1] == pytest.approx(curve(before[:, 1]))
    assert bent.of_rule(1, margins[:, 1]) == pytest.approx(after[:, 1], abs=1e-5)
    assert curve(np.array([-2.5, 2.5])).tolist() == pytest.approx([-2.5, 1.0])
    assert curve(np.array([15.0])).tolist() == pytest.approx([4.1])
