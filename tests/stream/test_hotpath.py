"""From Kafka to Kafka, with stand-ins for the two clients and everything between them real."""

import asyncio
import base64
import json
import logging
import threading
from collections.abc import AsyncIterator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    MessageSizeTooLargeError,
    NotLeaderForPartitionError,
)

from moderator.embedder import Embedder
from moderator.encoders.fake import fake_space
from moderator.errors import ModeratorError, TransientError
from moderator.media.fetch import Fetcher
from moderator.media.load import LoadLimits, MediaLoader
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.settings import Settings, load_settings
from moderator.stream.answerer import Answerer
from moderator.stream.clients import Clients
from moderator.stream.commits import Commits
from moderator.stream.hotpath import HotPath
from moderator.verdicts import Verdict, decode_verdict
from tests.builders import LIMITS, compiled, picture
from tests.stream.fakes import (
    PATIENCE,
    Record,
    RecordingConsumer,
    RecordingProducer,
    TransactionalProducer,
    partition,
    turns,
    until,
)

QUICK = {"callers": 1, "batch_posts": 1, "commit_interval_seconds": 3600.0}


class HeldFetcher(Fetcher):
    """A media host that answers when it is let."""

    def __init__(self) -> None:
        self.content = picture("green")
        self.failure: ModeratorError | None = None
        self.may_answer = threading.Event()

    def fetch(self, url: str) -> bytes:
        self.may_answer.wait(PATIENCE)
        if self.failure:
            raise self.failure
        return self.content


class HeldScreener(Screener):
    """A screener that may be made to wait."""

    def __init__(self) -> None:
        space = fake_space()
        channels = dict.fromkeys(space.channels, space)
        super().__init__(compiled(space=space), Embedder(channels, LIMITS))
        self.may_screen = threading.Event()
        self.may_screen.set()

    def screen(self, posts: Sequence[LoadedPost]) -> list[Verdict]:
        self.may_screen.wait(PATIENCE)
        return super().screen(posts)


class Clock:
    """Stands still."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def no_topics(_: Settings) -> None:
    """There is no broker to create them."""


class Rig:
    """A hot path that runs, and everything around it that a test may want to hold."""

    def __init__(
        self,
        settings: Settings,
        loader: type[MediaLoader],
        producer: type[RecordingProducer] = RecordingProducer,
    ) -> None:
        self.consumer = RecordingConsumer(0, 1)
        self.producer = producer()
        self.screener = HeldScreener()
        self.fetcher = HeldFetcher()
        self.clock = Clock()
        self.history: dict[TopicPartition, tuple[int, str]] = {}  # what the group has committed
        self.metrics = Metrics()
        self.answerer = Answerer(settings, self.screener, self.metrics)
        limits = LoadLimits(max_media=20, max_bytes=10**6, max_seconds=60)
        self.loader = loader(self.fetcher, limits, fetchers=4)
        self.path = HotPath(
            settings,
            self.answerer,
            self.loader,
            self.metrics,
            clients=Clients(
                no_topics, lambda *_, **__: self.consumer, lambda _: self.producer, self.committed
            ),
            clock=self.clock,
        )
        self.task = asyncio.create_task(self.path.run())

    async def committed(
        self, _: Settings, partitions: Iterable[TopicPartition]
    ) -> dict[TopicPartition, tuple[int, str]]:
        return {place: self.history[place] for place in partitions if place in self.history}

    @property
    def commits(self) -> Commits:
        assert self.path._connection is not None
        return self.path._connection.commits

    @property
    def idle(self) -> bool:
        """Nothing is in flight and nothing waits to be read."""
        return not self.consumer.waiting and self.path._posts == 0

    def feed(self, *records: Record | Exception) -> None:
        self.consumer.waiting += records

    def offsets(self) -> list[int]:
        """Of the posts that have a verdict, as `posts` numbers them."""
        return [int(decode_verdict(sent.value).post_id) for sent in self.producer.sent]

    async def ended(self) -> None:
        """Returns or raises as `run` does."""
        await asyncio.wait_for(self.task, PATIENCE)

    async def stopped(self) -> None:
        self.path.stop()
        await self.ended()

    async def close(self) -> None:
        self.screener.may_screen.set()
        self.fetcher.may_answer.set()
        self.producer.release()
        self.path.stop()
        await asyncio.wait([self.task], timeout=PATIENCE)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.answerer.close()
        self.loader.close()


@asynccontextmanager
async def running(
    *,
    loader: type[MediaLoader] = MediaLoader,
    producer: type[RecordingProducer] = RecordingProducer,
    **settings: object,
) -> AsyncIterator[Rig]:
    rig = Rig(load_settings({**QUICK, **settings}), loader, producer)
    try:
        await until(lambda: rig.path.ready)
        yield rig
    finally:
        await rig.close()


def a_record(offset: int, place: int = 0, **fields: object) -> Record:
    return Record(place, offset, json.dumps({"id": str(offset), **fields}).encode())


def posts(*offsets: int, place: int = 0) -> list[Record]:
    return [a_record(offset, place, text="tomatoes") for offset in offsets]


def with_url(offset: int, place: int = 0) -> Record:
    return a_record(offset, place, media=[{"url": "http://pictures.example/1.png"}])


# --- What may be in flight


async def test_no_more_posts_are_read_than_may_be_in_flight() -> None:
    async with running(max_in_flight_posts=4) as rig:
        rig.producer.holding = True
        rig.feed(*posts(*range(10)))
        await until(lambda: len(rig.producer.open) == 4)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (6, False)

        rig.producer.open[2].set_result(None)
        await until(lambda: len(rig.producer.sent) == 5)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (5, False)

        rig.producer.release()
        await until(lambda: len(rig.producer.sent) == 10)


async def test_reading_stops_at_the_bytes_that_may_be_in_flight() -> None:
    async with running(max_in_flight_bytes=1000) as rig:
        rig.producer.holding = True
        rig.consumer.most_records = 1
        rig.feed(*(a_record(offset, text="x" * 375) for offset in range(10)))  # 400 bytes each
        await until(lambda: len(rig.producer.open) == 3 and not rig.consumer.reading)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (7, False)

        rig.producer.open[0].set_result(None)
        await until(lambda: len(rig.producer.sent) == 4)
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (6, False)

        rig.producer.release()
        await until(lambda: len(rig.producer.sent) == 10)


async def test_fetched_bytes_are_in_flight_too_until_their_post_is_answered() -> None:
    async with running(max_in_flight_bytes=1000) as rig:
        rig.producer.holding = True
        rig.fetcher.content += bytes(2000)
        rig.fetcher.may_answer.set()
        rig.feed(with_url(0))
        await until(lambda: len(rig.producer.open) == 1 and not rig.consumer.reading)
        rig.feed(*posts(1, 2, 3))
        await turns()
        assert (len(rig.consumer.waiting), rig.consumer.reading) == (3, False)

        rig.producer.release()
        await until(lambda: rig.idle)
        assert rig.offsets() == [0, 1, 2, 3]
        assert rig.path._bytes == 0


async def test_what_is_in_flight_is_the_message_and_what_was_decoded_or_fetched_for_it() -> None:
    content = picture("green")
    inline = a_record(0, media=[{"data": base64.b64encode(content).decode()}])
    async with running() as rig:
        rig.producer.holding = True
        rig.fetcher.may_answer.set()
        elsewhere = with_url(1)
        rig.feed(inline, elsewhere)
        await until(lambda: len(rig.producer.open) == 2)
        values = sum(len(record.value or b"") for record in (inline, elsewhere))
        assert rig.path.in_flight_bytes == values + 2 * len(content)
        rig.producer.release()
        await until(lambda: rig.idle)
        assert rig.path.in_flight_bytes == 0


async def test_posts_in_flight_without_an_answer_are_a_stall_and_none_is_not() -> None:
    async with running() as rig:
        rig.clock.now += 500
        assert rig.path.stalled_seconds == 0
        rig.producer.holding = True
        rig.feed(*posts(0, 1))
        await until(lambda: len(rig.producer.open) == 2)
        assert rig.path.stalled_seconds == 0  # idle before, so counted from the first post on
        rig.clock.now += 50
        assert rig.path.stalled_seconds == 50
        rig.producer.open[0].set_result(None)
        await until(lambda: rig.path.stalled_seconds == 0)
        assert rig.path._posts == 1


# --- Order and rebalancing


async def test_posts_overtake_one_that_waits_for_its_media_and_commits_wait_for_it() -> None:
    async with running() as rig:
        rig.feed(*posts(0), with_url(1), *posts(2, 3), *posts(70, place=1))
        await until(lambda: len(rig.producer.sent) == 4)
        assert rig.offsets() == [0, 2, 3, 70]
        await until(lambda: rig.path._posts == 1)
        await rig.commits.commit()
        assert rig.consumer.committed == {0: 1, 1: 71}

        rig.fetcher.may_answer.set()
        await until(lambda: rig.idle)
        await rig.commits.commit()
        assert rig.consumer.committed == {0: 4, 1: 71}


async def test_what_was_fetched_before_a_rebalance_does_not_move_the_partition_after_it() -> None:
    # The reader waits for room in the queue within a fetch; meanwhile partition 1 leaves with
    # offset 50 unanswered, comes back and is read from there again.
    async with running(session_timeout_seconds=0.02, max_in_flight_posts=1000) as rig:
        rig.feed(with_url(50, place=1))
        await until(lambda: rig.path._posts == 1)
        rig.screener.may_screen.clear()
        rig.feed(*posts(*range(20)), *posts(51, 52, 53, place=1))
        await until(lambda: not rig.consumer.waiting)
        await turns()
        assert 1 < rig.path._posts < 20  # it waits
        both = [partition(0), partition(1)]
        await rig.commits.on_partitions_revoked(both)
        await rig.commits.on_partitions_assigned(both)

        rig.screener.may_screen.set()
        await until(lambda: rig.path._posts == 1)
        await rig.commits.commit()
        assert rig.consumer.committed == {}

        rig.feed(*posts(50, place=1))
        await until(lambda: rig.path._posts == 1 and not rig.consumer.waiting)
        await rig.commits.commit()
        assert rig.consumer.committed == {1: 51}


async def test_records_of_a_partition_that_left_during_the_fetch_are_not_answered() -> None:
    async with running() as rig:
        await rig.commits.on_partitions_revoked([partition(1)])
        assert not rig.path.ready
        rig.feed(*posts(70, place=1), *posts(5))
        await until(lambda: rig.offsets() == [5])
        await rig.stopped()
    assert rig.offsets() == [5]
    assert rig.consumer.committed == {0: 6}


async def test_posts_that_wait_while_their_partition_leaves_are_let_go_for_its_next_owner() -> None:
    async with running(session_timeout_seconds=0.02) as rig:
        rig.screener.may_screen.clear()
        rig.feed(*posts(5, 6), *posts(70, 71, 72, place=1))
        await until(lambda: rig.path._posts == 5)
        await rig.commits.on_partitions_revoked([partition(1)])
        rig.screener.may_screen.set()
        await until(lambda: rig.idle)
        await rig.commits.commit()
        assert rig.offsets() == [5, 6]
        assert rig.consumer.committed == {0: 7}
        assert rig.path._bytes == 0


class Away(MediaLoader):
    """A media host that turns out to be away when it is let."""

    def submit(self, post: Post, received: float) -> Future[LoadedPost]:
        def load() -> LoadedPost:
            assert isinstance(self._fetcher, HeldFetcher)
            self._fetcher.may_answer.wait(PATIENCE)
            return LoadedPost(post, (TransientError("the host is away"),), received)

        return self._pool.submit(load)


async def test_a_post_whose_partition_left_is_neither_answered_nor_put_off() -> None:
    async with running(loader=Away, session_timeout_seconds=0.02) as rig:
        rig.screener.may_screen.clear()
        rig.feed(*posts(70, place=1), with_url(71, place=1))
        await until(lambda: rig.path.waiting_posts["fetch"] == 1)
        await until(lambda: rig.path.waiting_posts["batch"] == 0)
        await rig.commits.on_partitions_revoked([partition(1)])
        rig.screener.may_screen.set()
        rig.fetcher.may_answer.set()
        await until(lambda: rig.idle)
        assert rig.producer.sent == []
        assert rig.path.in_flight_bytes == 0


# --- What Kafka does to it


async def test_a_read_error_that_passes_is_borne_and_makes_it_not_ready_meanwhile() -> None:
    async with running() as rig:
        rig.feed(NotLeaderForPartitionError())
        await until(lambda: not rig.path.ready)
        rig.feed(*posts(0))
        await until(lambda: rig.path.ready)
        await until(lambda: rig.offsets() == [0])
        assert not rig.task.done()


async def test_a_read_error_that_cannot_pass_ends_it() -> None:
    async with running() as rig:
        rig.feed(*posts(0), GroupAuthorizationFailedError("moderator"))
        with pytest.raises(GroupAuthorizationFailedError):
            await rig.ended()
        assert rig.consumer.stopped == rig.producer.stopped == 1


async def test_a_read_error_that_does_not_pass_ends_it_but_not_before_its_time() -> None:
    async with running() as rig:
        rig.feed(KafkaConnectionError("first"))
        await until(lambda: not rig.path.ready)
        rig.clock.now += 29
        rig.feed(KafkaConnectionError("second"), KafkaConnectionError("third"))
        await until(lambda: len(rig.consumer.waiting) == 1)
        rig.clock.now += 2
        with pytest.raises(KafkaConnectionError, match="third"):
            await rig.ended()


async def test_read_errors_with_a_success_between_them_are_counted_from_the_last_one() -> None:
    async with running() as rig:
        rig.feed(KafkaConnectionError("first"))
        await until(lambda: not rig.path.ready)
        await until(lambda: rig.path.ready)
        rig.clock.now += 100
        rig.feed(KafkaConnectionError("second"), *posts(0))
        await until(lambda: rig.offsets() == [0])
        assert rig.path.ready


async def test_a_broker_that_is_away_at_first_is_waited_for_and_nothing_is_left_open(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig(load_settings(QUICK), MediaLoader)
    rig.producer.unreachable = KafkaConnectionError("away")
    with caplog.at_level(logging.WARNING):
        await until(lambda: "Kafka cannot be reached" in caplog.text)
    assert not rig.path.ready
    assert rig.consumer.stopped == 1
    rig.producer.unreachable = None
    await until(lambda: rig.path.ready)
    await rig.close()


async def test_a_verdict_and_then_its_dead_letter_too_large_for_the_broker_give_way() -> None:
    async with running() as rig:
        rig.producer.holding = True
        rig.feed(*posts(0))
        for _ in range(2):
            await until(lambda: len(rig.producer.open) == 1)
            await rig.commits.commit()
            assert rig.consumer.committed == {}
            rig.producer.open[0].set_exception(MessageSizeTooLargeError())
        await until(lambda: len(rig.producer.open) == 1)
        rig.producer.release()
        await until(lambda: rig.idle)
        await rig.stopped()
    verdict, letter, last = rig.producer.sent
    assert [verdict.topic, letter.topic, last.topic] == ["verdicts", "dead-letters", "dead-letters"]
    assert (letter.key, letter.value) == (b"key", posts(0)[0].value)
    assert (last.key, last.value) == (None, b"")
    assert rig.consumer.committed == {0: 1}


# --- Bugs


async def test_a_bug_in_what_runs_beside_the_reading_ends_it_and_commits_nothing_of_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as rig:
        rig.feed(*posts(0))
        await until(lambda: rig.offsets() == [0] and rig.idle)
        rig.producer.failure = ZeroDivisionError("a bug")
        rig.feed(*posts(1))
        with pytest.raises(ZeroDivisionError, match="a bug"):
            await rig.ended()
        assert not rig.path.ready
    assert rig.consumer.committed == {0: 1}
    assert "the worker stops because of a bug" in caplog.text
    assert rig.consumer.stopped == rig.producer.stopped == 1


class Cancelling(MediaLoader):
    """A loader whose pool is shut down under the posts that wait for it."""

    def submit(self, post: Post, received: float) -> Future[LoadedPost]:
        future: Future[LoadedPost] = Future()
        future.cancel()
        return future


async def test_a_post_that_somebody_cancels_ends_it_with_an_error() -> None:
    async with running(loader=Cancelling) as rig:
        rig.feed(with_url(0))
        # A CancelledError would pass for the end of a task that was told to end.
        with pytest.raises(RuntimeError, match=r"somebody cancelled .*_fetch"):
            await rig.ended()
    assert rig.consumer.committed == {}


# --- The end


async def test_stopping_answers_what_was_read_commits_it_and_reads_no_more() -> None:
    async with running(max_in_flight_posts=3) as rig:
        rig.screener.may_screen.clear()
        rig.feed(*posts(*range(10)))
        await until(lambda: len(rig.consumer.waiting) == 7)
        rig.path.stop()
        await turns()
        assert not rig.task.done()
        assert not rig.path.ready
        rig.screener.may_screen.set()
        await rig.ended()
    assert rig.offsets() == [0, 1, 2]
    assert rig.consumer.commits == [{0: 3}]
    assert len(rig.consumer.waiting) == 7
    assert rig.consumer.stopped == rig.producer.stopped == 1


async def test_what_is_not_answered_in_the_drain_time_is_not_committed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(drain_seconds=0.02) as rig:
        rig.producer.holding = True
        rig.feed(*posts(0, 1, 2, 3))
        await until(lambda: len(rig.producer.open) == 4)
        first, _, third, _ = rig.producer.open
        first.set_result(None)
        third.set_result(None)
        await until(lambda: rig.path._posts == 2)
        await rig.stopped()
    assert rig.consumer.commits == [{0: 1}]
    assert "2 posts were not answered in 0.02 s" in caplog.text


async def test_the_transaction_under_way_at_the_end_is_committed_and_not_taken_back() -> None:
    async with running(
        producer=TransactionalProducer, delivery="exactly_once", drain_seconds=0.02
    ) as rig:
        producer = rig.producer
        assert isinstance(producer, TransactionalProducer)
        producer.may_commit.clear()
        rig.feed(*posts(0, 1))
        await until(lambda: producer.committing)
        rig.path.stop()
        await asyncio.sleep(0.05)  # longer than the drain may take
        producer.may_commit.set()
        await rig.ended()
    assert producer.committed[0] == {0: 1}
    assert all(offset >= 1 for _, offset, left in rig.consumer.notes if not left)


async def test_offsets_are_committed_while_it_runs() -> None:
    async with running(commit_interval_seconds=0.005) as rig:
        rig.feed(*posts(0, 1))
        await until(lambda: rig.consumer.committed == {0: 2})
        assert not rig.task.done()


async def test_lag_is_what_is_not_answered_also_before_the_first_answer() -> None:
    async with running() as rig:
        rig.consumer.ends = {0: 12, 1: 4}
        assert rig.path.lag_posts == {("posts", 0): 0, ("posts", 1): 0}  # not known yet
        rig.screener.may_screen.clear()
        rig.feed(*posts(5, 6))
        await until(lambda: rig.path._posts == 2)
        assert rig.path.lag_posts["posts", 0] == 7
        rig.screener.may_screen.set()
        await until(lambda: rig.idle)
        assert rig.path.lag_posts["posts", 0] == 5


async def test_only_what_was_answered_here_is_timed_as_answered() -> None:
    def counted(rig: Rig, name: str, **labels: str) -> float:
        return rig.metrics.registry.get_sample_value(f"moderator_{name}", labels) or 0.0

    async with running(media_retries=1) as rig:
        rig.fetcher.failure = TransientError("the host is away")
        rig.fetcher.may_answer.set()
        rig.feed(with_url(0), *posts(1, 2))
        await until(lambda: rig.idle)
        assert counted(rig, "end_to_end_seconds_count", since="message") == 2
        assert counted(rig, "posts_put_off_total", reason="unavailable") == 1
        assert counted(rig, "stage_seconds_count", stage="fetch") == 1
        assert counted(rig, "stage_seconds_count", stage="publish") >= 1
        assert rig.path.waiting_posts == {"fetch": 0, "batch": 0, "publish": 0}


async def test_the_age_of_commits_is_that_of_work_and_not_of_the_pause_before_it() -> None:
    async with running(commit_interval_seconds=0.05) as rig:
        assert rig.path.commit_age_seconds == 0
        await asyncio.sleep(0.3)
        rig.screener.may_screen.clear()
        rig.feed(*posts(0))
        await until(lambda: rig.path._posts == 1)
        assert 0 < rig.path.commit_age_seconds < 0.3
        rig.screener.may_screen.set()
        await until(lambda: rig.consumer.committed == {0: 1})
        assert rig.path.commit_age_seconds == 0
