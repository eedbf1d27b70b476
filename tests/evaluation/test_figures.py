import numpy as np
import pytest

from moderator.evaluation.figures import merit
from moderator.evaluation.resampling import draw

RANDOM = np.random.default_rng(7)


def test_scores_that_tell_all_apart_have_full_marks() -> None:
    truth = np.array([True] * 20 + [False] * 80)
    found = merit(truth, np.where(truth, 0.9, 0.1))
    assert (found.posts, found.positives) == (100, 20)
    assert found.ap == found.auroc == (1.0, 1.0, 1.0)
    assert found.precision_at == {0.5: (1.0, 1.0, 1.0), 0.8: (1.0, 1.0, 1.0)}
    assert found.best_f1 == (1.0, 1.0, 1.0)
    assert found.ece == pytest.approx((0.1, 0.1, 0.1))


def test_scores_that_say_nothing_are_at_chance_within_their_interval() -> None:
    truth = RANDOM.random(2000) < 0.3
    found = merit(truth, RANDOM.random(2000), draw(2000, 100))
    assert found.auroc.low < 0.5 < found.auroc.high
    assert found.ap.value == pytest.approx(truth.mean(), abs=0.05)


def test_posts_without_a_score_are_left_out() -> None:
    truth = np.array([True, False, True, False])
    found = merit(truth, np.array([0.9, 0.1, np.nan, np.nan]))
    assert (found.posts, found.positives) == (2, 1)


@pytest.mark.parametrize("truth", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_with_one_kind_of_post_nothing_is_defined(truth: np.ndarray) -> None:
    found = merit(truth, np.full(len(truth), 0.5))
    assert np.isnan([found.ap.value, found.auroc.low, found.best_f1.value]).all()
    assert np.isnan(found.precision_at[0.5].value)


def drawn(posts: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores, and labels that are true as often as the scores say."""
    random = np.random.default_rng(seed)
    scores = random.beta(0.5, 2, posts)
    return random.random(posts) < scores, scores


def test_scores_that_are_right_are_told_from_wrong_ones_by_the_interval_of_their_error() -> None:
    honest = [merit(*drawn(300, seed), draw(300, 60)).ece for seed in range(20)]
    assert all(each.value > 0 for each in honest)  # of few posts in each bin
    assert sum(each.low == 0 for each in honest) >= 18
    truth, scores = drawn(300, 0)
    wrong = merit(truth, scores**0.3).ece
    assert 0 < wrong.low < wrong.value <= wrong.high
