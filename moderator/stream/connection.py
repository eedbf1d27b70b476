"""Everything that ties a worker to Kafka, made and closed together."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from moderator.errors import TransientError
from moderator.settings import Settings
from moderator.stream.clients import Clients
from moderator.stream.commits import Commits
from moderator.stream.publisher import Publisher
from moderator.stream.reader import Reader
from moderator.stream.suspects import Suspects
from moderator.stream.transactions import Transactions

log = logging.getLogger(__name__)

_POLL_MS = 200
# Between two notes of how far is read. Less means more commits, more means that after a death more
# posts are read one by one.
_SLACK_POSTS = 256
_LOOK_SECONDS = 5.0  # between two questions of how long the partitions are
_GOODBYE_SECONDS = 3.0  # for each client; the two stay within what `app` grants after the drain


class Connection:
    """A member of the group: reads, commits, publishes."""

    def __init__(
        self,
        settings: Settings,
        publisher: Publisher,
        clients: Clients,
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._clients = clients
        self.publisher = publisher
        self.consumer: Any = clients.consumer(settings, group=settings.group)
        self.reader = Reader(self.consumer, poll_ms=_POLL_MS)
        self.suspects = Suspects(self._committed, slack=_SLACK_POSTS)
        # Well inside the time after which the group goes on without us.
        handover_seconds = settings.session_timeout_seconds / 2
        self.commits = Commits(
            self.consumer,
            self.suspects,
            handover_seconds=handover_seconds,
            assigned=lambda: self.reader.start_at({}),
        )
        self.transactions = Transactions(settings, publisher, self.commits, self._committed)
        self._ends: Mapping[TopicPartition, int] = {}
        self._clock = clock
        self._unread: Mapping[TopicPartition, int] = {}  # positions before the ends
        self._starving_since: float | None = None  # these have not moved since then

    @classmethod
    async def open(
        cls,
        settings: Settings,
        publisher: Publisher,
        clients: Clients,
        clock: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Raises TransientError when Kafka cannot be reached."""
        await clients.ensure_topics(settings)
        made = cls(settings, publisher, clients, clock)
        topics = [settings.posts_topic, *([settings.retries_topic] if settings.puts_off else [])]
        made.consumer.subscribe(topics, listener=made.commits)
        try:
            await publisher.start()
            await made.consumer.start()
        except (KafkaError, OSError) as error:
            await made.close()
            raise TransientError(f"Kafka cannot be reached: {error}") from error
        log.info("reading %s from %s", ", ".join(topics), settings.kafka)
        return made

    @property
    def lag_posts(self) -> dict[tuple[str, int], int]:
        """By topic and partition: messages not answered, as far as the broker has told.

        Asked by the thread that serves the pages, so while partitions come and go.
        """
        assigned = self.consumer.assignment()
        lag = {}
        for place, progress in self.commits.owned().items():
            if place in assigned and (end := self.consumer.highwater(place)) is not None:
                end = max(end, self._ends.get(place, 0))
                stands = progress.standing
                at = self.reader.position(place) if stands is None else stands
                lag[place.topic, place.partition] = 0 if at is None else max(0, end - at)
        return lag

    async def watch_ends(self) -> None:
        """Ask every now and then, until cancelled, where partitions end."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            await self.ask_ends()

    async def ask_ends(self) -> None:
        """Ask where partitions end.

        Fetches tell it, too, but only when one is due: who is ten times too slow still works on
        what was fetched minutes ago, and would report a lag that shrinks. And a consumer that
        fetches no more without an error, although the broker answers, is a zombie.
        """
        try:
            self._ends = await self.consumer.end_offsets(list(self.commits.owned()))
            read = self.consumer.assignment() - self.consumer.paused()
            unread = {
                place: at
                for place in read & self._ends.keys()
                if (at := await self.consumer.position(place)) < self._ends[place]
            }
        except KafkaError as error:  # of a broker that is away there is nothing to read
            log.debug("the ends of partitions cannot be asked for: %r", error)
            unread = {}
        if not unread or unread != self._unread:
            self._starving_since = self._clock() if unread else None
        self._unread = unread

    @property
    def starving_seconds(self) -> float:
        """How long there has been something to read and nothing was; 0 when all is read."""
        since = self._starving_since
        return 0.0 if since is None else self._clock() - since

    async def close(self) -> None:
        """Leave the group and say goodbye, each client whatever became of the other."""
        for client in (self.consumer, self.publisher):
            try:
                async with asyncio.timeout(_GOODBYE_SECONDS):
                    await client.stop()
            except (TimeoutError, KafkaError) as error:
                log.warning("left without saying goodbye to Kafka: %r", error)

    async def _committed(
        self, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, str]]:
        return await self._clients.committed(self._settings, partitions)
