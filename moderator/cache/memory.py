"""Embeddings in the memory of the process, the least recently used forgotten first."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from moderator.cache.base import Vector, frozen

_ENTRY_BYTES = 400  # of a key, an array's head and a place in the dictionary, roughly


class MemoryCache:
    """Keeps up to `capacity` vectors (a vector of 512 takes about 2 KiB), and `max_bytes` of them.

    Give `max_bytes` where vectors differ in length.
    """

    def __init__(self, capacity: int, max_bytes: int | None = None) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
        self._max_bytes = max_bytes
        self._bytes = 0
        self._vectors: OrderedDict[str, Vector] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._vectors)

    @property
    def healthy(self) -> bool:
        """Always."""
        return True

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """Return one read-only vector per key, None for a miss."""
        with self._lock:
            return [self._touched(key) for key in keys]

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Keep copies of `vectors`, forgetting the longest unused where there are too many."""
        copies = {key: frozen(vector) for key, vector in vectors.items()}
        with self._lock:
            for key, vector in copies.items():
                self._forget(self._vectors.pop(key, None))
                self._vectors[key] = vector
                self._bytes += vector.nbytes + _ENTRY_BYTES
            while self._full:
                self._forget(self._vectors.popitem(last=False)[1])

    @property
    def _full(self) -> bool:
        too_large = self._max_bytes is not None and self._bytes > self._max_bytes
        return len(self._vectors) > self._capacity or too_large

    def _forget(self, vector: Vector | None) -> None:
        if vector is not None:
            self._bytes -= vector.nbytes + _ENTRY_BYTES

    def _touched(self, key: str) -> Vector | None:
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector
