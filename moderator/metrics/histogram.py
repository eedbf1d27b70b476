"""Histograms that take a batch at a time.

prometheus_client's takes about a microsecond or more for each value, which for several latencies
of every post would be the dearest part of a text post's way.
"""

import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat

from prometheus_client.core import Exemplar, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from moderator.metrics.catalogue import Spec

_INFINITY = float("inf")


class BatchHistogram(Collector):
    """A collector for a registry. Threads may share it."""

    def __init__(self, spec: Spec, bounds: Sequence[float]) -> None:
        self._spec = spec
        self._bounds = tuple(bounds)
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}
        self._exemplars: dict[tuple[str, ...], dict[int, Exemplar]] = {}
        self._lock = threading.Lock()
        if not spec.labels:  # as prometheus_client does: zero is a value, absence is not
            self.observe(())

    def observe(self, values: Sequence[float], *labels: str) -> None:
        """Count values under label values in the order of the spec."""
        with self._lock:
            counts = self._counts.get(labels)
            if counts is None:
                counts = self._counts[labels] = [0] * (len(self._bounds) + 1)
                self._sums[labels] = 0.0
            # Loops of the interpreter's own: a third of the time of one written out.
            for bucket, count in Counter(map(bisect_left, repeat(self._bounds), values)).items():
                counts[bucket] += count
            self._sums[labels] += sum(values)

    def add(self, counts: Sequence[int], total: float, *labels: str) -> None:
        """Add what was counted elsewhere, bucket by bucket; `counts` has one more than bounds."""
        with self._lock:
            before = self._counts.get(labels, [0] * (len(self._bounds) + 1))
            self._counts[labels] = [a + b for a, b in zip(before, counts, strict=True)]
            self._sums[labels] = self._sums.get(labels, 0.0) + total

    def remember(self, value: float, exemplar: Mapping[str, str], *labels: str) -> None:
        """Let the bucket of a value that was counted lead to an example. 128 characters at most."""
        bucket = bisect_left(self._bounds, value)
        with self._lock:
            examples = self._exemplars.setdefault(labels, {})
            examples[bucket] = Exemplar(dict(exemplar), value, time.time())

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        yield self._family()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        family = self._family()
        with self._lock:
            for labels, counts in self._counts.items():
                examples = self._exemplars.get(labels, {})
                family.add_metric(labels, self._buckets(counts, examples), self._sums[labels])
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(
            f"moderator_{self._spec.name}", self._spec.help, labels=self._spec.labels
        )

    def _buckets(
        self, counts: Sequence[int], examples: Mapping[int, Exemplar]
    ) -> list[tuple[str, float] | tuple[str, float, Exemplar]]:
        rows: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
        below = 0
        for place, (bound, count) in enumerate(
            zip((*self._bounds, _INFINITY), counts, strict=True)
        ):
            below += count
            le = "+Inf" if bound == _INFINITY else repr(float(bound))
            example = examples.get(place)
            rows.append((le, below) if example is None else (le, below, example))
        return rows
