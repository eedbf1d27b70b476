"""Attachments seen before, in every kind of cache."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from moderator.cache.base import Vector
from moderator.cache.media import MediaCache, Seen
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from moderator.ocr.base import Writing
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
    cache = MediaCache(vectors, "scope", DIMENSIONS)
    vectors.put({cache._key("digest"): np.array(entry, np.float32)})
    assert cache.get(["digest"]) == {}


WRITINGS = (Writing("Pay 1,000 € now\nor else"), Writing("später", 1.5))


def test_what_is_written_in_a_picture_comes_back() -> None:
    cache = MediaCache(MemoryCache(10), "scope", DIMENSIONS, texts=True)
    cache.put({"with": a_still()._replace(writings=WRITINGS)})
    cache.put({"without": a_still()._replace(writings=())})
    found = cache.get(["with", "without"])
    assert (found["with"].writings, found["without"].writings) == (WRITINGS, ())
    assert found["with"].vectors.tobytes() == a_still().vectors.tobytes()


def test_neither_a_text_nor_the_digest_that_unmasks_it_is_in_the_cache() -> None:
    kept: dict[str, Vector] = {}

    class Watched(MemoryCache):
        def put(self, vectors: Mapping[str, Vector]) -> None:
            kept.update(vectors)

    digest, said = "d" * 64, "password hunter2"
    cache = MediaCache(Watched(10), "scope", DIMENSIONS, texts=True)
    cache.put({digest: a_still()._replace(writings=(Writing(said),))})
    ((key, entry),) = kept.items()
    numbers = bytes(int(each) % 256 for each in entry)
    assert said.encode() not in numbers
    assert digest not in key


@pytest.mark.parametrize("place", [-1, -2, -3])  # how many bytes, and the last of them
@pytest.mark.parametrize("value", [np.nan, -1.0, 300.0, 1e9])
def test_a_damaged_text_is_a_miss(place: int, value: float) -> None:
    vectors = MemoryCache(10)
    cache = MediaCache(vectors, "scope", DIMENSIONS, texts=True)
    cache.put({"digest": a_still()._replace(writings=WRITINGS)})
    (entry,) = vectors.get([cache._key("digest")])
    assert entry is not None
    damaged = entry.copy()
    damaged[place] = value
    vectors.put({cache._key("digest"): damaged})
    assert cache.get(["digest"]) == {}


@pytest.mark.parametrize("count", range(1, 40))
def test_the_beginning_of_a_text_is_a_miss(count: int) -> None:
    vectors = MemoryCache(10)
    cache = MediaCache(vectors, "scope", DIMENSIONS, texts=True)
    cache.put({"digest": a_still()._replace(writings=WRITINGS)})
    (entry,) = vectors.get([cache._key("digest")])
    assert entry is not None
    left = entry[-1] - count
    vectors.put({cache._key("digest"): np.append(entry[: -2 - count], [0, left]).astype("f4")})
    assert cache.get(["digest"]) == {}


def test_without_reading_text_an_entry_with_text_is_a_miss() -> None:
    vectors = MemoryCache(10)
    MediaCache(vectors, "scope", DIMENSIONS, texts=True).put(
        {"digest": a_still()._replace(writings=WRITINGS)}
    )
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
