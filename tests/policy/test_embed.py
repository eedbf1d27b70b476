import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest

from moderator.cache.base import Vector, VectorCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from moderator.encoders.base import READING_VERSION, Space
from moderator.encoders.fake import FakeTextEncoder, fake_space
from moderator.errors import InferenceError
from moderator.policy.embed import embed_prompts
from tests.builders import compiled
from tests.services.process import free_port

PROMPTS = ["red fire", "blue sea", "red fire"]


def asked(space: Space) -> list[str]:
    assert isinstance(space.text, FakeTextEncoder)
    return space.text.encoded


@pytest.fixture
def digest() -> str:
    """A space digest of the test's own, because the tests share one Redis."""
    return uuid.uuid4().hex


@pytest.fixture
def redis_caches(redis_url: str) -> Iterator[list[RedisCache]]:
    """The Redis of two workers."""
    caches = [RedisCache(redis_url, timeout_seconds=5) for _ in range(2)]
    yield caches
    for cache in caches:
        cache.close()


def test_distinct_prompts_are_embedded_once_and_correctly(space: Space) -> None:
    vectors = embed_prompts(PROMPTS, space, MemoryCache(10))
    assert asked(space) == ["red fire", "blue sea"]
    expected = fake_space().text.encode(["red fire", "blue sea"]).vectors
    assert np.array_equal(np.stack([vectors["red fire"], vectors["blue sea"]]), expected)


def test_a_second_worker_embeds_nothing_because_redis_has_it(
    redis_caches: list[RedisCache], digest: str
) -> None:
    rules = []
    for redis, expected in zip(redis_caches, [["red fire", "an ordinary day"], []], strict=True):
        space = replace(fake_space(), digest=digest)
        rules.append(compiled(space=space, cache=TieredCache(MemoryCache(10), redis)))
        assert asked(space) == expected
    first, second = (compiled_rules.channels["text"].directions for compiled_rules in rules)
    assert np.array_equal(first, second)


def test_another_space_shares_nothing_in_redis(redis_caches: list[RedisCache], digest: str) -> None:
    for place, redis in enumerate(redis_caches):
        space = replace(fake_space(), digest=f"{digest}-{place}")
        embed_prompts(PROMPTS, space, redis)
        assert asked(space) == ["red fire", "blue sea"]


def test_another_way_of_reading_shares_nothing(
    space: Space, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MemoryCache(10)
    embed_prompts(PROMPTS, space, cache)
    asked(space).clear()
    monkeypatch.setattr("moderator.policy.embed.READING_VERSION", READING_VERSION + 1)
    embed_prompts(PROMPTS, space, cache)
    assert asked(space) == ["red fire", "blue sea"]


def test_with_redis_down_rules_compile_from_memory(space: Space) -> None:
    away = RedisCache(f"redis://127.0.0.1:{free_port()}/0")
    cache = TieredCache(MemoryCache(10), away)
    assert compiled(space=space, cache=cache).channels["text"].directions.any()
    assert not cache.healthy
    asked(space).clear()
    compiled(space=space, cache=cache)
    assert asked(space) == []
    away.close()


class Poisoned:
    """A cache that answers everything with the same vector."""

    healthy = True

    def __init__(self, vector: Vector) -> None:
        self._vector = vector

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        return [self._vector for _ in keys]

    def put(self, vectors: object) -> None:
        pass


@pytest.mark.parametrize(
    "value",
    [
        np.full(64, np.nan, np.float32),
        np.zeros(64, np.float32),
        np.full(64, 7, np.float32),
        np.full(32, 32**-0.5, np.float32),
    ],
    ids=["nan", "zeros", "not-unit", "too-short"],
)
def test_what_is_no_embedding_of_the_space_is_a_miss(space: Space, value: Vector) -> None:
    cache: VectorCache = Poisoned(value)
    vectors = embed_prompts(PROMPTS, space, cache)
    assert asked(space) == ["red fire", "blue sea"]
    assert np.linalg.norm(vectors["red fire"]) == pytest.approx(1)


def test_a_prompt_that_cannot_be_embedded_says_so(space: Space) -> None:
    with pytest.raises(InferenceError):
        embed_prompts(["unencodable"], space, MemoryCache(10))
