"""Exactly once against at least once: text posts through the worker, Kafka to Kafka."""

import statistics
from collections.abc import Iterator

import msgspec

from tests.bench.report import Row
from tests.bench.skeletons import Skeletons
from tests.bench.stream import Run, a_kafka, measure
from tests.bench.timing import repeats

_POSTS = 40_000
_ROUNDS = 3
_DELIVERIES = ("at_least_once", "exactly_once")


def run(_: Skeletons) -> Iterator[Row]:
    """The rows of `delivery`: encoders that cost nothing, the worst case for what Kafka costs."""
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "text": f"An ordinary text, the {n}th of many."})
        for n in range(_POSTS)
    ]
    runs: dict[str, list[Run]] = {delivery: [] for delivery in _DELIVERIES}
    with a_kafka() as (kafka, folder):
        for _round in range(repeats(_ROUNDS)):
            for delivery in _DELIVERIES:  # they take turns, because the machine's speed drifts
                runs[delivery].append(
                    measure(kafka, folder, posts, "--free", delivery=delivery, batch_posts=64)
                )
    speeds = {name: [each.posts_per_second for each in done] for name, done in runs.items()}
    for name, each in speeds.items():
        yield Row(f"text posts, {name}", statistics.median(each), "posts/s")
    shares = [once / least for least, once in zip(*speeds.values(), strict=True)]
    yield Row("exactly once against at least once", statistics.median(shares))
