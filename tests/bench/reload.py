"""Verdicts while a running worker takes up 1,000 new rules: `python -m tests.bench.reload`.

A real worker with the starter's encoders behind a real Kafka, posts at a steady rate. A pause is
the time between one verdict and the next, by the timestamps that the worker gives them; beside it
what pauses there are without a reload, because posts come one by one and machines have other work.
"""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import msgspec
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from moderator.verdicts import decode_verdict
from tests.bench.authoring import sentences, write_policy
from tests.bench.stream import a_kafka, worker_cores
from tests.services.kafka.broker import Kafka
from tests.services.process import free_port
from tests.stream.harness import Worker

RULES = 1000
POSTS_PER_SECOND = 40
QUIET_SECONDS = 15.0
MOST_SECONDS = 300.0  # of a reload
BAR_MS = 200.0

_FIRST = """
policy: big
version: 0
rules:
  - {id: scams, title: Scams, severity: high, action: block, threshold: 0.6,
     violates: [Send me your card number.], allows: [My bank called me.]}
"""


@dataclass
class Heard:
    """Verdicts as they come: when the worker made each, and by which policy."""

    times: list[float] = field(default_factory=list)  # ms
    digests: list[str] = field(default_factory=list)
    first: asyncio.Event = field(default_factory=asyncio.Event)

    def pauses(self, since: float, until: float) -> list[float]:
        """Milliseconds between verdicts, the longest first."""
        times = sorted(time for time in self.times if since <= time <= until)
        return sorted((after - before for before, after in pairwise(times)), reverse=True)


def main() -> None:
    """Print the longest pauses without a reload, with one, and with one whose prompts are known."""
    with a_kafka() as (kafka, folder):
        policy = folder / "big.yaml"
        policy.write_text(_FIRST)
        for part in ("posts", "verdicts", "dead"):
            kafka.create_topic(part, 1)
        with Worker(
            folder / "worker.log", _settings(kafka, policy), ("-m", "moderator", "worker")
        ) as worker:
            with worker_cores():
                worker.start()
            asyncio.run(_measure(kafka, policy, psutil.Process(worker.pid)))


def _settings(kafka: Kafka, policy: Path) -> dict[str, object]:
    return {
        "kafka": kafka.bootstrap,
        "posts_topic": "posts",
        "verdicts_topic": "verdicts",
        "dead_letters_topic": "dead",
        "policies": policy,
        "policy_reload_seconds": 0.5,
        "decoder_processes": 0,
        "web_port": free_port(),
    }


async def _measure(kafka: Kafka, policy: Path, worker: psutil.Process) -> None:
    heard = Heard()
    jobs = [
        asyncio.create_task(_send(kafka.bootstrap)),
        asyncio.create_task(_listen(kafka.bootstrap, heard)),
    ]
    try:
        await asyncio.wait_for(heard.first.wait(), MOST_SECONDS)
        await asyncio.sleep(2.0)
        began = time.time() * 1000
        await asyncio.sleep(QUIET_SECONDS)
        _say("no reload", heard.pauses(began, time.time() * 1000), QUIET_SECONDS, 0.0)
        for name, threshold in (
            ("1,000 rules, none known", 0.9),
            ("the same, prompts known", 0.95),
        ):
            new = policy.with_suffix(".new")
            write_policy(new, RULES, threshold=threshold)
            await _reload(name, new, policy, heard, worker)
    finally:
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)


async def _reload(name: str, new: Path, policy: Path, heard: Heard, worker: psutil.Process) -> None:
    before, cpu = heard.digests[-1], sum(worker.cpu_times()[:2])
    began = time.time()
    os.replace(new, policy)  # noqa: PTH105 - a moment, on the loop as well as anywhere
    while heard.digests[-1] == before:
        if time.time() - began > MOST_SECONDS:
            raise SystemExit(f"{name}: not in force after {MOST_SECONDS:g} s")
        await asyncio.sleep(0.05)
    took = time.time() - began
    await asyncio.sleep(2.0)  # what comes right after it, such as the end of the old rules
    used = sum(worker.cpu_times()[:2]) - cpu
    _say(name, heard.pauses(began * 1000, time.time() * 1000), took, used)


def _say(name: str, pauses: Sequence[float], took: float, cpu: float) -> None:
    longest = ", ".join(f"{pause:.0f}" for pause in pauses[:5])
    over = sum(pause > BAR_MS for pause in pauses)
    print(
        f"{name:<26} longest pauses {longest} ms (bar {BAR_MS:g}, over it {over} of "
        f"{len(pauses):,}); {took:.1f} s, CPU of the worker {cpu:.1f} s"
    )


async def _send(bootstrap: str) -> None:
    """Send posts at a steady rate, whatever becomes of them."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
    await producer.start()
    texts, number, began = list(sentences())[-2000:], 0, time.perf_counter()
    try:
        while True:
            post = {"id": str(number), "text": texts[number % len(texts)]}
            await producer.send("posts", msgspec.json.encode(post), key=str(number).encode())
            number += 1
            await asyncio.sleep(max(0.0, began + number / POSTS_PER_SECOND - time.perf_counter()))
    finally:
        await producer.stop()


async def _listen(bootstrap: str, heard: Heard) -> None:
    consumer = AIOKafkaConsumer(
        "verdicts", bootstrap_servers=bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async for record in consumer:
            heard.times.append(float(record.timestamp))
            heard.digests.append(decode_verdict(record.value).policy.digest)
            heard.first.set()
    finally:
        await consumer.stop()


if __name__ == "__main__":
    main()
