"""Posts at a steady rate, from a producer that outlives whatever happens to the broker."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from tests.stream.harness import Stream


def plain(number: int) -> dict[str, object]:
    return {"id": f"post-{number}", "text": f"green meadow {number}"}


class Load:
    """Sends posts from entering it to leaving it; what is not acknowledged may or may not be in.

    That is for the ledger to say, which reads the topic.
    """

    def __init__(
        self, stream: Stream, per_second: float, make: Callable[[int], dict[str, object]] = plain
    ) -> None:
        self._stream = stream
        self._per_second = per_second
        self._make = make
        self._task: asyncio.Task[None] | None = None
        self.sent = 0

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self._stream.cluster.bootstrap,
            enable_idempotence=True,
            linger_ms=5,
            request_timeout_ms=120_000,
        )
        await self._producer.start()
        self._task = asyncio.create_task(self._send())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        async with asyncio.timeout(150):
            await self._producer.stop()

    async def burst(self, count: int) -> None:
        """Send so many more at once, as fast as the broker takes them."""
        for _ in range(count):
            await self._next()

    async def _send(self) -> None:
        began, due = time.monotonic(), 0
        while True:
            await asyncio.sleep(0.01)
            now = int((time.monotonic() - began) * self._per_second)
            for _ in range(now - due):
                await self._next()
            due = now

    async def _next(self) -> None:
        post = self._make(self.sent)
        self.sent += 1
        try:
            await self._producer.send(
                self._stream.topics["posts"],
                msgspec.json.encode(post),
                key=str(post["id"]).encode(),
            )
        except KafkaError:
            await asyncio.sleep(0.2)
