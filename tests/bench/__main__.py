"""`make bench`: what the pipeline costs, and what the worker adds to bare encoders.

Medians of interleaved runs on a real Kafka. One machine, one run: trust the ratios. With
`CLIP=GRAPH` also for a CLIP ViT-B/32 image graph, the size of encoder that production runs.
"""

import asyncio
import base64
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import msgspec
import psutil
from aiokafka import AIOKafkaProducer

from moderator.encoders.base import ImageEncoder
from moderator.encoders.load import load_space
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import preparation_for
from moderator.settings import load_settings
from tests.bench.encoders import clip_images
from tests.bench.images import photograph
from tests.bench.policies import write_policies
from tests.services.kafka.broker import Kafka
from tests.services.kafka.install import install
from tests.services.process import free_port
from tests.stream.harness import Worker

OUT = Path(".bench")
ROUNDS = 3
# The broker and the one who measures keep off the worker's cores, as they would in production: a
# broker's share of the machine is no cost of the worker.
CORES = sorted(os.sched_getaffinity(0))
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


def main() -> None:
    """Run every benchmark; print the table and write it to .bench/ as Markdown and JSON."""
    jars = install(lambda line: print(line, file=sys.stderr))
    os.sched_setaffinity(0, SERVICE_CORES)
    with tempfile.TemporaryDirectory(prefix="moderator-bench-") as name:
        folder = Path(name)
        with Kafka(jars, folder) as kafka:
            rows = {**pipeline_cost(kafka, folder), **worker_share(kafka, folder)}
    report(rows)


def pipeline_cost(kafka: Kafka, folder: Path) -> dict[str, str]:
    """CPU of the worker for a text post, Kafka to Kafka, with encoders that cost nothing."""
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "text": f"An ordinary text, the {n}th of many."})
        for n in range(40_000)
    ]
    rows = {}
    for rules in (10, 10_000):
        policies = write_policies(folder / f"rules-{rules}", rules)
        runs = [
            measure(kafka, folder, posts, "--free", policies=policies, batch_posts=64)
            for _ in range(ROUNDS)
        ]
        cost = statistics.median(run.cpu_us_per_post for run in runs)
        speed = statistics.median(run.posts_per_second for run in runs)
        rows[f"pipeline, {rules:,} rules: CPU µs per post"] = f"{cost:,.0f}"
        rows[f"pipeline, {rules:,} rules: posts/s"] = f"{speed:,.0f}"
    return rows


def worker_share(kafka: Kafka, folder: Path) -> dict[str, str]:
    """Image posts through the worker against the encoders alone on the same images."""
    starter = load_space(load_settings().models).image
    assert starter is not None
    rows = _share("starter", kafka, folder, starter, count=4_000)
    if graph := os.environ.get("CLIP"):
        rows |= _share("CLIP", kafka, folder, clip_images(Path(graph)), "--clip", graph, count=500)
    return rows


def _share(
    name: str, kafka: Kafka, folder: Path, encoder: ImageEncoder, *flags: str, count: int
) -> dict[str, str]:
    pictures = [photograph(seed) for seed in range(64)]
    media = [[{"data": base64.b64encode(picture).decode()}] for picture in pictures]
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "media": media[n % len(media)]})
        for n in range(count)
    ]
    shares, bare, through = [], [], []
    for _ in range(ROUNDS):
        # Before and after, because the machine's speed drifts.
        around = [bare_images_per_second(encoder, pictures, count // 2)]
        through.append(measure(kafka, folder, posts, *flags).posts_per_second)
        around.append(bare_images_per_second(encoder, pictures, count // 2))
        bare.append(statistics.mean(around))
        shares.append(through[-1] / bare[-1])
    return {
        f"{name}, bare decode + encoder: images/s": f"{statistics.median(bare):,.0f}",
        f"{name}, worker: image posts/s": f"{statistics.median(through):,.0f}",
        f"{name}, worker as a share of bare": f"{statistics.median(shares):.2f}",
    }


def bare_images_per_second(encoder: ImageEncoder, pictures: Sequence[bytes], count: int) -> float:
    """Decode, prepare and encode in as many threads as the worker has; nothing else."""
    batch = load_settings().batch_posts
    prepare = preparation_for(encoder, DecodeLimits())

    def encode(start: int) -> None:
        images = [pictures[n % len(pictures)] for n in range(start, min(start + batch, count))]
        encoder.encode([look.pixels for image in images for look in prepare(image).looks])

    with worker_cores(), ThreadPoolExecutor(len(WORKER_CORES)) as pool:
        list(pool.map(encode, range(0, 2 * batch, batch)))  # warm
        began = time.perf_counter()
        list(pool.map(encode, range(0, count, batch)))
        return count / (time.perf_counter() - began)


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


def report(rows: dict[str, str]) -> None:
    """Print the table, and write it with the machine and the versions."""
    machine = {
        "machine": f"{len(CORES)} cores, {len(WORKER_CORES)} for the worker, "
        f"{platform.processor() or platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in ("onnxruntime", "aiokafka", "numpy", "msgspec")},
    }
    lines = ["| what | median |", "|---|---:|", *(f"| {k} | {v} |" for k, v in rows.items())]
    lines += ["", "; ".join(f"{name} {value}" for name, value in machine.items())]
    OUT.mkdir(exist_ok=True)
    (OUT / "bench.md").write_text("\n".join(lines) + "\n")
    (OUT / "bench.json").write_text(json.dumps({"rows": rows, "on": machine}, indent=2) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
