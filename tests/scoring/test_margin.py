import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from moderator.encoders.base import Matrix, unit_rows
from moderator.scoring.margin import direction, margins

DIMENSIONS = 5


def unit(seed: int, rows: int) -> Matrix:
    values = np.random.default_rng(seed).standard_normal((rows, DIMENSIONS))
    return unit_rows(values, DIMENSIONS)


def rows(*values: list[float]) -> Matrix:
    return np.array(values, np.float32)


def owners(*places: int) -> NDArray[np.intp]:
    return np.array(places, np.intp)


def test_a_direction_points_from_what_is_allowed_to_what_violates() -> None:
    w = direction(rows([1, 0], [0, 1]), rows([-1, 0], [0, -1]))
    assert w == pytest.approx([np.sqrt(0.5), np.sqrt(0.5)])


def test_a_direction_is_the_unit_difference_of_the_means() -> None:
    violates, contrast = unit(1, 4), unit(2, 7)
    w = direction(violates, contrast)
    difference = violates.astype(np.float64).mean(0) - contrast.astype(np.float64).mean(0)
    assert w.dtype == np.float32
    assert np.allclose(w, difference / np.linalg.norm(difference), atol=1e-6)


def test_a_direction_between_sides_that_mean_the_same_is_zero() -> None:
    same = unit(1, 3)
    assert not direction(same, same[::-1].copy()).any()


def test_a_margin_is_the_product_of_post_and_direction() -> None:
    vectors, directions = unit(1, 3), unit(2, 4).T
    found = margins(vectors, owners(0, 1, 2), 3, directions)
    assert np.allclose(found.values, vectors @ directions)
    assert found.present.all()


def test_of_the_readings_of_one_post_the_largest_margin_counts_rule_by_rule() -> None:
    vectors = rows([1, 0], [0, 1], [-1, 0])
    found = margins(vectors, owners(0, 0, 1), 2, np.eye(2, dtype=np.float32))
    assert found.values.tolist() == [[1, 1], [-1, 0]]


def test_posts_without_a_reading_are_absent_wherever_they_stand() -> None:
    found = margins(rows([1, 0], [0, 1]), owners(1, 3), 5, np.eye(2, dtype=np.float32))
    assert found.present.tolist() == [False, True, False, True, False]
    assert found.values.tolist() == [[0, 0], [1, 0], [0, 0], [0, 1], [0, 0]]


def test_a_batch_without_readings_has_no_post_present() -> None:
    nothing = np.zeros((0, 2), np.float32)
    found = margins(nothing, owners(), 3, np.eye(2, dtype=np.float32))
    assert found.present.tolist() == [False] * 3
    assert found.values.tolist() == [[0, 0]] * 3


@given(
    st.lists(st.integers(0, 5), max_size=12).map(sorted),
    st.integers(1, 4),
    st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_margins_equal_a_plain_loop(places: list[int], rules: int, seed: int) -> None:
    vectors, directions = unit(seed, len(places)), unit(seed + 1, rules).T.copy()
    found = margins(vectors, owners(*places), 6, directions)
    for post in range(6):
        mine = [row for row, owner in zip(vectors, places, strict=True) if owner == post]
        assert found.present[post] == bool(mine)
        for rule in range(rules):
            products = [float(row.astype(np.float64) @ directions[:, rule]) for row in mine]
            assert found.values[post, rule] == pytest.approx(max(products, default=0), abs=1e-6)
