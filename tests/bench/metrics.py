"""What metrics cost: `python -m tests.bench.metrics [ROUNDS]`, paired runs with and without them.

The worst case: text posts, encoders that cost nothing, 100 rules with labels of their own. The
share that remains with real encoders is smaller.
"""

import statistics
import sys

import msgspec

from tests.bench.policies import write_policies
from tests.bench.stream import a_kafka, measure

_ROUNDS = 5
_POSTS = 40_000


def main(rounds: int) -> None:
    """Print each pair, and the medians of the ratios."""
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "text": f"An ordinary text, the {n}th of many."})
        for n in range(_POSTS)
    ]
    speeds, costs = [], []
    with a_kafka() as (kafka, folder):
        policies = write_policies(folder / "rules", 100)
        for turn in range(rounds):
            runs = {}
            # Whoever goes first finds other caches: take turns.
            for watched in (turn % 2 == 0, turn % 2 == 1):
                flags = ["--free"] if watched else ["--unwatched", "--free"]
                runs[watched] = measure(
                    kafka, folder, posts, *flags, policies=policies, batch_posts=64
                )
            speeds.append(runs[True].posts_per_second / runs[False].posts_per_second)
            costs.append(runs[True].cpu_us_per_post - runs[False].cpu_us_per_post)
            print(
                f"with {runs[True].posts_per_second:,.0f} posts/s, "
                f"{runs[True].cpu_us_per_post:.1f} µs CPU a post; "
                f"without {runs[False].posts_per_second:,.0f}, "
                f"{runs[False].cpu_us_per_post:.1f}",
                flush=True,
            )
    print(f"throughput with metrics, as a share of without: {statistics.median(speeds):.3f}")
    print(f"CPU of metrics, µs a post: {statistics.median(costs):.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else _ROUNDS)
