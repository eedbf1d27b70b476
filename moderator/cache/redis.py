"""Embeddings in Redis, shared by all workers; the one file that knows Redis.

Run it with `maxmemory-policy allkeys-lru`: a full Redis that refuses writes counts as one away.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from moderator.cache.base import Vector
from moderator.cache.wire import pack, unpack
from moderator.errors import SettingsError, TransientError

_CHUNK: Final = 256  # keys a command: half a MiB of 512-dimensional vectors
_TLS_OPTIONS: Final = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}
_LOG: Final = logging.getLogger(__name__)


class RedisCache:
    """Vectors in the Redis at `url`, forgotten after `ttl_seconds` if given.

    Never raises for Redis: while it is away or slower than `timeout_seconds` a socket operation,
    every key is a miss, `healthy` is False, and it is asked again only every
    `retry_after_seconds`, by one caller. Raises SettingsError for a URL that is none.
    """

    def __init__(
        self,
        url: str,
        *,
        ttl_seconds: int | None = None,
        timeout_seconds: float = 0.2,
        retry_after_seconds: float = 5.0,
        tls: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``tls``: paths of PEM files for a ``rediss:`` URL, ``ca``, ``cert`` and ``key``."""
        self._client = _client(url, timeout_seconds, tls or {})
        self._ttl_seconds = ttl_seconds
        self._breaker = _Breaker(_shown(self._client), retry_after_seconds, clock)

    @property
    def healthy(self) -> bool:
        """Whether the last call reached Redis; True before the first."""
        return self._breaker.closed

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """Return one read-only vector per key; None for a miss and for a value that is not ours."""
        values: list[bytes | None] = []
        for chunk in _chunks(keys):
            answer = self._breaker.call(partial(self._client.mget, chunk))
            if answer is None:
                break
            values += cast("list[bytes | None]", answer)
        values += [None] * (len(keys) - len(values))
        return [None if value is None else unpack(value) for value in values]

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Write `vectors`, as far as Redis takes them."""
        values = {key: pack(vector) for key, vector in vectors.items()}
        for chunk in _chunks(values.items()):
            if self._breaker.call(partial(self._set, chunk)) is None:
                return

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _set(self, items: Iterable[tuple[str, bytes]]) -> list[Any]:
        with self._client.pipeline(transaction=False) as pipeline:
            for key, value in items:
                pipeline.set(key, value, ex=self._ttl_seconds)
            return pipeline.execute()


class _Breaker:
    """Opens at a failure and lets one caller try again every `retry_after_seconds`."""

    def __init__(self, name: str, retry_after_seconds: float, clock: Callable[[], float]) -> None:
        self._name = name
        self._retry_after_seconds = retry_after_seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._retry_at: float | None = None  # None: closed

    @property
    def closed(self) -> bool:
        return self._retry_at is None

    def call(self, command: Callable[[], Any]) -> Any:
        """Return what `command` returns, or None when it failed or was not tried."""
        if not self._may_try():
            return None
        try:
            answer = command()
        # UnicodeError: a URL may ask redis-py for text, which our values are not.
        except (redis.RedisError, OSError, UnicodeError) as err:
            self._open(err)
            return None
        self._close()
        return answer

    def _may_try(self) -> bool:
        with self._lock:
            if self._retry_at is None:
                return True
            if self._clock() < self._retry_at:
                return False
            self._retry_at = self._clock() + self._retry_after_seconds  # the others go on waiting
            return True

    def _open(self, err: Exception) -> None:
        with self._lock:
            was_closed = self._retry_at is None
            self._retry_at = self._clock() + self._retry_after_seconds
        if was_closed:
            _LOG.warning(
                "%s is away (%s); embeddings are computed anew, next try in %g s",
                self._name,
                type(err).__name__,
                self._retry_after_seconds,
            )

    def _close(self) -> None:
        with self._lock:
            was_open, self._retry_at = self._retry_at is not None, None
        if was_open:
            _LOG.warning("%s is back", self._name)


def _client(url: str, timeout_seconds: float, tls: Mapping[str, str]) -> "redis.Redis":
    if tls and not url.startswith("rediss:"):
        raise SettingsError("Redis has certificates set but no TLS; write rediss://…")
    try:
        return redis.Redis.from_url(
            url,
            **{_TLS_OPTIONS[name]: path for name, path in tls.items()},
            socket_timeout=timeout_seconds,
            socket_connect_timeout=timeout_seconds,
            retry=Retry(NoBackoff(), 0),  # trying again at once would multiply the time-out
        )
    except ValueError:
        # Without the original, which may quote the URL and the password in it.
        raise SettingsError(
            "the Redis URL is malformed; write redis://[user:password@]host:port/db"
        ) from None


def _shown(client: "redis.Redis") -> str:
    where = client.get_connection_kwargs()
    place = where.get("path") or f"{where.get('host', 'localhost')}:{where.get('port', 6379)}"
    return f"Redis at {place}"


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    rest = iter(items)
    while chunk := list(itertools.islice(rest, _CHUNK)):
        yield chunk


class Seen(NamedTuple):
    """What a look at a Redis told."""

    answer_seconds: float  # the time of a ping
    max_memory_bytes: int | None  # 0: no limit; None: this user may not ask
    policy: str  # what it does when that is reached
    clock_ahead_seconds: float | None  # its clock against ours; None: this user may not ask


def look(url: str, tls: Mapping[str, str] | None = None) -> Seen:
    """Look at the Redis at `url`, with `tls` as `RedisCache` has it.

    Raises SettingsError for no URL, TransientError if it is away or does not let us in.
    """
    client = _client(url, 2.0, tls or {})
    try:
        client.ping()
        began = time.perf_counter()
        client.ping()
        took = time.perf_counter() - began
        clock = _if_allowed(client.time)
        memory = _if_allowed(partial(client.info, "memory"))
    except (redis.RedisError, OSError) as err:
        raise TransientError(f"{_shown(client)}: {err}") from err
    finally:
        client.close()
    return Seen(
        took,
        int(memory.get("maxmemory", 0)) if memory else None,
        str(memory.get("maxmemory_policy", "unknown")) if memory else "unknown",
        clock[0] + clock[1] / 1e6 - time.time() if clock else None,
    )


def _if_allowed(ask: Callable[[], Any]) -> Any:
    """What a worker has no need of, its user may have no right to: None then."""
    try:
        return ask()
    except redis.exceptions.NoPermissionError:
        return None
