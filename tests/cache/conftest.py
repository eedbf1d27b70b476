from moderator.cache.base import VectorCache


def hits(cache: VectorCache, *keys: str) -> list[bool]:
    """Which of `keys` the cache has."""
    return [vector is not None for vector in cache.get(keys)]
