"""Micro-batches: one owner of a bounded queue fills the next batch while the last ones run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Batcher(Generic[Item]):
    """Hands items to `work` in batches, up to `callers` batches at the same time.

    A batch goes out as soon as a caller is free and it is full or `max_wait_seconds` old, so under
    load batches fill without waiting and a lone item waits no longer than that. It is full with
    `max_items`, or when the shares that `weigh` gives add up to 1: an item that takes more than is
    left begins the next batch, and one that takes more than 1 goes alone. Items that are
    `unwanted` by the time their batch is made are left out.
    """

    def __init__(
        self,
        work: Callable[[list[Item]], Coroutine[Any, Any, None]],
        *,
        callers: int,
        max_items: int,
        max_wait_seconds: float,
        weigh: Callable[[Item], float] = lambda _: 0.0,
        unwanted: Callable[[Item], bool] = lambda _: False,
    ) -> None:
        """`work` must not raise: the batcher has nobody to tell."""
        self._work = work
        self._queue: asyncio.Queue[Item] = asyncio.Queue(callers * max_items * 4)
        self._held: list[Item] = []  # the one that did not fit
        self._callers = asyncio.Semaphore(callers)
        self._max_items = max_items
        self._max_wait_seconds = max_wait_seconds
        self._weigh = weigh
        self._unwanted = unwanted
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many items wait for a batch."""
        return self._queue.qsize()

    async def put(self, item: Item) -> None:
        """Queue an item; waits while the queue is full."""
        await self._queue.put(item)

    async def run(self) -> None:
        """Own the queue until cancelled; batches under way are then finished first."""
        try:
            while True:
                await self._callers.acquire()
                batch = await self._next_batch()
                task = asyncio.create_task(self._work(batch))
                self._running.add(task)
                task.add_done_callback(self._finished)
        finally:
            if self._running:
                await asyncio.wait(self._running)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._callers.release()

    async def _next_batch(self) -> list[Item]:
        first = await self._next()
        batch, taken = [first], self._weigh(first)
        try:
            async with asyncio.timeout(self._max_wait_seconds):
                while len(batch) < self._max_items and taken < 1:
                    item = await self._next()
                    taken += self._weigh(item)
                    if taken > 1:
                        self._held.append(item)
                    else:
                        batch.append(item)
        except TimeoutError:
            pass
        return batch

    async def _next(self) -> Item:
        while True:
            item = self._held.pop() if self._held else await self._queue.get()
            if not self._unwanted(item):
                return item
