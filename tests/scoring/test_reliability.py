"""Bins of scores, and the calibration error that `policy calibrate` and `eval` both print."""

import numpy as np
import pytest

from moderator.scoring.reliability import calibration_error, reliability


def test_probabilities_have_no_calibration_error_and_certainty_has_all() -> None:
    scores = np.repeat([0.25, 0.75], 400)
    honest = np.tile([True, False, False, False], 100).tolist() + [True, True, True, False] * 100
    assert calibration_error(np.array(honest), scores) == pytest.approx(0.0)
    assert calibration_error(np.zeros(10, bool), np.ones(10)) == pytest.approx(1.0)
    assert [each.posts for each in reliability(np.array(honest), scores)] == [400, 400]


def test_bins_say_what_scores_promise_and_what_is_true() -> None:
    low, high = reliability(np.array([1, 0, 0, 0], np.int8), np.array([0.95, 0.95, 0.05, 0.05]))
    assert (*low,) == pytest.approx((2, 0.05, 0.0))
    assert (*high,) == pytest.approx((2, 0.95, 0.5))
