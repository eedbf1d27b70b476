"""Embeddings in the memory of the process, the least recently used forgotten first."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from moderator.cache.base import Vector, frozen


class MemoryCache:
    """Keeps up to `capacity` vectors (a vector of 512 takes about 2 KiB)."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity must be at least 1, got {capacity}")
        self._capacity = capacity
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
                self._vectors[key] = vector
                self._vectors.move_to_end(key)
            while len(self._vectors) > self._capacity:
                self._vectors.popitem(last=False)

    def _touched(self, key: str) -> Vector | None:
        vector = self._vectors.get(key)
        if vector is not None:
            self._vectors.move_to_end(key)
        return vector
