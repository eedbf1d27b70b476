"""The score from which a precision is promised: kept by posts that nobody has labelled."""

import numpy as np
import pytest
from numpy.typing import NDArray

from moderator.authoring.promise import CONFIDENCE, Cut, cut_for_precision, fewest_for, why_not

Scores = NDArray[np.float64]
Labels = NDArray[np.int8]


def some_posts(count: int, apart: float, random: np.random.Generator) -> tuple[Scores, Labels]:
    """Three in ten violate and score higher, so many spreads apart."""
    labels = (random.random(count) < 0.3).astype(np.int8)
    return 1 / (1 + np.exp(-random.normal(apart * labels))), labels


@pytest.mark.parametrize(("precision", "apart"), [(0.6, 1.2), (0.8, 2.0), (0.9, 3.0)])
def test_what_is_promised_is_kept_by_posts_that_nobody_labelled(
    precision: float, apart: float
) -> None:
    random = np.random.default_rng(0)
    unseen, truth = some_posts(100_000, apart, random)
    kept = []
    for _ in range(100):
        cut = cut_for_precision(*some_posts(400, apart, random), precision)
        if cut is not None:
            kept.append(truth[unseen >= cut.score].mean() >= precision)
    assert len(kept) > 40
    assert np.mean(kept) >= CONFIDENCE


def test_labels_that_have_nothing_to_do_with_scores_are_promised_nothing() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat([1, 0], 60).astype(np.int8)
    found = [cut_for_precision(random.random(120), labels, 0.9) for _ in range(100)]
    assert found == [None] * 100


def test_scores_that_tell_all_apart_are_cut_where_the_last_violating_post_stands() -> None:
    scores = np.concatenate([np.linspace(0.9, 0.99, 40), np.full(40, 0.001)])
    labels = np.repeat([1, 0], 40).astype(np.int8)
    assert cut_for_precision(scores, labels, 0.9) == Cut(0.9, 40, 40)


def test_a_cut_stands_at_a_post_that_violates_and_parts_no_equal_scores() -> None:
    scores = np.concatenate([np.full(60, 0.9), np.full(4, 0.5), np.full(40, 0.1)])
    labels = np.concatenate([np.ones(60), np.zeros(4), np.zeros(40)]).astype(np.int8)
    assert cut_for_precision(scores, labels, 0.8) == Cut(0.9, 60, 60)
    all_alike = np.full(100, 0.99)
    assert cut_for_precision(all_alike, np.repeat([1, 0], 50).astype(np.int8), 0.6) is None


@pytest.mark.parametrize(
    ("precision", "needed"), [(0.5, 5), (0.6, 6), (0.9, 29), (0.95, 59), (0.99, 299)]
)
def test_a_precision_needs_so_many_violating_posts(precision: float, needed: int) -> None:
    assert fewest_for(precision) == needed
    scores = np.concatenate([np.full(needed, 0.9), np.full(20, 0.1)])
    labels = (scores > 0.5).astype(np.int8)
    assert cut_for_precision(scores, labels, precision) == Cut(0.9, needed, needed)
    assert cut_for_precision(scores[1:], labels[1:], precision) is None
    lack = f"needs {needed} posts labelled 1 at the very least, has {needed - 1}"
    assert why_not(scores[1:], labels[1:], precision) == lack


def test_a_refusal_says_how_many_labels_it_takes_and_where_no_number_does() -> None:
    scores = np.concatenate([np.full(100, 0.9), np.full(100, 0.1)])
    nearly = (np.arange(200) < 92).astype(np.int8)
    assert cut_for_precision(scores, nearly, 0.9) is None
    said = why_not(scores, nearly, 0.9)
    assert "at its surest 92 of 100 posts violate; to be sure of it takes about" in said
    times = int(said.split()[-4]) // 200
    assert cut_for_precision(np.tile(scores, times), np.tile(nearly, times), 0.9) is not None
    assert cut_for_precision(np.tile(scores, times - 1), np.tile(nearly, times - 1), 0.9) is None
    never = (np.arange(200) < 85).astype(np.int8)
    assert "is not enough; improve the prompts, or ask for less" in why_not(scores, never, 0.9)
