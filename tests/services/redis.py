"""Redis for tests: ``redis-server`` on a free loopback port, nothing kept on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Self

import redis

from tests.services.packages import Announce, program
from tests.services.process import LOOPBACK, ServerProcess, free_port


class Redis:
    """One server; it keeps its port when it is stopped or killed and started again."""

    def __init__(
        self,
        executable: str,
        directory: Path,
        *,
        password: str | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._executable = executable
        self._directory = directory
        self._password = password
        self._settings = settings or {}
        self.port = free_port()
        self._process = ServerProcess("Redis", directory / "redis.log", self._answers)

    @property
    def url(self) -> str:
        credentials = f":{self._password}@" if self._password else ""
        return f"redis://{credentials}{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start empty: persistence is off, so a restart forgets, as a lost cache does."""
        settings = {
            "--bind": LOOPBACK,
            "--port": str(self.port),
            "--dir": str(self._directory),
            "--save": "",
            "--appendonly": "no",
            "--requirepass": self._password or "",
            **self._settings,
        }
        arguments = [word for key, value in settings.items() for word in (key, *_words(value))]
        self._process.start([self._executable, *arguments], deadline_seconds=20)

    def stop(self) -> None:
        self._process.stop()

    def kill(self) -> None:
        self._process.kill()

    def restart(self) -> None:
        self.stop()
        self.start()

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url, socket_timeout=1) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _words(value: str) -> list[str]:
    """A setting of several words, such as `user`, takes them as several arguments."""
    return value.split() or [""]


def install(announce: Announce) -> str:
    """Return the path of ``redis-server``, installed first where it is missing."""
    return program("redis-server", announce)
