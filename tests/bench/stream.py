"""A worker that is timed, Kafka to Kafka, with the broker on a core of its own."""

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
from aiokafka import AIOKafkaProducer

from tests.bench.report import CORES
from tests.services.kafka.broker import Kafka
from tests.services.kafka.install import install
from tests.services.process import free_port
from tests.stream.harness import Worker

# The broker and the one who measures keep off the worker's cores, as they would in production: a
# broker's share of the machine is no cost of the worker.
SERVICE_CORES = set(CORES[-1:])
WORKER_CORES = set(CORES[:-1]) or SERVICE_CORES


@contextmanager
def worker_cores() -> Iterator[None]:
    """Threads and processes that start in here stay on the worker's cores."""
    os.sched_setaffinity(0, WORKER_CORES)
    try:
        yield
    finally:
        os.sched_setaffinity(0, SERVICE_CORES)


@dataclass
class Run:
    """One pass of a worker over posts that were waiting for it."""

    posts_per_second: float
    cpu_us_per_post: float


@contextmanager
def a_kafka() -> Iterator[tuple[Kafka, Path]]:
    """A real broker on its own core, and a folder; both are gone afterwards."""
    jars = install(lambda line: print(line, file=sys.stderr))
    os.sched_setaffinity(0, SERVICE_CORES)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="moderator-bench-") as name,
            Kafka(jars, Path(name)) as kafka,
        ):
            yield kafka, Path(name)
    finally:
        os.sched_setaffinity(0, CORES)


def measure(
    kafka: Kafka, folder: Path, posts: Sequence[bytes], *flags: str, **settings: object
) -> Run:
    """Start a worker on posts that wait in Kafka; time it while it is at full speed."""
    run = f"bench-{time.monotonic_ns()}"
    topics = {part: f"{run}-{part}" for part in ("posts", "verdicts", "dead-letters")}
    for topic in topics.values():
        kafka.create_topic(topic, 4)
    asyncio.run(_send(kafka.bootstrap, topics["posts"], posts))
    wanted = {
        "kafka": kafka.bootstrap,
        "posts_topic": topics["posts"],
        "verdicts_topic": topics["verdicts"],
        "dead_letters_topic": topics["dead-letters"],
        "group": run,
        "web_port": free_port(),
        **settings,
    }
    script = str(Path(__file__).with_name("worker.py"))
    with Worker(folder / f"{run}.log", wanted, (script, *flags)) as worker:
        with worker_cores():
            worker.start(until="health")
        process = psutil.Process(worker.pid)
        marks = []
        done = 0.0
        while done < len(posts):
            time.sleep(0.5)  # asking more often would cost the worker some of its cores
            done = worker.metric("moderator_verdicts_total")
            times = process.cpu_times()
            if 0.1 * len(posts) <= done < len(posts):
                marks.append((done, time.perf_counter(), times.user + times.system))
        (first, began, cpu_began), (last, ended, cpu_ended) = marks[0], marks[-1]
    count = last - first
    return Run(count / (ended - began), (cpu_ended - cpu_began) / count * 1e6)


async def _send(bootstrap: str, topic: str, posts: Sequence[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2**24)
    await producer.start()
    for number, post in enumerate(posts):
        await producer.send(topic, post, key=str(number).encode())
    await producer.stop()
