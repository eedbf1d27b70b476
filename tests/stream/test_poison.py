"""Messages that stop others stop nobody here."""

import asyncio

import pytest

from tests.chaos.poison import send_undecodable
from tests.stream.harness import Stream, Worker, eventually, header, posts


@pytest.mark.real_kafka
async def test_a_header_that_is_not_utf8_costs_its_message_and_no_other(stream: Stream) -> None:
    await stream.send(posts(30))
    await send_undecodable(stream, b"bad", b'{"id": "bad"}')
    await stream.send(posts(30, start=30))
    with stream.worker().start() as worker:
        answers = await stream.answers(63)
        worker.stop()

    (letter,) = answers.dead_letters
    assert (letter.key, letter.value) == (b"bad", b'{"id": "bad"}')
    assert header(letter, "code") == "undecodable"
    assert header(letter, "partition") == "0"
    assert int(header(letter, "offset")) > 0
    assert ("\\xff\\xfecd", b"1") in letter.headers
    assert {b"bad-before", b"bad-after"} <= answers.keys
    assert len(answers.verdicts) == 62
    assert await stream.committed() == 63


def dead_letters(worker: Worker) -> float:
    try:
        return worker.metric("moderator_dead_letters_total")
    except OSError:  # it dies while it is asked
        return 0.0


@pytest.mark.real_kafka
async def test_a_post_that_kills_its_worker_is_quarantined_after_two_deaths(
    stream: Stream,
) -> None:
    killer = ("killer", b'{"id": "killer", "text": "kills"}')
    await stream.send([*posts(20), killer, *posts(20, start=20)])
    deaths = 0
    with stream.worker() as worker:
        worker.command[-1] = worker.command[-1].replace("stream/fake_worker", "chaos/worker")
        for _ in range(3):
            await asyncio.to_thread(worker.start, until="health")
            await eventually(lambda: worker.ended or dead_letters(worker))
            if not worker.ended:
                break
            deaths += 1
            worker.kill()
        answers = await stream.answers(41)

    assert deaths == 2
    assert answers.codes() == {"killed_worker": 1}
    assert [letter.key for letter in answers.dead_letters] == [b"killer"]
