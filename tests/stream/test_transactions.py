"""Exactly once, as a consumer sees it that reads committed messages only."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence

import pytest
from aiokafka.errors import NotLeaderForPartitionError

from moderator.metrics import Metrics
from moderator.settings import load_settings
from moderator.stream.answerer import Job
from moderator.stream.commits import Commits
from moderator.stream.offsets import PartitionProgress
from moderator.stream.publisher import Message, Publisher
from moderator.stream.suspects import Suspects, parse
from moderator.stream.transactions import Transactions
from tests.stream.fakes import (
    Record,
    RecordingConsumer,
    TransactionalProducer,
    nothing_committed,
    partition,
    turns,
    until,
)
from tests.stream.harness import Stream, eventually, posts

SETTINGS = load_settings({"delivery": "exactly_once"})


class Rig:
    """Transactions of partition 0, of which offsets 5 to 30 have been read."""

    def __init__(self) -> None:
        self.consumer, self.producer = RecordingConsumer(), TransactionalProducer()
        self.done: list[Job] = []
        suspects = Suspects(nothing_committed, slack=10)
        self.commits = Commits(
            self.consumer, suspects, handover_seconds=0.01, patience_seconds=0.05
        )
        self.publisher = Publisher(SETTINGS, Metrics(), producer=lambda _: self.producer)
        self.transactions = Transactions(SETTINGS, self.publisher, self.commits, nothing_committed)

    async def start(self) -> asyncio.Task[None]:
        await self.publisher.start()
        await self.commits.on_partitions_assigned([partition(0)])
        for offset in range(5, 31):
            self.progress.start(offset)
        return asyncio.create_task(self.transactions.run(shortened, self.published))

    def published(self, jobs: Sequence[Job]) -> None:
        self.done += jobs
        self.commits.finish((job.progress, job.offset) for job in jobs)

    @property
    def progress(self) -> PartitionProgress:
        progress = self.commits.progress(partition(0))
        assert progress is not None
        return progress

    async def answer(self, offset: int) -> None:
        """Answer it, and return in the middle of the transaction's end."""
        self.producer.may_commit.clear()
        self.put({offset: b"{}"})
        await until(lambda: self.producer.committing)

    def put(self, values: Mapping[int, bytes]) -> None:
        """Have these answers ready, by offset."""
        jobs = [Job(Record(0, at, b"{}"), self.progress, offset=at) for at in values]
        answers = [
            Message("verdicts", b"key", value, [], job.record)
            for job, value in zip(jobs, values.values(), strict=True)
        ]
        self.transactions.put(jobs, answers)


def shortened(message: Message) -> Message:
    """What stands in for a message that is too large."""
    return message._replace(value=b"-")


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    made = Rig()
    running = await made.start()
    yield made
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_note_waits_for_the_transaction_under_way_and_does_not_take_it_back(
    rig: Rig,
) -> None:
    await rig.answer(5)
    rig.progress.start(100)  # beyond what the transaction announces
    announced = asyncio.create_task(rig.commits.announce())
    await turns()
    assert rig.consumer.notes == []
    rig.producer.may_commit.set()
    await announced
    assert rig.producer.committed == [{0: 6}]
    ((_, offset, left),) = rig.consumer.notes
    assert (offset, parse(left).reach) == (6, 111)


async def test_a_partition_that_leaves_during_a_transaction_says_goodbye_after_it(
    rig: Rig,
) -> None:
    await rig.answer(5)
    revoked = asyncio.create_task(rig.commits.on_partitions_revoked([partition(0)]))
    await asyncio.sleep(0.02)  # longer than the handover may take
    assert rig.consumer.notes == []
    rig.producer.may_commit.set()
    await revoked
    assert rig.consumer.notes == [(0, 6, "")]


async def test_a_transaction_that_does_not_end_is_not_waited_for_and_nothing_sent_beside_it(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    await rig.answer(5)
    await rig.commits.say_goodbye()
    assert rig.consumer.notes == []
    assert "a transaction does not end" in caplog.text


async def test_of_a_batch_refused_for_its_size_only_what_does_not_fit_alone_gives_way(
    rig: Rig,
) -> None:
    rig.producer.most_batch_bytes = 10
    rig.put({5: b"fits", 6: b"fits alone", 7: b"does not fit", 8: b"fits too", 9: b"nor does this"})
    await until(lambda: len(rig.done) == 5)
    assert rig.producer.values == [[b"fits", b"fits alone", b"-", b"fits too", b"-"]]
    assert rig.producer.committed == [{0: 10}]


async def test_a_message_refused_by_itself_gives_way_at_once(rig: Rig) -> None:
    rig.producer.most_batch_bytes = 10
    rig.put({5: b"does not fit"})
    await until(lambda: len(rig.done) == 1)
    assert rig.producer.values == [[b"-"]]
    assert rig.producer.transactions == 2


async def test_a_transaction_is_not_tried_again_for_a_partition_that_has_left(rig: Rig) -> None:
    rig.producer.failure = NotLeaderForPartitionError()
    rig.put({5: b"another worker answers it"})
    await until(lambda: rig.producer.transactions == 1)
    await rig.commits.on_partitions_revoked([partition(0)])
    rig.producer.failure = None
    await until(lambda: len(rig.done) == 1)
    assert rig.done[0].let_go
    assert rig.producer.committed == []
    assert rig.producer.transactions == 1


async def test_a_partition_that_leaves_during_its_transaction_has_it_ended_uncommitted(
    rig: Rig,
) -> None:
    rig.producer.holding = True
    rig.put({5: b"another worker answers it"})
    await until(lambda: bool(rig.producer.open))
    await rig.commits.on_partitions_revoked([partition(0)])
    rig.producer.release()
    await until(lambda: len(rig.done) == 1)
    assert rig.done[0].let_go
    assert rig.producer.committed == []


@pytest.mark.real_kafka
async def test_a_worker_that_is_killed_and_restarted_gives_every_post_one_verdict(
    stream: Stream,
) -> None:
    await stream.send(posts(2_000))
    worker = stream.worker(delivery="exactly_once")
    with worker.start():
        await eventually(lambda: worker.metric("moderator_verdicts_total") > 500)
        worker.kill()
        await asyncio.to_thread(worker.start)
        answers = await stream.answers(2_000)

    assert len(answers.verdicts) == 2_000
    assert answers.duplicates == 0


@pytest.mark.real_kafka
async def test_dead_letters_and_verdicts_too_large_are_in_the_transaction_too(
    bare_stream: Stream,
) -> None:
    cluster, topics = bare_stream.cluster, bare_stream.topics
    for part, topic in topics.items():
        config = {"max.message.bytes": "40000"} if part == "verdicts" else None
        cluster.create_topic(topic, 4, config)
    large = ("large", b'{"id": "large", "meta": {"note": "%s"}}' % (b"n" * 60_000))
    await bare_stream.send([large, ("bad", b"{"), *posts(20)])
    with bare_stream.worker(delivery="exactly_once").start() as worker:
        answers = await bare_stream.answers(22)
        worker.stop()

    assert len(answers.verdicts) == 20
    assert answers.codes() == {"verdict_too_large": 1, "not_json": 1}
    assert await bare_stream.committed() == 22
