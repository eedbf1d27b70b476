"""Who kills workers is found by the notes that workers leave with their commits."""

import logging

import pytest
from aiokafka.errors import KafkaConnectionError

from moderator.stream.suspects import Committed, Suspects, note, parse
from tests.stream.fakes import partition, until
from tests.stream.rig import posts, running

HERE = partition(0)


async def suspects(metadata: str) -> Suspects:
    async def look_up(*_: object) -> Committed:
        return {HERE: (5, metadata)}

    made = Suspects(look_up, slack=10)
    await made.learn([HERE])
    return made


async def test_whoever_left_no_note_leaves_no_suspects() -> None:
    for metadata in ("", "another program's", '{"reach": "no number"}'):
        made = await suspects(metadata)
        assert not made.suspected(HERE, 5)
        assert not made.guilty(HERE, 5)


async def test_messages_before_a_notes_reach_are_suspects_and_the_lone_one_is_guilty() -> None:
    made = await suspects(note(8, alone=5))
    assert [made.suspected(HERE, offset) for offset in (5, 7, 8)] == [True, True, False]
    assert [made.guilty(HERE, offset) for offset in (5, 6)] == [True, False]


async def test_a_note_reaches_past_what_was_read_and_never_less_far_than_the_one_found() -> None:
    made = await suspects(note(8))
    assert made.reach(HERE, 3) == 14
    assert made.reach(partition(1), 3) == 14
    far = await suspects(note(1000))
    assert far.reach(HERE, 3) == 1000


async def test_suspects_that_were_not_reached_are_left_to_the_next_owner() -> None:
    made = await suspects(note(8))
    assert parse(made.pending(HERE, 6)).reach == 8
    assert made.pending(HERE, 8) == ""


async def test_notes_that_cannot_be_read_suspect_nobody(caplog: pytest.LogCaptureFixture) -> None:
    async def away(*_: object) -> Committed:
        raise KafkaConnectionError("away")

    made = Suspects(away, slack=10)
    with caplog.at_level(logging.WARNING):
        await made.learn([HERE])
    assert not made.suspected(HERE, 0)
    assert "cannot be read" in caplog.text


async def test_a_worker_leaves_notes_while_it_works_and_takes_the_last_one_back() -> None:
    async with running() as rig:
        rig.producer.holding = True
        rig.feed(*posts(5, 6))
        await until(lambda: len(rig.producer.open) == 2)
        assert [(offset, parse(left).reach > 6) for _, offset, left in rig.consumer.notes] == [
            (5, True)
        ]
        rig.producer.release()
        await until(lambda: rig.idle)
        await rig.stopped()
    assert rig.consumer.notes[-1] == (0, 7, "")


async def test_after_a_death_suspects_are_answered_one_at_a_time_each_announced() -> None:
    async with running() as rig:
        rig.history[HERE] = (5, note(7))
        rig.producer.holding = True
        rig.feed(*posts(5, 6, 7, 8))
        for offset in (5, 6):
            await until(lambda: len(rig.producer.open) == 1)
            assert rig.offsets()[-1] == offset
            assert parse(rig.consumer.notes[-1][2]).alone == offset
            rig.producer.open[0].set_result(None)
        await until(lambda: len(rig.producer.open) == 2)  # the others are above suspicion
        assert all(parse(left).alone is None for _, _, left in rig.consumer.notes[-2:])


async def test_a_message_alone_at_a_death_is_a_dead_letter_and_the_next_are_answered() -> None:
    async with running() as rig:
        rig.history[HERE] = (5, note(7, alone=5))
        rig.feed(*posts(5, 6))
        await until(lambda: rig.idle)
        await rig.stopped()
    letter, verdict = rig.producer.sent
    assert (letter.topic, verdict.topic) == ("dead-letters", "verdicts")
    assert letter.value == posts(5)[0].value
    assert rig.consumer.committed == {0: 7}
