"""What is in flight: how much of it, what it waits for, and whether it moves."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from moderator.metrics import Metrics
from moderator.settings import Settings
from moderator.stream.answerer import Job


class InFlight:
    """The posts that were read and are not answered, bounded by their number and their bytes."""

    def __init__(self, settings: Settings, metrics: Metrics, clock: Callable[[], float]) -> None:
        self._most_posts = settings.max_in_flight_posts
        self._most_bytes = settings.max_in_flight_bytes
        self._turn_seconds = settings.commit_interval_seconds
        self._metrics = metrics
        self._clock = clock
        self.posts = self.bytes = 0
        self._waiting = {"fetch": 0, "publish": 0}  # of these, posts that wait for others
        self._changed = asyncio.Event()  # something was answered, or `close` was called
        self.closed = False  # no more are to be read
        self._last_answer = self._last_turn = clock()

    @property
    def room(self) -> int:
        """How many more posts may be read."""
        return 0 if self.bytes >= self._most_bytes else max(0, self._most_posts - self.posts)

    @property
    def waiting(self) -> Mapping[str, int]:
        """Posts by what they wait for: their attachments, or the broker's acknowledgement."""
        return self._waiting

    def stalled_seconds(self, starving_seconds: float) -> float:
        """How long posts have been in flight without one being answered; 0 when idle.

        With nothing in flight, how long there has been something to read and nothing came. Or for
        how long nothing has run at all, once that is more than a moment.
        """
        waited = self._clock() - self._last_answer
        if not self.posts:
            waited = min(waited, starving_seconds)
        frozen = self._clock() - self._last_turn - self._turn_seconds
        return max(waited, frozen, 0.0)

    def turn(self) -> None:
        """Called at every interval of commits, by which a loop that is stuck is known."""
        self._last_turn = self._clock()

    def enter(self, job: Job) -> None:
        """It was read."""
        if not self.posts:
            self._last_answer = self._clock()  # a stall is counted from now
        self.posts += 1
        self.bytes += job.size
        self._metrics.in_flight.set(self.posts)

    def grow(self, job: Job, more_bytes: int) -> None:
        """So much was fetched for it."""
        job.size += more_bytes
        self.bytes += more_bytes

    def wait(self, what: Literal["fetch", "publish"], posts: int) -> None:
        """So many more wait for that, or fewer."""
        self._waiting[what] += posts

    def leave(self, jobs: Sequence[Job]) -> None:
        """They are answered."""
        self.posts -= len(jobs)
        self.bytes -= sum(job.size for job in jobs)
        self._metrics.in_flight.set(self.posts)
        self._last_answer = self._clock()
        self._changed.set()

    def close(self) -> None:
        """Let no more in, and wake whoever waits for a change."""
        self.closed = True
        self._changed.set()

    async def change(self) -> None:
        """Returns when something was answered, or it was closed."""
        self._changed.clear()
        await self._changed.wait()
