"""A network between workers and the broker that delays and drops what passes it."""

import asyncio
import random
from contextlib import suppress
from types import TracebackType
from typing import Self

from tests.services.process import LOOPBACK


class Proxy:
    """Forwards connections to `target`; faults begin and end as a test sets them."""

    def __init__(self, port: int, target: int, rng: random.Random) -> None:
        self._port = port
        self._target = target
        self._rng = rng
        self._open: set[asyncio.StreamWriter] = set()
        self.delay_seconds = 0.0  # of each chunk, at most
        self.drop_share = 0.0  # of chunks at which the connection is cut
        self.refuses = False

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, LOOPBACK, self._port)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Drop every connection."""
        for writer in self._open:
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.close()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self._target)
        except OSError:
            writer.close()
            return
        self._open |= {writer, far_writer}
        with suppress(OSError, asyncio.IncompleteReadError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        for each in (writer, far_writer):
            self._open.discard(each)
            each.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(2**16):
            if self.delay_seconds:
                await asyncio.sleep(self._rng.uniform(0, self.delay_seconds))
            if self._rng.random() < self.drop_share:
                break
            sink.write(data)
            await sink.drain()
        sink.close()
