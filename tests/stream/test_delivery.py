"""Nothing is lost: every post ends in a verdict or a dead letter, whatever happens to a worker."""

import asyncio
from collections.abc import Callable

import pytest

from tests.stream.harness import Stream, eventually, posts


@pytest.mark.real_kafka
async def test_after_kill_9_in_the_middle_of_10000_posts_a_restart_answers_every_one(
    stream: Stream, record_property: Callable[[str, object], None]
) -> None:
    await stream.send(posts(10_000))
    with stream.worker().start() as first:
        await eventually(lambda: first.metric("moderator_verdicts_total") > 2_000)
        first.kill()
    with stream.worker().start():
        answers = await stream.answers(10_000)

    assert answers.keys == {f"post-{number}".encode() for number in range(10_000)}
    assert not answers.dead_letters
    # What was answered and not yet committed is answered again, with the same ids.
    ids: dict[bytes, str] = {}
    for key, verdict in answers.verdicts:
        assert ids.setdefault(key, verdict.id) == verdict.id
    assert answers.duplicates < 10_000 - 2_000
    record_property("duplicates", answers.duplicates)


@pytest.mark.real_kafka
async def test_sigterm_answers_what_was_read_and_commits_it_so_nothing_is_answered_twice(
    stream: Stream,
) -> None:
    await stream.send(posts(5_000))
    with stream.worker().start() as first:
        await eventually(lambda: first.metric("moderator_verdicts_total") > 1_000)
        first.stop()
    committed = await stream.committed()
    assert 1_000 < committed < 5_000
    with stream.worker().start():
        answers = await stream.answers(5_000)

    assert len(answers.verdicts) == 5_000
    assert answers.duplicates == 0


@pytest.mark.real_kafka
async def test_a_killed_workers_partitions_go_to_the_other_one(stream: Stream) -> None:
    with stream.worker().start() as first, stream.worker().start() as second:
        await stream.send(posts(2_000))
        await eventually(lambda: second.metric("moderator_verdicts_total") > 0)
        first.kill()
        await stream.send(posts(2_000, start=2_000))
        answers = await stream.answers(4_000)

    assert len(answers.keys) == 4_000


@pytest.mark.real_kafka
async def test_kafka_killed_in_the_middle_loses_nothing_and_the_worker_lives_on(
    own_stream: Stream,
) -> None:
    own_stream.create_topics()
    broker = own_stream.cluster
    with own_stream.worker().start() as worker:
        await own_stream.send(posts(3_000))
        await eventually(lambda: worker.metric("moderator_verdicts_total") > 500)
        broker.kill()  # type: ignore[attr-defined]  # a broker of our own can be
        assert worker.page("health")[0] == 200
        await asyncio.to_thread(broker.start)  # type: ignore[attr-defined]
        await own_stream.send(posts(100, start=3_000))
        answers = await own_stream.answers(3_100)

    assert len(answers.keys) == 3_100


@pytest.mark.real_kafka
async def test_a_worker_started_before_kafka_waits_for_it_and_creates_the_topics(
    own_stream: Stream,
) -> None:
    broker = own_stream.cluster
    broker.stop()  # type: ignore[attr-defined]  # a broker of our own can be
    with own_stream.worker() as worker:
        worker.start(until="health")
        assert worker.page("ready")[0] == 503
        await eventually(lambda: "Kafka cannot be reached" in worker.log.read_text())
        await asyncio.to_thread(broker.start)  # type: ignore[attr-defined]
        await eventually(lambda: worker.page("ready")[0] == 200)
        await own_stream.send(posts(50))
        answers = await own_stream.answers(50)

    assert len(answers.verdicts) == 50
