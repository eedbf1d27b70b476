"""A cache that counts how often it could help."""

from collections import Counter
from collections.abc import Mapping, Sequence

from moderator.cache.base import NOTHING, Vector, VectorCache


class CountedCache:
    """Counts hits and misses by the kind of key: what stands before its first colon."""

    def __init__(self, cache: VectorCache) -> None:
        self._cache = cache
        self.lookups: Counter[tuple[str, ...]] = Counter()  # (kind, "hit" or "miss")

    @property
    def healthy(self) -> bool:
        """That of the cache."""
        return self._cache.healthy

    def probe(self) -> None:
        """See `Probed`."""
        self._cache.get([NOTHING])

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """See `VectorCache`."""
        vectors = self._cache.get(keys)
        self.lookups.update(
            (key.partition(":")[0], "miss" if vector is None else "hit")
            for key, vector in zip(keys, vectors, strict=True)
        )
        return vectors

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """See `VectorCache`."""
        self._cache.put(vectors)
