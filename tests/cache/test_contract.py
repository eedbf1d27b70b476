"""What every cache of embeddings does, whatever it keeps them in."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from moderator.cache.base import Vector, VectorCache
from moderator.cache.disk import DiskCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache


@pytest.fixture(params=["memory", "disk", "redis", "tiered"])
def cache(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[VectorCache]:
    if request.param == "memory":
        yield MemoryCache(2000)
        return
    if request.param == "disk":
        yield DiskCache(tmp_path / "cache.sqlite")
        return
    redis = RedisCache(request.getfixturevalue("redis_url"), timeout_seconds=5)
    yield redis if request.param == "redis" else TieredCache(MemoryCache(2000), redis)
    redis.close()


def key(name: str = "key") -> str:
    return f"test:{name}:{uuid.uuid4().hex}"


def vector(*values: float) -> Vector:
    return np.array(values, np.float32)


def test_a_key_never_put_is_a_miss(cache: VectorCache) -> None:
    assert cache.get([key(), key()]) == [None, None]
    assert cache.healthy


def test_nothing_asked_nothing_answered(cache: VectorCache) -> None:
    cache.put({})
    assert cache.get([]) == []


def test_vectors_come_back_bit_for_bit_in_the_order_of_the_keys(cache: VectorCache) -> None:
    values = np.random.default_rng(0).standard_normal((3, 384)).astype(np.float32)
    values[0, :4] = np.array([np.nan, np.inf, -0.0, 1e-45], np.float32)
    one, two, three = key("ü"), key("two words"), key()
    cache.put({one: values[0], two: values[1], three: values[2]})
    found = cache.get([three, key(), one, two, one])
    expected = [values[2], None, values[0], values[1], values[0]]
    assert [same(*pair) for pair in zip(found, expected, strict=True)] == [True] * 5


def same(one: Vector | None, other: Vector | None) -> bool:
    if one is None or other is None:
        return one is other
    return one.dtype == other.dtype == np.float32 and one.tobytes() == other.tobytes()


def test_the_last_put_counts(cache: VectorCache) -> None:
    name = key()
    cache.put({name: vector(1)})
    cache.put({name: vector(2, 3)})
    (found,) = cache.get([name])
    assert found is not None
    assert found.tolist() == [2, 3]


def test_a_cached_vector_cannot_be_changed_from_outside(cache: VectorCache) -> None:
    name, mine = key(), vector(1, 2)
    cache.put({name: mine})
    mine[0] = 9
    (found,) = cache.get([name])
    assert found is not None
    assert found.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        found[0] = 9


def test_slices_of_a_batch_are_kept_as_they_are(cache: VectorCache) -> None:
    name, batch = key(), np.arange(6, dtype=np.float32).reshape(3, 2)
    cache.put({name: batch[:, 1]})
    (found,) = cache.get([name])
    assert found is not None
    assert found.tolist() == [1, 3, 5]


@pytest.mark.parametrize(
    "wrong", [np.zeros((2, 2), np.float32), np.zeros(2, np.float64), np.zeros(2, np.float16)]
)
def test_what_is_no_vector_is_refused(cache: VectorCache, wrong: Vector) -> None:
    with pytest.raises(ValueError, match="float32 vector is needed"):
        cache.put({key(): wrong})


def test_many_keys_are_answered_at_once(cache: VectorCache) -> None:
    names = [key() for _ in range(1000)]
    cache.put({name: vector(number) for number, name in enumerate(names)})
    found = cache.get(names)
    assert [answer is not None and answer.tolist() for answer in found] == [
        [number] for number in range(1000)
    ]


def test_threads_may_share_it(cache: VectorCache) -> None:
    names = [key() for _ in range(8)]

    def work(number: int) -> bool:
        name = names[number % 8]
        cache.put({name: vector(number % 8)})
        (found,) = cache.get([name])
        return found is not None and found.tolist() == [number % 8]

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(work, range(200)))
