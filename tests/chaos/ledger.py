"""The books: every input offset ends in exactly one verdict id or dead letter."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from confluent_kafka.admin import AdminClient

from moderator.stream.reader import Reader
from tests.stream.harness import Stream


class _Seen(msgspec.Struct):
    """What is read of a verdict: a million of them in full would take minutes."""

    id: str
    action: str
    amends: str | None = None


@dataclass
class Ledger:
    """What is in the topics after a run. Times are the broker's, in seconds since the epoch."""

    posts: Counter[bytes] = field(default_factory=Counter)  # how often a key was sent
    sent: dict[bytes, float] = field(default_factory=dict)
    answered: dict[bytes, float] = field(default_factory=dict)  # for the first time
    verdicts: Counter[bytes] = field(default_factory=Counter)
    amended: Counter[bytes] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    ids: dict[bytes, set[str]] = field(default_factory=lambda: defaultdict(set))
    letters: Counter[bytes] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> set[bytes]:
        """Posts without a verdict or a dead letter."""
        return self.posts.keys() - self.answered.keys()

    @property
    def duplicated(self) -> int:
        """Verdicts beyond one for each message that was sent; amendments are none."""
        extra = self.verdicts - self.posts
        return sum(extra.values())

    @property
    def torn(self) -> int:
        """Posts with different verdict ids, which a redelivery must not give."""
        return sum(len(ids) > 1 for ids in self.ids.values())

    def recovery_seconds(self, since: float) -> float:
        """From `since` until everything sent before it was answered."""
        waited = [
            self.answered[key]
            for key, sent in self.sent.items()
            if sent <= since and key in self.answered
        ]
        return max(max(waited, default=since) - since, 0.0)


async def read_ledger(stream: Stream, *, seconds: float) -> Ledger:
    """Read the topics until every post is answered, or `seconds` have passed without news."""
    ledger = Ledger()
    await _read_posts(stream, ledger)
    await _read_answers(stream, ledger, seconds)
    return ledger


async def _read_posts(stream: Stream, ledger: Ledger) -> None:
    async with _consumer(stream) as consumer:
        partitions = await _assign(stream, consumer, stream.topics["posts"])
        ends = await consumer.end_offsets(partitions)
        reader = Reader(consumer, poll_ms=200)  # ours, because some posts cannot be decoded
        reader.start_at(dict.fromkeys(partitions, 0))
        while any([await consumer.position(place) < ends[place] for place in partitions]):
            for records in (await reader.read(100_000)).values():
                for record in records:
                    ledger.posts[record.key] += 1
                    ledger.sent.setdefault(record.key, record.timestamp / 1000)


async def _read_answers(stream: Stream, ledger: Ledger, seconds: float) -> None:
    decode = msgspec.json.Decoder(_Seen).decode
    verdicts, letters = stream.topics["verdicts"], stream.topics["dead-letters"]
    async with _consumer(stream) as consumer:
        await _assign(stream, consumer, verdicts, letters)
        quiet_since = time.monotonic()
        while time.monotonic() - quiet_since < (seconds if ledger.lost else 1.0):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                quiet_since = time.monotonic()
                for record in records:
                    if record.topic == verdicts:
                        _enter_verdict(ledger, record, decode(record.value))
                    else:
                        ledger.letters[record.key] += 1
                        ledger.codes[dict(record.headers)["moderator-code"].decode()] += 1
                    ledger.answered.setdefault(record.key, record.timestamp / 1000)


def _enter_verdict(ledger: Ledger, record: Any, seen: _Seen) -> None:
    ledger.actions[seen.action] += 1
    if seen.amends:
        ledger.amended[record.key] += 1
        return
    ledger.verdicts[record.key] += 1
    ledger.ids[record.key].add(seen.id)


async def _assign(stream: Stream, consumer: Any, *topics: str) -> list[TopicPartition]:
    admin = AdminClient({"bootstrap.servers": stream.cluster.bootstrap})
    known = (await asyncio.to_thread(admin.list_topics, timeout=30)).topics
    places = [
        TopicPartition(topic, number) for topic in topics for number in known[topic].partitions
    ]
    consumer.assign(places)
    return places


def _consumer(stream: Stream) -> Any:
    return AIOKafkaConsumer(
        bootstrap_servers=stream.cluster.bootstrap,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=2**22,
    )
