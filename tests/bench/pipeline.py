"""CPU of the worker for a text post, Kafka to Kafka, with encoders that cost nothing."""

import statistics
from collections.abc import Iterator

import msgspec

from tests.bench.policies import write_policies
from tests.bench.report import Row
from tests.bench.skeletons import Skeletons
from tests.bench.stream import a_kafka, measure
from tests.bench.timing import repeats

ROUNDS = 3
POSTS = 40_000


def run(_: Skeletons) -> Iterator[Row]:
    """The rows of `pipeline`."""
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "text": f"An ordinary text, the {n}th of many."})
        for n in range(POSTS)
    ]
    with a_kafka() as (kafka, folder):
        for rules in (10, 10_000):
            policies = write_policies(folder / f"rules-{rules}", rules)
            runs = [
                measure(kafka, folder, posts, "--free", policies=policies, batch_posts=64)
                for _ in range(repeats(ROUNDS))
            ]
            cost = statistics.median(run.cpu_us_per_post for run in runs)
            yield Row(f"{rules:,} rules: CPU per post", cost, "µs")
            speed = statistics.median(run.posts_per_second for run in runs)
            yield Row(f"{rules:,} rules", speed, "posts/s")
