"""How far live content has moved from the background sample that ships with a space.

Population stability index over tenths of the background: sum((p - q) · ln(p / q)), with p the share
of recent content and q that of the background in each bin. Below 0.1 little has changed, above 0.25
much has (Siddiqi, "Credit Risk Scorecards", 2006). Of n values it is about 9 / n by chance alone.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix

BINS = 10
_FEWEST = 200.0  # values; with fewer, chance speaks louder than drift
_WINDOW = 5000.0  # values after which the weight of an old one has fallen to 1 / e
_COMPONENTS = 8
_FLOOR = 1e-4  # an empty bin would be infinitely surprising


class Bins(NamedTuple):
    """Tenths of some columns of the background."""

    edges: NDArray[np.float32]  # (columns, BINS - 1), ascending

    def place(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(rows, columns) to how many of each column fall in each bin, (columns, BINS)."""
        bins = (values[:, :, None] >= self.edges).sum(axis=2)  # (rows, columns)
        bins += np.arange(len(self.edges)) * BINS
        counts = np.bincount(bins.ravel(), minlength=len(self.edges) * BINS)
        return counts.reshape(-1, BINS).astype(np.float64)


def tenths(background: NDArray[np.float32]) -> Bins:
    """(sample, columns) to the bins in which a tenth of the sample lies each."""
    inner = np.linspace(0, 1, BINS + 1)[1:-1]
    return Bins(np.quantile(background, inner, axis=0).T.astype(np.float32))


def components(background: Matrix) -> NDArray[np.float32]:
    """(sample, dimensions) to its main axes, (dimensions, up to 8): where content differs most."""
    centred = background - background.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)  # ascending
    return np.ascontiguousarray(axes[:, -_COMPONENTS:], np.float32)


class Drift:
    """Recent values of some columns against the background's."""

    def __init__(self, background: NDArray[np.float32]) -> None:
        """(sample, columns)."""
        self._bins = tenths(background)
        self._expected = self._bins.place(background)
        self._counts = np.zeros_like(self._expected)
        self._seen = 0.0

    def add(self, values: NDArray[np.float32]) -> None:
        """(rows, columns), the newest content."""
        keep = np.exp(-len(values) / _WINDOW)
        self._counts = self._counts * keep + self._bins.place(values)
        self._seen = self._seen * keep + len(values)

    def psi(self) -> NDArray[np.float64] | None:
        """The index of each column; None while too little was seen to tell."""
        if self._seen < _FEWEST:
            return None
        p = np.maximum(self._counts / self._seen, _FLOOR)
        q = np.maximum(self._expected / self._expected.sum(axis=1, keepdims=True), _FLOOR)
        index: NDArray[np.float64] = ((p - q) * np.log(p / q)).sum(axis=1)
        return index
