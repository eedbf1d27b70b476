import numpy as np

from moderator.cache.memory import MemoryCache
from moderator.cache.tiered import TieredCache
from tests.cache.conftest import hits

ONE = np.ones(3, np.float32)


def test_the_front_remembers_what_the_back_knew() -> None:
    front, back = MemoryCache(10), MemoryCache(10)
    back.put({"a": ONE})
    assert hits(TieredCache(front, back), "a", "b", "a") == [True, False, True]
    assert hits(front, "a", "b") == [True, False]


def test_both_are_written() -> None:
    front, back = MemoryCache(10), MemoryCache(10)
    TieredCache(front, back).put({"a": ONE})
    assert hits(front, "a") == hits(back, "a") == [True]


def test_what_the_front_forgot_the_back_has() -> None:
    cache = TieredCache(MemoryCache(1), MemoryCache(10))
    cache.put({"a": ONE, "b": ONE})
    assert hits(cache, "a", "b", "a") == [True, True, True]
