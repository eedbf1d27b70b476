import numpy as np
import pytest

from moderator.evaluation.figures import (
    best_f1,
    gain,
    interval,
    merit,
    precision_at,
)

RANDOM = np.random.default_rng(7)


def test_scores_that_tell_all_apart_have_full_marks() -> None:
    truth = np.array([True] * 20 + [False] * 80)
    found = merit(truth, np.where(truth, 0.9, 0.1))
    assert (found.posts, found.positives) == (100, 20)
    assert found.ap == found.auroc == (1.0, 1.0, 1.0)
    assert found.precision_at == {0.5: 1.0, 0.8: 1.0}
    assert found.best_f1 == 1.0
    assert found.ece == pytest.approx(0.1)


def test_scores_that_say_nothing_are_at_chance_within_their_interval() -> None:
    truth = RANDOM.random(2000) < 0.3
    found = merit(truth, RANDOM.random(2000))
    assert found.auroc.low < 0.5 < found.auroc.high
    assert found.ap.value == pytest.approx(truth.mean(), abs=0.05)


def test_posts_without_a_score_are_left_out() -> None:
    truth = np.array([True, False, True, False])
    found = merit(truth, np.array([0.9, 0.1, np.nan, np.nan]))
    assert (found.posts, found.positives) == (2, 1)


@pytest.mark.parametrize("truth", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_with_one_kind_of_post_nothing_is_defined(truth: np.ndarray) -> None:
    found = merit(truth, np.full(len(truth), 0.5))
    assert np.isnan([found.ap.value, found.auroc.low, found.best_f1]).all()


def test_an_interval_is_the_same_each_time_and_narrows_with_more_posts() -> None:
    def width(count: int) -> float:
        random = np.random.default_rng(1)
        truth = random.random(count) < 0.5
        scores = random.random(count) + truth * 0.25
        found = interval(best_f1, truth, scores, 100)
        assert found == interval(best_f1, truth, scores, 100)
        return found.high - found.low

    assert width(5000) < width(100) / 3


def test_a_gain_is_paired_so_that_a_score_gains_nothing_over_itself() -> None:
    truth = RANDOM.random(300) < 0.5
    scores = RANDOM.random(300)
    same = gain(best_f1, truth, scores, scores)
    assert same == (0.0, 0.0, 0.0)
    better = gain(best_f1, truth, scores + truth, scores)
    assert better.low > 0


def test_precision_at_a_recall_is_that_of_the_best_threshold_that_reaches_it() -> None:
    truth = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    assert precision_at(truth, scores, 0.3) == 1.0
    assert precision_at(truth, scores, 1.0) == 0.75
