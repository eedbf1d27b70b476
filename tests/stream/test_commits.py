"""What is committed, when, and what a rebalance does to it; without a broker."""

import asyncio
import logging

import pytest
from aiokafka.errors import CommitFailedError

from moderator.stream.commits import Commits
from moderator.stream.suspects import Suspects
from tests.stream.fakes import (
    PATIENCE,
    RecordingConsumer,
    nothing_committed,
    partition,
    turns,
)

LONG = 3600.0


@pytest.fixture
def consumer() -> RecordingConsumer:
    return RecordingConsumer()


async def assigned(
    consumer: RecordingConsumer, *partitions: int, handover_seconds: float = LONG
) -> Commits:
    suspects = Suspects(nothing_committed, slack=10)
    commits = Commits(consumer, suspects, handover_seconds=handover_seconds)
    await commits.on_partitions_assigned([partition(number) for number in partitions])
    return commits


def read(commits: Commits, number: int, *offsets: int) -> None:
    progress = commits.progress(partition(number))
    assert progress is not None
    for offset in offsets:
        progress.start(offset)


def finish(commits: Commits, number: int, *offsets: int) -> None:
    progress = commits.progress(partition(number))
    assert progress is not None
    commits.finish((progress, offset) for offset in offsets)


async def test_nothing_read_is_nothing_to_commit(consumer: RecordingConsumer) -> None:
    commits = await assigned(consumer, 0)
    await commits.commit()
    read(commits, 0, 5)
    await commits.commit()
    assert consumer.commits == []


async def test_only_what_is_answered_without_a_gap_before_it_is_committed(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0)
    read(commits, 0, 5, 6, 7, 8)
    finish(commits, 0, 5, 7, 8)
    await commits.commit()
    finish(commits, 0, 6)
    await commits.commit()
    assert consumer.commits == [{0: 6}, {0: 9}]


async def test_only_partitions_that_moved_are_committed(consumer: RecordingConsumer) -> None:
    commits = await assigned(consumer, 0, 1)
    read(commits, 0, 5, 6)
    read(commits, 1, 70)
    finish(commits, 0, 5)
    finish(commits, 1, 70)
    await commits.commit()
    await commits.commit()
    finish(commits, 0, 6)
    await commits.commit()
    assert consumer.commits == [{0: 6, 1: 71}, {0: 7}]


async def test_a_commit_that_fails_is_logged_and_tried_again(
    consumer: RecordingConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    commits = await assigned(consumer, 0)
    read(commits, 0, 5)
    finish(commits, 0, 5)
    consumer.failures.append(CommitFailedError("rebalancing"))
    with caplog.at_level(logging.WARNING):
        await commits.commit()
    assert "offsets not committed: CommitFailedError" in caplog.text
    assert consumer.commits == []
    await commits.commit()
    assert consumer.commits == [{0: 6}]


async def test_a_partition_leaves_when_its_posts_are_answered_and_is_committed_then(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0, 1)
    leaving, staying = commits.progress(partition(0)), commits.progress(partition(1))
    assert leaving
    assert staying
    read(commits, 0, 5, 6)
    read(commits, 1, 70)
    revoked = asyncio.create_task(commits.on_partitions_revoked([partition(0)]))
    await turns()
    assert commits.progress(partition(0)) is None  # nothing more is read of it
    assert commits.progress(partition(1)) is staying

    commits.finish([(leaving, 6)])
    await turns()
    assert not revoked.done()
    assert consumer.commits == []

    commits.finish([(leaving, 5)])
    await asyncio.wait_for(revoked, PATIENCE)
    assert consumer.commits == [{0: 7}]


async def test_a_partition_leaves_unanswered_when_the_handover_takes_too_long(
    consumer: RecordingConsumer, caplog: pytest.LogCaptureFixture
) -> None:
    commits = await assigned(consumer, 0, handover_seconds=0.01)
    read(commits, 0, 5, 6, 7, 8)
    finish(commits, 0, 5, 7)
    with caplog.at_level(logging.WARNING):
        await asyncio.wait_for(commits.on_partitions_revoked([partition(0)]), PATIENCE)
    assert consumer.commits == [{0: 6}]
    assert "partitions leave with 2 posts unanswered" in caplog.text


async def test_answers_that_come_after_a_partition_left_are_not_committed(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0, handover_seconds=0.01)
    old = commits.progress(partition(0))
    assert old
    read(commits, 0, 5)
    await commits.on_partitions_revoked([partition(0)])
    await commits.on_partitions_assigned([partition(0)])
    commits.finish([(old, 5)])
    await commits.commit()
    assert consumer.commits == []


async def test_a_partition_that_comes_back_starts_afresh_and_is_committed_again(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0)
    read(commits, 0, 5)
    finish(commits, 0, 5)
    await commits.commit()
    old = commits.progress(partition(0))
    await commits.on_partitions_revoked([partition(0)])
    await commits.on_partitions_assigned([partition(0)])
    assert commits.progress(partition(0)) is not old
    # Somebody has set the group back, so the same offset is news.
    read(commits, 0, 5)
    finish(commits, 0, 5)
    await commits.commit()
    assert [offset for _, offset, _ in consumer.notes] == [6, 6]


async def test_an_assignment_without_a_revocation_before_it_starts_afresh_too(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0)
    read(commits, 0, 5, 6)
    finish(commits, 0, 5)
    await commits.on_partitions_assigned([partition(0)])
    await commits.commit()
    assert consumer.commits == []


async def test_a_partition_that_went_elsewhere_is_no_longer_known(
    consumer: RecordingConsumer,
) -> None:
    commits = await assigned(consumer, 0, 1)
    await commits.on_partitions_revoked([partition(0), partition(1)])
    await commits.on_partitions_assigned([partition(1)])
    assert commits.progress(partition(0)) is None
    assert commits.progress(partition(1)) is not None


async def test_it_is_assigned_from_the_first_assignment_on_except_while_rebalancing(
    consumer: RecordingConsumer,
) -> None:
    commits = Commits(consumer, Suspects(nothing_committed, slack=10), handover_seconds=LONG)
    states = [commits.assigned]
    await commits.on_partitions_assigned([partition(0)])
    states.append(commits.assigned)
    read(commits, 0, 5)
    revoked = asyncio.create_task(commits.on_partitions_revoked([partition(0)]))
    await turns()
    states.append(commits.assigned)
    revoked.cancel()
    await commits.on_partitions_assigned([])  # more workers than partitions
    states.append(commits.assigned)
    assert states == [False, True, False, True]
