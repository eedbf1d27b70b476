"""Stand-ins for aiokafka's clients, which keep what they are told and do as a test decides."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.structs import OffsetAndMetadata

PATIENCE = 5.0  # seconds a test may take when it fails
_POLL_SECONDS = 0.002


@dataclass
class Record:
    """What the hot path reads of a ConsumerRecord."""

    partition: int
    offset: int
    value: bytes | None
    key: bytes | None = b"key"
    headers: tuple[tuple[str, bytes], ...] = ()
    topic: str = "posts"
    timestamp: int = 1_000  # milliseconds


def partition(number: int) -> TopicPartition:
    return TopicPartition("posts", number)


class RecordingConsumer:
    """Hands out what is in `waiting`, in order; an exception in it is raised."""

    def __init__(self, *partitions: int) -> None:
        self.waiting: deque[Record | Exception] = deque()
        self.most_records = 1_000_000  # in a fetch
        self.commits: list[dict[int, int]] = []  # of offsets that moved
        self.notes: list[tuple[int, int, str]] = []  # partition, offset, metadata of each commit
        self._firsts: dict[int, int] = {}  # handed out, by partition
        self.failures: deque[Exception] = deque()  # of the next commits
        self.reading = False
        self.stopped = 0
        self.ends: dict[int, int] = {}  # by partition, as the last fetch told
        self.grown: dict[int, int] = {}  # and since then
        self.positions: dict[int, int] = {}
        self.listener: Any = None
        self._partitions = [partition(number) for number in partitions]

    def subscribe(self, _topics: list[str], *, listener: Any) -> None:
        self.listener = listener

    async def start(self) -> None:
        await self.listener.on_partitions_assigned(self._partitions)

    async def stop(self) -> None:
        self.stopped += 1

    async def getmany(
        self, *, timeout_ms: int, max_records: int
    ) -> dict[TopicPartition, list[Record]]:
        assert timeout_ms > 0
        assert max_records > 0
        self.reading = True
        await asyncio.sleep(0 if self.waiting else _POLL_SECONDS)
        self.reading = False
        fetched: dict[TopicPartition, list[Record]] = {}
        for _ in range(min(max_records, self.most_records, len(self.waiting))):
            record = self.waiting.popleft()
            if isinstance(record, Exception):
                raise record
            self._firsts.setdefault(record.partition, record.offset)
            fetched.setdefault(partition(record.partition), []).append(record)
        return fetched

    async def commit(self, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
        if self.failures:
            raise self.failures.popleft()
        for place, wanted in offsets.items():
            self.notes.append((place.partition, wanted.offset, wanted.metadata))
        moved = {
            place.partition: wanted.offset
            for place, wanted in offsets.items()
            if wanted.offset != self._first(place)
        }
        if moved and moved.items() - self.committed.items():  # else it only left a note
            self.commits.append(moved)

    def assignment(self) -> set[TopicPartition]:
        return set(self._partitions)

    def highwater(self, place: TopicPartition) -> int:
        return self.ends.get(place.partition, 0)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return {place: self.grown.get(place.partition, self.highwater(place)) for place in places}

    async def position(self, place: TopicPartition) -> int:
        return self.positions.get(place.partition, 0)

    def paused(self) -> set[TopicPartition]:
        return set()

    def _first(self, place: TopicPartition) -> int | None:
        return self._firsts.get(place.partition)

    @property
    def committed(self) -> dict[int, int]:
        """Where each partition stands."""
        return {place: offset for offsets in self.commits for place, offset in offsets.items()}


class Sent(NamedTuple):
    """A message and what becomes of it."""

    topic: str
    key: bytes | None
    value: bytes
    delivery: asyncio.Future[None]


class RecordingProducer:
    """Acknowledges at once, unless it is told to hold, which leaves that to the test.

    With `most_batch_bytes` what is sent without a pause is a batch, taken or refused whole.
    """

    def __init__(self, *, holding: bool = False) -> None:
        self.sent: list[Sent] = []
        self.holding = holding
        self.failure: Exception | None = None  # raised by `send`
        self.unreachable: Exception | None = None  # raised by `start`
        self.stopped = 0
        self.most_batch_bytes: int | None = None
        self._batch: list[Sent] = []

    async def start(self) -> None:
        await asyncio.sleep(0)
        if self.unreachable:
            raise self.unreachable

    async def stop(self) -> None:
        self.stopped += 1
        await asyncio.sleep(0)

    async def send(
        self, topic: str, value: bytes, *, key: bytes | None, headers: object
    ) -> asyncio.Future[None]:
        if self.failure:
            raise self.failure
        delivery = asyncio.get_running_loop().create_future()
        self.sent.append(Sent(topic, key, value, delivery))
        if self.most_batch_bytes is not None:
            if not self._batch:
                asyncio.get_running_loop().call_soon(self._close_batch)
            self._batch.append(self.sent[-1])
        elif not self.holding:
            delivery.set_result(None)
        return delivery

    def _close_batch(self) -> None:
        batch, self._batch = self._batch, []
        fits = sum(len(sent.value) for sent in batch) <= (self.most_batch_bytes or 0)
        for sent in batch:
            if fits:
                sent.delivery.set_result(None)
            else:
                sent.delivery.set_exception(MessageSizeTooLargeError())

    @property
    def open(self) -> list[asyncio.Future[None]]:
        """The deliveries that are not decided yet."""
        return [sent.delivery for sent in self.sent if not sent.delivery.done()]

    def release(self) -> None:
        """Acknowledge everything, from now on at once."""
        self.holding = False
        for delivery in self.open:
            delivery.set_result(None)


class TransactionalProducer(RecordingProducer):
    """Has what it is given in `committed` once a transaction ends, which a test may hold up."""

    def __init__(self) -> None:
        super().__init__()
        self.may_commit = asyncio.Event()
        self.may_commit.set()
        self.committing = False
        self.committed: list[dict[int, int]] = []
        self.values: list[list[bytes]] = []  # of the messages in each transaction committed
        self.transactions = 0  # begun
        self._offsets: dict[int, int] = {}
        self._first = 0  # message of the transaction

    async def begin_transaction(self) -> None:
        self.transactions += 1
        self._offsets, self._first = {}, len(self.sent)

    async def send_offsets_to_transaction(
        self, offsets: Mapping[TopicPartition, OffsetAndMetadata], _group: str
    ) -> None:
        self._offsets = {place.partition: wanted.offset for place, wanted in offsets.items()}

    async def commit_transaction(self) -> None:
        self.committing = True
        await self.may_commit.wait()
        self.committing = False
        self.committed.append(self._offsets)
        self.values.append([sent.value for sent in self.sent[self._first :]])


async def nothing_committed(*_: object) -> dict[TopicPartition, tuple[int, str]]:
    """What a group has that is new."""
    return {}


async def until(condition: Callable[[], bool]) -> None:
    """Let everybody else run until the condition holds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s"
        await asyncio.sleep(0.001)


async def turns(count: int = 50) -> None:
    """Let everybody else run as far as they can."""
    for _ in range(count):
        await asyncio.sleep(0)
