"""`moderator replay`: what it counts is what it sends, once."""

import asyncio
import subprocess

import pytest

from moderator.stream.replay import advanced
from tests.stream.fakes import partition
from tests.stream.harness import Stream, posts
from tests.stream.test_tools import environment, moderator

BAD = [("a", b"{broken"), ("b", b"[]"), ("c", b'{"id": 5}')]


def replay(stream: Stream, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = {"dead_letters_topic": stream.topics["dead-letters"], "group": stream.group}
    done = moderator("replay", *arguments, env=environment(stream, **settings))
    assert "Traceback" not in done.stderr
    return done


@pytest.mark.real_kafka
async def test_dead_letters_are_counted_then_sent_and_not_sent_twice(stream: Stream) -> None:
    await stream.send([*BAD, *posts(3)])
    with stream.worker(max_post_bytes=10_000).start():
        await stream.answers(6)
        dry = await asyncio.to_thread(replay, stream, "--code", "not_a_post")
        assert "2 messages would go to" in dry.stdout
        assert (await stream.answers(6)).codes() == {"not_json": 1, "not_a_post": 2}

        sent = await asyncio.to_thread(replay, stream, "--code", "not_a_post", "--yes")
        assert "2 messages sent to" in sent.stdout
        second = await stream.until(lambda answers: answers.codes()["not_a_post"] == 4)
        assert second.codes() == {"not_json": 1, "not_a_post": 4}
        assert {letter.key for letter in second.dead_letters} == {b"a", b"b", b"c"}

        # The first two were replayed; what died again is new.
        again = await asyncio.to_thread(replay, stream)
        assert "3 messages would go to" in again.stdout
        everything = await asyncio.to_thread(replay, stream, "--again")
        assert "5 messages would go to" in everything.stdout


@pytest.mark.real_kafka
async def test_any_range_of_offsets_can_be_driven_again(stream: Stream) -> None:
    await stream.send(posts(40))
    with stream.worker().start():
        first = await stream.answers(40)
        where = ("--topic", stream.topics["posts"], "--partition", "0", "--from", "1", "--to", "4")
        sent = await asyncio.to_thread(replay, stream, *where, "--yes")
        assert "3 messages sent to" in sent.stdout
        answers = await stream.until(lambda found: len(found.verdicts) == 43)

    ids = {key: verdict.id for key, verdict in first.verdicts}
    assert all(ids[key] == verdict.id for key, verdict in answers.verdicts)


@pytest.mark.real_kafka
async def test_dead_letters_before_a_range_that_was_replayed_are_still_to_be_replayed(
    stream: Stream,
) -> None:
    topic = stream.topics["dead-letters"] = f"{stream.group}-letters"
    stream.cluster.create_topic(topic, 1)
    for _ in range(6):
        await stream.publish(topic, b"{broken")
    await stream.committed()  # a broker that is new has no topic for offsets before somebody asks

    async def sent(*arguments: str) -> str:
        where = ("--partition", "0", *arguments, "--yes")
        return (await asyncio.to_thread(replay, stream, *where)).stdout

    assert "2 messages sent to" in await sent("--from", "4", "--to", "6")
    assert "3 messages sent to" in await sent("--to", "3")
    assert "2 messages sent to" in await sent("--again", "--to", "2")
    assert "3 messages sent to" in await sent()
    assert "0 messages sent to" in await sent()


@pytest.mark.parametrize(
    ("done", "start", "end", "mark"),
    [
        pytest.param(None, 0, 6, 6, id="all of it"),
        pytest.param(None, 4, 6, None, id="not past a gap"),
        pytest.param(3, 4, 6, None, id="not past a gap after what was done"),
        pytest.param(4, 4, 6, 6, id="right after what was done"),
        pytest.param(6, 0, 2, None, id="not back"),
    ],
)
def test_only_what_is_replayed_without_a_gap_counts_as_done(
    done: int | None, start: int, end: int, mark: int | None
) -> None:
    place = partition(0)
    found = advanced({} if done is None else {place: done}, {place: start}, {place: end})
    assert found.get(place) == mark


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "3"], "--partition"),
        (["--topic", "elsewhere"], "has no topic elsewhere"),
        (["--topic", "elsewhere", "--code", "not_json"], "only dead letters have codes"),
        (["--partition", "99"], "has no partition 99"),
    ],
)
def test_what_is_not_there_is_refused(stream: Stream, arguments: list[str], said: str) -> None:
    done = replay(stream, *arguments)
    assert done.returncode != 0
    assert said in done.stderr
