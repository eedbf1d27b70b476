"""Exactly once, as a consumer sees it that reads committed messages only."""

import asyncio

import pytest

from tests.stream.harness import Stream, eventually, posts


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
    own_stream: Stream,
) -> None:
    cluster, topics = own_stream.cluster, own_stream.topics
    for part, topic in topics.items():
        config = {"max.message.bytes": "2000"} if part == "verdicts" else None
        cluster.create_topic(topic, 4, config)
    large = ("large", b'{"id": "large", "meta": {"note": "%s"}}' % (b"n" * 5_000))
    await own_stream.send([large, ("bad", b"{"), *posts(20)])
    with own_stream.worker(delivery="exactly_once").start() as worker:
        answers = await own_stream.answers(22)
        worker.stop()

    assert len(answers.verdicts) == 20
    assert answers.codes() == {"verdict_too_large": 1, "not_json": 1}
    assert await own_stream.committed() == 22
