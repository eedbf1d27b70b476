import numpy as np
import pytest

from moderator.cache.memory import MemoryCache
from tests.cache.conftest import hits

ONE = np.ones(1, np.float32)


def test_the_longest_unused_is_forgotten_first() -> None:
    cache = MemoryCache(2)
    cache.put({"a": ONE, "b": ONE})
    cache.get(["a"])
    cache.put({"c": ONE})
    assert hits(cache, "a", "b", "c") == [True, False, True]
    assert len(cache) == 2


def test_putting_again_counts_as_use() -> None:
    cache = MemoryCache(2)
    cache.put({"a": ONE, "b": ONE})
    cache.put({"a": ONE})
    cache.put({"c": ONE})
    assert hits(cache, "a", "b", "c") == [True, False, True]


def test_more_than_fits_keeps_the_last() -> None:
    cache = MemoryCache(2)
    cache.put({"a": ONE, "b": ONE, "c": ONE})
    assert hits(cache, "a", "b", "c") == [False, True, True]


def test_a_cache_for_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        MemoryCache(0)


def test_vectors_that_are_long_are_fewer() -> None:
    long = np.ones(1000, np.float32)  # 4,000 bytes and what an entry takes beside
    cache = MemoryCache(100, max_bytes=10_000)
    cache.put({"a": long, "b": long, "c": long})
    assert hits(cache, "a", "b", "c") == [False, True, True]
    cache.put({"c": ONE, "d": long})  # what is written over is counted no longer
    assert hits(cache, "b", "c", "d") == [True, True, True]


def test_what_is_too_long_for_all_of_it_is_not_kept() -> None:
    cache = MemoryCache(100, max_bytes=1000)
    cache.put({"a": np.ones(1000, np.float32)})
    assert len(cache) == 0
