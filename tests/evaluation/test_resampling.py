from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from moderator.evaluation.resampling import (
    Scores,
    Statistic,
    Truth,
    auroc,
    average_precision,
    best_f1,
    draw,
    figure,
    on_draws,
    precision_at,
)

Reference = Callable[[Truth, Scores], float]


def their_best_f1(truth: Truth, scores: Scores) -> float:
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    total = np.maximum(precisions + recalls, 1e-12)
    return float((2 * precisions * recalls / total).max())


def their_precision_at_half(truth: Truth, scores: Scores) -> float:
    precisions, recalls, _ = precision_recall_curve(truth, scores)
    return float(precisions[recalls >= 0.5].max())


STATISTICS: list[tuple[Statistic, Reference]] = [
    (average_precision, average_precision_score),
    (auroc, roc_auc_score),
    (best_f1, their_best_f1),
    (precision_at(0.5), their_precision_at_half),
]


def labelled(posts: int, seed: int = 0) -> tuple[Truth, Scores]:
    """Labels, and scores that know something of them; every score is that of several posts."""
    random = np.random.default_rng(seed)
    truth = random.random(posts) < 0.3
    return truth, np.round(np.clip(random.random(posts) + truth * 0.3, 0, 1.2), 2)


@pytest.mark.parametrize(("statistic", "theirs"), STATISTICS)
@pytest.mark.parametrize("posts", [60, 5000])  # 5000: more than are held at a time
def test_a_statistic_of_a_draw_is_that_of_the_posts_drawn(
    statistic: Statistic, theirs: Reference, posts: int
) -> None:
    truth, scores = labelled(posts)
    counts = draw(posts)
    values = on_draws(statistic, truth, scores, counts)
    assert len(values) == 501
    for row in (0, 1, 250, 500):
        drawn = np.repeat(np.arange(posts), counts[row])
        assert values[row] == pytest.approx(theirs(truth[drawn], scores[drawn]))


def test_draws_are_of_as_many_posts_and_the_same_each_time() -> None:
    counts = draw(40, 100)
    assert counts.shape == (101, 40)
    assert (counts[0] == 1).all()
    assert (counts.sum(axis=1) == 40).all()
    assert (counts == draw(40, 100)).all()


def test_precision_at_a_recall_is_that_of_the_best_threshold_that_reaches_it() -> None:
    truth = np.array([True, False, True, True, False])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.1])
    once = draw(5, 0)
    assert on_draws(precision_at(0.3), truth, scores, once) == [1.0]
    assert on_draws(precision_at(1.0), truth, scores, once) == [0.75]


def test_an_interval_holds_the_value_and_narrows_with_more_posts() -> None:
    def width(posts: int) -> float:
        truth, scores = labelled(posts)
        found = figure(on_draws(auroc, truth, scores, draw(posts)))
        assert found.low < found.value < found.high
        return found.high - found.low

    assert width(4000) < width(100) / 3


def test_a_draw_without_a_kind_of_post_counts_for_nothing() -> None:
    truth = np.array([True, False, False, False])
    values = on_draws(auroc, truth, np.array([0.9, 0.3, 0.2, 0.1]), draw(4))
    assert np.isnan(values).any()
    assert figure(values) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize("truth", [np.zeros(5, bool), np.ones(5, bool), np.zeros(0, bool)])
def test_posts_of_one_kind_define_nothing(truth: Truth) -> None:
    values = on_draws(auroc, truth, np.full(len(truth), 0.5), draw(len(truth), 10))
    assert np.isnan(figure(values)).all()
