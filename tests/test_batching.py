"""Batches without a clock: events say when work begins and when it may end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from moderator.batching import Batcher

LONG = 3600.0  # seconds; whoever waits for it, waits for ever
PATIENCE = 5.0  # seconds a test may take when it fails


class Work:
    """Does nothing until it is let, and remembers what it was given."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.running = self.most_running = 0
        self._may_end = asyncio.Event()
        self._changed = asyncio.Condition()
        if not held:
            self._may_end.set()

    async def __call__(self, batch: list[int]) -> None:
        self.batches.append(batch)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await self._tell()
        await self._may_end.wait()
        self.running -= 1
        await self._tell()

    def release(self) -> None:
        self._may_end.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(condition)

    @property
    def items(self) -> list[int]:
        return [item for batch in self.batches for item in batch]

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


@asynccontextmanager
async def batcher(
    work: Work, *, callers: int = 1, max_items: int = 4, max_wait_seconds: float = LONG
) -> AsyncIterator[Batcher[int]]:
    made = Batcher(work, callers=callers, max_items=max_items, max_wait_seconds=max_wait_seconds)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        work.release()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turns(count: int = 20) -> None:
    """Let everybody else run as far as they can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_full_batch_leaves_at_once_however_long_it_might_wait() -> None:
    work = Work()
    async with batcher(work) as queue:
        for item in range(4):
            await queue.put(item)
        await work.until(lambda: work.batches == [[0, 1, 2, 3]])


async def test_a_batch_that_is_not_full_waits_for_company() -> None:
    work = Work()
    async with batcher(work) as queue:
        for item in range(3):
            await queue.put(item)
        await turns()
        assert work.batches == []
        await queue.put(3)
        await work.until(lambda: work.batches == [[0, 1, 2, 3]])


@pytest.mark.parametrize("max_wait_seconds", [0.0, 0.005])
async def test_a_lone_item_leaves_when_the_wait_is_over(max_wait_seconds: float) -> None:
    work = Work()
    async with batcher(work, max_wait_seconds=max_wait_seconds) as queue:
        await queue.put(1)
        await work.until(lambda: work.batches == [[1]])
        await queue.put(2)
        await work.until(lambda: work.batches == [[1], [2]])


async def test_what_is_queued_already_fills_a_batch_that_may_not_wait() -> None:
    work = Work()
    made = Batcher(work, callers=1, max_items=4, max_wait_seconds=0)
    for item in range(6):
        await made.put(item)
    task = asyncio.create_task(made.run())
    await work.until(lambda: len(work.items) == 6)
    assert work.batches == [[0, 1, 2, 3], [4, 5]]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_batches_fill_while_all_callers_are_busy() -> None:
    work = Work(held=True)
    async with batcher(work, max_wait_seconds=0) as queue:
        await queue.put(0)
        await work.until(lambda: work.running == 1)
        for item in range(1, 9):
            await queue.put(item)
        await turns()
        work.release()
        await work.until(lambda: len(work.items) == 9)
        assert work.batches == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize("callers", [1, 2, 3])
async def test_as_many_batches_run_at_once_as_there_are_callers_and_no_more(callers: int) -> None:
    work = Work(held=True)
    async with batcher(work, callers=callers, max_items=1) as queue:
        for item in range(callers + 3):
            await queue.put(item)
        await work.until(lambda: work.running == callers)
        await turns()
        assert work.batches == [[item] for item in range(callers)]
        work.release()
        await work.until(lambda: len(work.items) == callers + 3 and not work.running)
        assert work.most_running == callers
        assert work.items == list(range(callers + 3))


async def test_put_waits_while_the_queue_is_full() -> None:
    work = Work(held=True)
    async with batcher(work, max_items=2) as queue:
        put = 0

        async def produce() -> None:
            nonlocal put
            for item in range(100):
                await queue.put(item)
                put += 1

        producer = asyncio.create_task(produce())
        await work.until(lambda: work.running == 1)
        await turns(200)
        assert put == 2 + 8  # a batch that runs, and a queue of four batches
        work.release()
        await work.until(lambda: len(work.items) == 100)
        await producer
        assert work.items == list(range(100))


async def test_a_batch_is_full_when_the_shares_of_its_items_add_up() -> None:
    work = Work()
    made = Batcher(work, callers=1, max_items=9, max_wait_seconds=0, weigh=lambda item: item / 10)
    for item in (3, 3, 3, 3, 10, 1, 25, 1, 9, 0):
        await made.put(item)
    task = asyncio.create_task(made.run())
    await work.until(lambda: len(work.items) == 10)
    assert work.batches == [[3, 3, 3], [3], [10], [1], [25], [1, 9], [0]]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_fills_a_batch_by_itself_does_not_wait_for_company() -> None:
    work = Work()
    made = Batcher(work, callers=1, max_items=9, max_wait_seconds=LONG, weigh=lambda _: 1.0)
    task = asyncio.create_task(made.run())
    await made.put(1)
    await work.until(lambda: work.batches == [[1]])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_nobody_wants_any_more_is_left_out_and_takes_no_place() -> None:
    work, gone = Work(held=True), {2, 3, 4, 7}
    made = Batcher(
        work, callers=1, max_items=2, max_wait_seconds=0, unwanted=lambda item: item in gone
    )
    task = asyncio.create_task(made.run())
    for item in range(1, 9):
        await made.put(item)
    work.release()
    await work.until(lambda: len(work.items) == 4)
    assert work.batches == [[1, 5], [6, 8]]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_batches_under_way_are_finished_when_it_is_stopped() -> None:
    work = Work(held=True)
    made = Batcher(work, callers=2, max_items=1, max_wait_seconds=LONG)
    task = asyncio.create_task(made.run())
    for item in range(2):
        await made.put(item)
    await work.until(lambda: work.running == 2)
    task.cancel()
    await turns()
    assert not task.done()
    work.release()
    await asyncio.wait_for(asyncio.gather(task, return_exceptions=True), PATIENCE)
    assert task.cancelled()
    assert work.running == 0
