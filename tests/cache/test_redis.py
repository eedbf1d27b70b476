import logging
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import redis as redis_py

from moderator.cache.base import VectorCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from moderator.errors import SettingsError
from tests.cache.conftest import hits
from tests.services.redis import Redis

ONE = np.ones(3, np.float32)
NewCache = Callable[..., RedisCache]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def new_cache(clock: Clock) -> Iterator[NewCache]:
    caches: list[RedisCache] = []

    def make(
        url: str, *, timeout_seconds: float = 2.0, ttl_seconds: int | None = None
    ) -> RedisCache:
        cache = RedisCache(
            url, timeout_seconds=timeout_seconds, ttl_seconds=ttl_seconds, clock=clock
        )
        caches.append(cache)
        return cache

    yield make
    for cache in caches:
        cache.close()


@pytest.fixture
def server(redis_url: str) -> Iterator[redis_py.Redis]:
    with redis_py.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of a port that accepts connections and never says anything."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_damaged_and_foreign_values_are_misses(
    redis_url: str, new_cache: NewCache, server: redis_py.Redis
) -> None:
    cache = new_cache(redis_url)
    name = uuid.uuid4().hex
    cache.put({f"{name}:good": ONE, f"{name}:damaged": ONE, f"{name}:short": ONE})
    server.setrange(f"{name}:damaged", 20, b"\xff")
    server.set(f"{name}:short", bytes(server.get(f"{name}:short") or b"")[:-1])  # type: ignore[arg-type]
    server.set(f"{name}:text", "hello")
    server.rpush(f"{name}:list", "a", "b")
    server.hset(f"{name}:hash", "a", "b")
    kinds = ["damaged", "short", "text", "list", "hash"]
    found = hits(cache, *[f"{name}:{kind}" for kind in [*kinds, "good"]])
    assert found == [False] * 5 + [True]
    assert cache.healthy


def test_a_foreign_value_is_written_over(
    redis_url: str, new_cache: NewCache, server: redis_py.Redis
) -> None:
    cache, name = new_cache(redis_url), uuid.uuid4().hex
    server.rpush(name, "a")
    cache.put({name: ONE})
    assert hits(cache, name) == [True]


@pytest.mark.parametrize("ttl_seconds", [None, 100])
def test_vectors_live_as_long_as_they_were_told(
    redis_url: str, new_cache: NewCache, server: redis_py.Redis, ttl_seconds: int | None
) -> None:
    name = uuid.uuid4().hex
    new_cache(redis_url, ttl_seconds=ttl_seconds).put({name: ONE})
    assert server.ttl(name) in ({-1} if ttl_seconds is None else {99, 100})


def test_redis_killed_and_restarted(
    redis_server: Redis,
    new_cache: NewCache,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cache = new_cache(redis_server.url)
    tiered = TieredCache(MemoryCache(10), cache)
    tiered.put({"a": ONE})
    redis_server.kill()

    tiered.put({"b": ONE})
    assert hits(tiered, "a", "b", "c") == [True, True, False]
    assert states(cache, tiered) == [False, False]

    redis_server.start()
    assert hits(tiered, "c") == [False]
    assert states(cache, tiered) == [False, False]  # not asked again yet
    clock.seconds += 5
    assert hits(cache, "a") == [False]  # a restarted Redis is empty
    assert states(cache, tiered) == [True, True]
    cache.put({"a": ONE})
    assert hits(cache, "a") == [True]
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert ["away" in line for line in caplog.messages] == [True, False]


def states(*caches: VectorCache) -> list[bool]:
    return [cache.healthy for cache in caches]


def test_a_restart_between_two_calls_is_not_noticed(
    redis_server: Redis, new_cache: NewCache
) -> None:
    cache = new_cache(redis_server.url)
    cache.put({"a": ONE})
    redis_server.restart()
    assert hits(cache, "a") == [False]
    assert cache.healthy


def test_while_it_is_away_nobody_waits_for_it_but_one_every_few_seconds(
    silent: str, new_cache: NewCache, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    cache = new_cache(silent, timeout_seconds=0.1)
    assert seconds(lambda: cache.get(["a"])) < 0.9
    assert not cache.healthy
    assert seconds(lambda: [cache.get([str(n) for n in range(1000)]) for _ in range(20)]) < 0.09
    assert seconds(lambda: cache.put({"a": ONE})) < 0.09
    clock.seconds += 5
    assert 0.09 < seconds(lambda: cache.put({"a": ONE})) < 0.9
    assert len(caplog.messages) == 1


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_wrong_password_is_a_redis_away_and_is_not_logged(
    redis_executable: str, tmp_path: Path, new_cache: NewCache, caplog: pytest.LogCaptureFixture
) -> None:
    with Redis(redis_executable, tmp_path, password="right") as server:
        cache = new_cache(server.url.replace("right", "s3cret"))
        cache.put({"a": ONE})
        assert hits(cache, "a") == [False]
        assert not cache.healthy
        assert f"127.0.0.1:{server.port}" in caplog.text
        assert "s3cret" not in caplog.text
        right = new_cache(server.url)
        right.put({"a": ONE})
        assert hits(right, "a") == [True]


def test_a_server_that_is_no_redis_is_a_redis_away(new_cache: NewCache) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"redis://127.0.0.1:{listener.getsockname()[1]}"
        cache = new_cache(url, timeout_seconds=0.2)
        listener.close()
        assert hits(cache, "a") == [False]
        assert not cache.healthy


def test_a_url_that_asks_for_text_does_not_raise(redis_url: str, new_cache: NewCache) -> None:
    cache, name = new_cache(f"{redis_url}?decode_responses=true"), uuid.uuid4().hex
    cache.put({name: np.full(3, -1.5, np.float32)})
    assert hits(cache, name) == [False]


@pytest.mark.parametrize(
    "url", ["", "http://s3cret@host", "redis://:s3cret@host:port/0", "redis://x?db=s3cret"]
)
def test_a_malformed_url_is_a_setting_to_mend(url: str) -> None:
    with pytest.raises(SettingsError, match="the Redis URL is malformed") as caught:
        RedisCache(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
