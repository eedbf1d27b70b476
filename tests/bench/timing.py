"""Timing on a machine that others disturb: runs take turns, and ratios are of neighbours."""

import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

Runs = Mapping[str, Sequence[float]]


def interleaved(measures: Mapping[str, Callable[[], float]], rounds: int) -> Runs:
    """Every measure `rounds` times, in turn; once before that, which does not count."""
    for measure in measures.values():
        measure()
    runs: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(repeats(rounds)):
        for name, measure in measures.items():
            runs[name].append(measure())
    return runs


def repeats(rounds: int) -> int:
    """So many, unless `ROUNDS` in the environment asks for a quick look, or a long one."""
    return int(os.environ.get("ROUNDS", rounds))


def ratio(runs: Runs, one: str, other: str) -> float:
    """The median of the ratios within a round: a slow minute slows both."""
    return statistics.median(a / b for a, b in zip(runs[one], runs[other], strict=True))


def per_second(work: Callable[[int], object], calls: int, count: int, callers: int) -> float:
    """How many of `count` things a second `work(0)` to `work(calls - 1)` get done."""
    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(time.sleep, [0.0] * callers))  # the threads are there
        began = time.perf_counter()
        list(pool.map(work, range(calls)))
        return count / (time.perf_counter() - began)


def milliseconds(work: Callable[[], object]) -> float:
    """How long it takes, once."""
    began = time.perf_counter()
    work()
    return (time.perf_counter() - began) * 1000
