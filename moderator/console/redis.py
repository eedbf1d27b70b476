"""The console's Redis: one prefix, and errors of ours."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import redis.asyncio as redis
from redis.exceptions import OutOfMemoryError, RedisError

from moderator.errors import SettingsError, TransientError
from moderator.settings import Settings

PREFIX: Final = "moderator:console:"
_TLS: Final = {"ca": "ssl_ca_certs", "cert": "ssl_certfile", "key": "ssl_keyfile"}
_TIMEOUT_SECONDS: Final = 5.0


def connect(settings: Settings) -> Any:
    """A client, which connects when it is first asked. Raises SettingsError."""
    url = settings.console_redis or settings.redis
    if url is None:
        raise SettingsError(
            "the console keeps its queue in Redis; set MODERATOR_REDIS or MODERATOR_CONSOLE_REDIS"
        )
    tls: dict[str, Any] = {_TLS[name]: path for name, path in settings.redis_tls.items()}
    try:
        return redis.Redis.from_url(
            url.get_secret_value(),
            **tls,
            socket_timeout=_TIMEOUT_SECONDS,
            socket_connect_timeout=_TIMEOUT_SECONDS,
        )
    except ValueError:  # without the original, which may quote the password
        raise SettingsError(
            "the console's Redis URL is malformed; write redis://[user:password@]host:port/db"
        ) from None


@asynccontextmanager
async def asking() -> AsyncIterator[None]:
    """Raises TransientError where Redis is away, is full or refuses."""
    try:
        yield
    except OutOfMemoryError as error:
        raise TransientError(
            "the console's Redis is full: raise its maxmemory, or keep less "
            "(MODERATOR_CONSOLE_VERDICTS, MODERATOR_CONSOLE_QUEUE); trying again"
        ) from error
    except (RedisError, OSError) as error:
        raise TransientError(f"Redis is away ({type(error).__name__}); trying again") from error
