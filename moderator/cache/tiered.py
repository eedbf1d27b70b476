"""Two caches as one: a fast one in front, a shared one behind it."""

from collections.abc import Mapping, Sequence

from moderator.cache.base import Vector, VectorCache


class TieredCache:
    """Asks `front` first and `back` for the rest, and remembers its answers in `front`.

    Goes on with `front` alone while `back` is away.
    """

    def __init__(self, front: VectorCache, back: VectorCache) -> None:
        self._front = front
        self._back = back

    @property
    def healthy(self) -> bool:
        """False while either is not."""
        return self._front.healthy and self._back.healthy

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """Return one read-only vector per key, None for what neither has."""
        vectors = self._front.get(keys)
        missing = list(
            dict.fromkeys(key for key, vector in zip(keys, vectors, strict=True) if vector is None)
        )
        if not missing:
            return vectors
        found = self._fetched(missing)
        return [
            found.get(key) if vector is None else vector
            for key, vector in zip(keys, vectors, strict=True)
        ]

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Keep copies of `vectors` in both."""
        self._front.put(vectors)
        self._back.put(vectors)

    def _fetched(self, keys: Sequence[str]) -> dict[str, Vector]:
        found = {
            key: vector
            for key, vector in zip(keys, self._back.get(keys), strict=True)
            if vector is not None
        }
        if found:
            self._front.put(found)
        return found
