"""`moderator produce`, `tail` and a worker that cannot start, as a user meets them."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.process import free_port
from tests.stream.harness import SECONDS, Stream, posts


def environment(stream: Stream, **settings: object) -> dict[str, str]:
    wanted = {
        "kafka": stream.cluster.bootstrap,
        "posts_topic": stream.topics["posts"],
        "verdicts_topic": stream.topics["verdicts"],
        **settings,
    }
    return {**os.environ, **{f"MODERATOR_{name.upper()}": str(v) for name, v in wanted.items()}}


def moderator(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "moderator", *arguments]
    return subprocess.run(
        command, env=env, capture_output=True, text=True, check=False, timeout=SECONDS
    )


async def test_produced_posts_are_answered_and_lines_that_are_no_posts_are_reported(
    stream: Stream, tmp_path: Path
) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"\n".join([value for _, value in posts(20)] + [b"{broken"]))
    done = await asyncio.to_thread(moderator, "produce", str(file), env=environment(stream))

    assert done.returncode == 1
    assert f"{file}:21: not JSON" in done.stderr
    assert "posts sent: 20; lines that are no posts: 1" in done.stderr
    with stream.worker().start():
        answers = await stream.answers(20)
    assert answers.keys == {key.encode() for key, _ in posts(20)}


async def test_unchecked_lines_are_sent_as_they_are(stream: Stream, tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_bytes(b"{broken\n")
    done = await asyncio.to_thread(
        moderator, "produce", "--unchecked", str(file), env=environment(stream)
    )

    assert done.returncode == 0
    with stream.worker().start():
        answers = await stream.answers(1)
    assert [record.value for record in answers.dead_letters] == [b"{broken"]


async def test_tail_prints_verdicts_as_they_come_and_survives_what_is_none(stream: Stream) -> None:
    await stream.send(posts(5))
    with stream.worker().start():
        await stream.answers(5)
    await stream.publish(stream.topics["verdicts"], None)
    command = [sys.executable, "-m", "moderator", "tail", "--from-start", "--json"]
    tail = await asyncio.create_subprocess_exec(
        *command, env=environment(stream), stdout=asyncio.subprocess.PIPE
    )
    assert tail.stdout is not None
    async with asyncio.timeout(SECONDS):
        lines = [json.loads(await tail.stdout.readline()) for _ in range(6)]
    tail.terminate()
    await tail.wait()

    verdicts = [line for line in lines if line is not None]
    assert {verdict["post_id"] for verdict in verdicts} == {key for key, _ in posts(5)}


def test_a_broker_that_is_not_there_is_a_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "posts.jsonl"
    file.write_text('{"id": "1"}\n')
    env = {**os.environ, "MODERATOR_KAFKA": f"127.0.0.1:{free_port()}"}
    done = moderator("produce", str(file), env=env)

    assert done.returncode == 1
    assert "Kafka cannot be reached" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("kafka", "nohost", "MODERATOR_KAFKA: 'nohost' is not host:port"),
        ("policies", "nowhere.yaml", "nowhere.yaml"),
        ("models", "nowhere", "nowhere: no such folder of models"),
        ("provider", "cuda", "install moderator[gpu]"),
    ],
)
def test_a_worker_that_cannot_start_says_why_and_exits_with_2(
    setting: str, value: str, said: str
) -> None:
    done = moderator("worker", env={**os.environ, f"MODERATOR_{setting.upper()}": value})

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
