"""One row of the table: a stream, workers under supervision, a load, and what became of it."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from moderator.settings import load_settings
from tests.chaos.ledger import Ledger, read_ledger
from tests.chaos.load import Load, plain
from tests.stream.harness import Stream, Worker

WORKER = Path(__file__).with_name("worker.py")
SESSION_SECONDS = 6
_SAMPLE_SECONDS = 0.2


class UnableError(Exception):
    """This machine cannot stage the fault; the message says why."""


@dataclass
class Row:
    """One line of the table."""

    fault: str
    posts: int = 0
    lost: int = 0
    duplicated: int = 0
    recovery_seconds: float = 0.0
    peak_mib: float = 0.0
    note: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass
class Size:
    """How large a run is."""

    seconds: float  # of load, at least
    per_second: float
    million: int  # posts of the long run


class Rig:
    """What a fault works with."""

    def __init__(self, stream: Stream, size: Size, rng: random.Random) -> None:
        self.stream = stream
        self.size = size
        self.rng = rng
        self.settings: dict[str, object] = {}
        self.flags: Sequence[str] = ()
        self.launcher: Sequence[str] = ()  # what the worker's script is run by
        self.workers: list[Worker] = []
        self.restarts = 0
        self.notes: list[str] = []
        self.problems: list[str] = []
        self.checks: list[Callable[[Ledger], None]] = []
        self.wanted_codes: dict[str, int] = {}  # of dead letters
        self.bad: bytes | None = None  # key of the post that alone may have them
        self.most_restarts: int | None = None
        self.marks: list[float] = []  # when faults were over, in seconds since the epoch
        self.memory: list[tuple[float, int]] = []  # when, and bytes of the largest worker

    def worker(self, **settings: object) -> Worker:
        """Start another one, and wait until it is ready."""
        made = self.stream.worker(**{**self._defaults(), **self.settings, **settings})
        made.command[-1:] = [*self.launcher, str(WORKER), *self.flags]
        self.workers.append(made)
        return made

    async def start(self, count: int = 1, *, until: str = "ready") -> list[Worker]:
        """Start so many workers side by side."""
        made = [self.worker() for _ in range(count)]
        await asyncio.gather(*(asyncio.to_thread(each.start, until=until) for each in made))
        return made

    async def some_time(self, share: float = 0.25) -> None:
        """About this share of the run, by the schedule's chance."""
        await asyncio.sleep(self.size.seconds * share * self.rng.uniform(0.7, 1.3))

    def over(self) -> None:
        """The fault has ended, or has struck: recovery is counted from here."""
        self.marks.append(time.time())

    @asynccontextmanager
    async def load(
        self,
        per_second: float | None = None,
        make: Callable[[int], dict[str, object]] = plain,
    ) -> AsyncIterator[Load]:
        """Posts come for as long as the block runs, and for a moment before it."""
        async with Load(self.stream, per_second or self.size.per_second, make) as running:
            await self.some_time(0.2)
            yield running
            await self.some_time(0.2)

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Sample memory and start again what ends by itself, as a supervisor would."""
        tasks = [asyncio.create_task(self._sample()), asyncio.create_task(self._supervise())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.gather(*(asyncio.to_thread(each.kill) for each in self.workers))

    async def settle(self, row: Row, *, seconds: float = 60.0) -> Ledger:
        """Wait for the answers and enter them in the row."""
        ledger = await read_ledger(self.stream, seconds=seconds)
        row.posts = sum(ledger.posts.values())
        row.lost = len(ledger.lost)
        row.duplicated = ledger.duplicated
        row.recovery_seconds = max((ledger.recovery_seconds(m) for m in self.marks), default=0.0)
        row.peak_mib = max((size for _, size in self.memory), default=0) / 2**20
        if ledger.lost:
            row.problems.append(f"{len(ledger.lost)} lost, such as {min(ledger.lost)!r}")
        if ledger.torn:
            row.problems.append(f"{ledger.torn} posts have different verdict ids")
        if not row.posts:
            row.problems.append("no posts were sent")
        if self.restarts:
            self.notes.append(f"{self.restarts} restarts")
        return ledger

    async def answered(self) -> None:
        """Wait until every post is answered, while what the fault needs still stands."""
        await read_ledger(self.stream, seconds=60)

    def judge(self, ledger: Ledger) -> None:
        """Hold the outcome against what the fault said it should be."""
        if dict(ledger.codes) != self.wanted_codes:
            self.problems.append(f"dead letters {dict(ledger.codes)}, not {self.wanted_codes}")
        if self.bad and set(ledger.letters) != {self.bad}:
            self.problems.append(f"dead letters of {set(ledger.letters)}, not of {self.bad!r}")
        if self.most_restarts is not None and self.restarts > self.most_restarts:
            self.problems.append(f"{self.restarts} restarts, the bar is {self.most_restarts}")

    def growth(self, first_share: float = 0.2) -> float:
        """By how much memory has grown from the end of the first share of the run to its end."""
        began, ended = self.memory[0][0], self.memory[-1][0]
        start = began + (ended - began) * first_share
        step = (ended - began) * 0.1
        early = [size for at, size in self.memory if start <= at < start + step]
        late = [size for at, size in self.memory if at >= ended - step]
        return statistics.median(late) / statistics.median(early) - 1

    @property
    def most_duplicates(self) -> int:
        """What the workers may have had in flight, and have answered since their last commit."""
        known = load_settings(self.settings)
        answered = self.size.per_second * known.commit_interval_seconds
        return int(len(self.workers) * known.max_in_flight_posts + answered)

    def _defaults(self) -> dict[str, object]:
        return {"session_timeout_seconds": SESSION_SECONDS, "callers": 2}

    async def _sample(self) -> None:
        while True:
            sizes = [_resident(each) for each in self.workers if each.alive]
            if sizes:
                self.memory.append((time.monotonic(), max(sizes)))
            await asyncio.sleep(_SAMPLE_SECONDS)

    async def _supervise(self) -> None:
        while True:
            for each in list(self.workers):
                if each.ended:
                    self.restarts += 1
                    await asyncio.to_thread(each.kill)  # collects what is left of it
                    await asyncio.to_thread(each.start, until="health")
            await asyncio.sleep(_SAMPLE_SECONDS)


def _resident(worker: Worker) -> int:
    with suppress(psutil.Error, AssertionError):
        process: Any = psutil.Process(worker.pid)
        return int(process.memory_info().rss)
    return 0
