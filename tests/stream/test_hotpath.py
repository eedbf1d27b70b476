"""From Kafka to Kafka, with stand-ins for the two clients and everything between them real."""

import asyncio
from concurrent.futures import Future

import pytest
from aiokafka.errors import (
    MessageSizeTooLargeError,
)

from moderator.errors import TransientError
from moderator.media.load import MediaLoader
from moderator.posts import Post
from moderator.reading import LoadedPost
from tests.stream.fakes import PATIENCE, TransactionalProducer, partition, turns, until
from tests.stream.rig import HeldFetcher, a_record, posts, running, with_url


async def test_posts_overtake_one_that_waits_for_its_media_and_commits_wait_for_it() -> None:
    async with running() as rig:
        rig.feed(*posts(0), with_url(1), *posts(2, 3), *posts(70, place=1))
        await until(lambda: len(rig.producer.sent) == 4)
        assert rig.offsets() == [0, 2, 3, 70]
        await until(lambda: rig.in_flight == 1)
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
        await until(lambda: rig.in_flight == 1)
        rig.screener.may_screen.clear()
        rig.feed(*posts(*range(20)), *posts(51, 52, 53, place=1))
        await until(lambda: not rig.consumer.waiting)
        await turns()
        assert 1 < rig.in_flight < 20  # it waits
        both = [partition(0), partition(1)]
        await rig.commits.on_partitions_revoked(both)
        await rig.commits.on_partitions_assigned(both)

        rig.screener.may_screen.set()
        await until(lambda: rig.in_flight == 1)
        await rig.commits.commit()
        assert rig.consumer.committed == {}

        rig.feed(*posts(50, place=1))
        await until(lambda: rig.in_flight == 1 and not rig.consumer.waiting)
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
        await until(lambda: rig.in_flight == 5)
        await rig.commits.on_partitions_revoked([partition(1)])
        rig.screener.may_screen.set()
        await until(lambda: rig.idle)
        await rig.commits.commit()
        assert rig.offsets() == [5, 6]
        assert rig.consumer.committed == {0: 7}
        assert rig.path.in_flight_bytes == 0


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
        await until(lambda: rig.in_flight == 2)
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


async def test_long_texts_fill_a_batch_as_many_posts_do() -> None:
    async with running(batch_posts=8, batch_characters=100, batch_wait_ms=50) as rig:
        rig.screener.may_screen.clear()
        rig.feed(a_record(0))  # keeps the caller busy, so that the others gather
        await until(lambda: rig.screener.batches == [1])
        texts = ["long " * 30, "short", "short", "long " * 12, "long " * 12]
        rig.feed(*(a_record(place, text=text) for place, text in enumerate(texts, 1)))
        await until(lambda: rig.path.waiting_posts["batch"] == len(texts))
        rig.screener.may_screen.set()
        await until(lambda: rig.idle)
        assert rig.screener.batches[1:] == [1, 3, 1]
