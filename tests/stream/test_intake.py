"""Reading, whatever Kafka does to it."""

import logging

import pytest
from aiokafka.errors import (
    GroupAuthorizationFailedError,
    KafkaConnectionError,
    NotLeaderForPartitionError,
)

from moderator.media.load import MediaLoader
from moderator.settings import load_settings
from tests.stream.fakes import until
from tests.stream.rig import QUICK, Rig, posts, running


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
