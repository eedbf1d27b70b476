"""Attachments seen before, in every kind of cache."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from moderator.cache.base import Vector
from moderator.cache.media import MediaCache, Seen
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from tests.services.process import free_port

DIMENSIONS = 4


def views(count: int) -> NDArray[np.float32]:
    rows = np.random.default_rng(count).standard_normal((count, DIMENSIONS)).astype(np.float32)
    unit: NDArray[np.float32] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


def a_still() -> Seen:
    return Seen(views(1), (None,), 1)


@pytest.mark.parametrize("pixels", [0, 1, 65_535, 65_536, 2**24 + 1, 250_000_000])
@pytest.mark.parametrize("count", [1, 3])
def test_all_views_and_the_pixels_come_back_bit_for_bit(count: int, pixels: int) -> None:
    cache = MediaCache(MemoryCache(10), "scope", DIMENSIONS)
    seconds = (None, 0.0, 5_400.123)[:count]
    cache.put({"digest": Seen(views(count), seconds, pixels)})
    found = cache.get(["digest"])["digest"]
    assert (found.pixels, found.seconds) == (pixels, seconds)
    assert found.vectors.tobytes() == views(count).tobytes()


def test_another_encoder_or_other_limits_have_seen_nothing() -> None:
    vectors = MemoryCache(10)
    MediaCache(vectors, "one", DIMENSIONS).put({"digest": a_still()})
    assert MediaCache(vectors, "other", DIMENSIONS).get(["digest"]) == {}


@pytest.mark.parametrize(
    "entry",
    [
        [],
        [0.0],
        [0.0, 1.0],
        [0.0, 1.0, -1.0, 1.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, 9.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, np.nan, 0.0, 0.0, 0.0],
        [0.0, 1.0, -1.0, -1.0, 1.0, 0.0, 0.0, 0.0, np.inf, 0.0, 0.0, 0.0],
        [0.0, 1.0, -2.0, 1.0, 0.0, 0.0, 0.0],
        [0.0, 1.0, np.nan, 1.0, 0.0, 0.0, 0.0],
        [np.nan, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0],
        [np.inf, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0],
        [-1.0, 1.0, -1.0, 1.0, 0.0, 0.0, 0.0],
    ],
)
def test_what_is_no_embedding_is_a_miss(entry: list[float]) -> None:
    vectors = MemoryCache(10)
    vectors.put({"media:scope:digest": np.array(entry, np.float32)})
    assert MediaCache(vectors, "scope", DIMENSIONS).get(["digest"]) == {}


def test_the_second_of_a_batch_counts_as_seen() -> None:
    cache = MediaCache(MemoryCache(10), "scope", DIMENSIONS)
    cache.get(["a", "a", "b"])
    assert cache.counts == (1, 2)
    cache.put({"a": a_still()})
    cache.get(["a", "a", "b"])
    assert cache.counts == (3, 3)


def test_a_batch_without_attachments_asks_nobody() -> None:
    class Untouchable(MemoryCache):
        def get(self, keys: Sequence[str]) -> list[Vector | None]:
            raise AssertionError(keys)

    cache = MediaCache(Untouchable(1), "scope", DIMENSIONS)
    assert cache.get([]) == {}
    assert cache.counts == (0, 0)


def test_workers_share_what_one_has_seen(redis_url: str) -> None:
    one, other = (
        MediaCache(TieredCache(MemoryCache(10), RedisCache(redis_url)), "shared-media", DIMENSIONS)
        for _ in range(2)
    )
    one.put({"digest": Seen(views(2), (None, None), 7)})
    assert other.get(["digest"])["digest"].pixels == 7


def test_without_its_redis_it_goes_on_from_memory() -> None:
    away = RedisCache(f"redis://127.0.0.1:{free_port()}/0")
    cache = MediaCache(TieredCache(MemoryCache(10), away), "scope", DIMENSIONS)
    cache.put({"digest": a_still()})
    assert not cache.healthy
    assert set(cache.get(["digest", "other"])) == {"digest"}
