import numpy as np
import pytest

from moderator.metrics.drift import BINS, Drift, components, tenths

RNG = np.random.default_rng(7)
BACKGROUND = RNG.standard_normal((2000, 3)).astype(np.float32)


def fresh(rows: int, shift: float = 0.0) -> np.ndarray:
    return (RNG.standard_normal((rows, 3)) + shift).astype(np.float32)


def test_each_bin_holds_a_tenth_of_the_background() -> None:
    assert tenths(BACKGROUND).place(BACKGROUND) == pytest.approx(np.full((3, BINS), 200), abs=1)


def test_content_like_the_background_does_not_drift() -> None:
    drift = Drift(BACKGROUND)
    drift.add(fresh(3000))
    psi = drift.psi()
    assert psi is not None
    assert (psi < 0.03).all()


def test_shifted_content_drifts_in_the_column_that_shifted() -> None:
    drift = Drift(BACKGROUND)
    drift.add(fresh(3000) + np.array([1, 0, 0], np.float32))
    psi = drift.psi()
    assert psi is not None
    assert psi[0] > 0.5
    assert (psi[1:] < 0.03).all()


def test_the_index_is_the_textbook_sum() -> None:
    drift = Drift(np.arange(1000, dtype=np.float32)[:, None])
    drift.add(np.repeat(np.arange(500, dtype=np.float32), 2)[:, None])  # none in the upper half
    psi = drift.psi()
    p, q = np.repeat([0.2, 1e-4], 5), np.full(10, 0.1)
    assert psi == pytest.approx([((p - q) * np.log(p / q)).sum()])


def test_too_little_content_tells_nothing() -> None:
    drift = Drift(BACKGROUND)
    drift.add(fresh(50))
    assert drift.psi() is None


def test_old_content_is_forgotten() -> None:
    drift = Drift(BACKGROUND)
    drift.add(fresh(5000, shift=3))
    for _ in range(400):
        drift.add(fresh(100))
    psi = drift.psi()
    assert psi is not None
    assert (psi < 0.03).all()


def test_components_are_where_content_differs_most() -> None:
    rows = np.zeros((500, 20), np.float32)
    rows[:, 4] = RNG.standard_normal(500) * 5
    rows[:, 9] = RNG.standard_normal(500)
    axes = components(rows)
    assert axes.shape == (20, 8)
    assert abs(axes[4, -1]) == pytest.approx(1, abs=1e-3)
    assert abs(axes[9, -2]) == pytest.approx(1, abs=1e-3)
