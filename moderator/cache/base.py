"""What a cache of embeddings is."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vector: TypeAlias = npt.NDArray[np.float32]  # (dim,) float32

NOTHING = "probe:"  # a key that nothing is kept under


class VectorCache(Protocol):
    """Embeddings by key; safe to call from many threads.

    A cache only ever saves work: what it cannot answer is a miss, and nothing outside of it (a
    broker away, a value damaged) raises to the caller. Keys must name everything the vector
    depends on, such as the digest of the space and of the content.
    """

    @property
    def healthy(self) -> bool:
        """False while a part of the cache is away and its keys are all misses."""

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """Return one read-only (dim,) float32 vector per key, in order; None for a miss."""

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Keep copies of `vectors`; ValueError for what is not a (dim,) float32 array."""


class Probed(Protocol):
    """What can be asked for its health, also when nobody uses it."""

    @property
    def healthy(self) -> bool:
        """See `VectorCache`."""

    def probe(self) -> None:
        """Ask for what is not there, so that also a cache nobody asks is known to be away."""


def frozen(vector: Vector) -> Vector:
    """Copy a (dim,) float32 array to a read-only one, because cached vectors are shared.

    Raises ValueError for any other shape or type: a silent conversion would hide a bug.
    """
    if vector.ndim != 1 or vector.dtype != np.float32:
        raise ValueError(f"a (dim,) float32 vector is needed, got {vector.shape} {vector.dtype}")
    copy = vector.copy()
    copy.flags.writeable = False
    return copy
