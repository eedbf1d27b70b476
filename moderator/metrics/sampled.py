"""Scores by rule and drift, of a few batches a second: all that an overview needs.

At low rates that is every batch; at high ones the cost does not grow with the posts.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
from numpy.typing import NDArray
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from moderator.encoders.base import Matrix
from moderator.metrics.catalogue import CATALOGUE, OTHER
from moderator.metrics.drift import Drift, components
from moderator.metrics.histogram import BatchHistogram
from moderator.metrics.in_use import gauge
from moderator.policy.compile import CompiledRules
from moderator.scoring.calibration import logit, sigmoid
from moderator.scoring.score import Readings, Scores

SCORE_BOUNDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99)
_EDGES = np.array([logit(bound) for bound in SCORE_BOUNDS], np.float32)
_BINS = len(SCORE_BOUNDS) + 1
_MOST_PER_SECOND = 5.0
_MOST_ROWS = 32  # of a batch
_OTHERS = 50  # of the rules past the cap, so many stand for all


class Sampled(Collector):
    """Watches a `Screener`. `background` holds each channel's sample, (sample, dimensions)."""

    def __init__(
        self,
        background: Mapping[str, Matrix],
        *,
        cap: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.scores = BatchHistogram(CATALOGUE["rule_score"], SCORE_BOUNDS)
        self._background = background
        self._axes = {name: components(rows) for name, rows in background.items()}
        self._embeddings = {
            name: Drift(background[name] @ axes) for name, axes in self._axes.items()
        }
        self._cap = cap
        self._clock = clock
        self._lock = threading.Lock()
        self._next = 0.0
        self._rules: CompiledRules | None = None
        self._margins: dict[str, Drift] = {}
        self._labels: tuple[str, ...] = ()
        self._shown = np.zeros(0, np.intp)  # the columns whose scores are counted
        self._counts = np.zeros((0, _BINS), np.int64)  # since the last scrape
        self._sums = np.zeros(0)

    def observe(
        self, rules: CompiledRules, readings: Mapping[str, Readings], scores: Scores
    ) -> None:
        """Look at a batch, unless one was looked at a moment ago."""
        if self._clock() < self._next or not self._lock.acquire(blocking=False):
            return
        try:
            self._next = self._clock() + 1 / _MOST_PER_SECOND
            if rules is not self._rules:
                self._start(rules)
            self._count_scores(scores.fused[:_MOST_ROWS])
            for name, drift in self._embeddings.items():
                vectors = readings[name].vectors[:_MOST_ROWS] if name in readings else ()
                if len(vectors):
                    drift.add(vectors @ self._axes[name])
            for name, drift in self._margins.items():
                if (margins := scores.margins.get(name)) is not None:
                    drift.add(margins.values[margins.present, : self._cap][:_MOST_ROWS])
        finally:
            self._lock.release()

    def _start(self, rules: CompiledRules) -> None:
        self._flush()
        self._rules, self._labels = rules, rules.ids[: self._cap]
        step = max(1, (len(rules.ids) - self._cap) // _OTHERS)
        others = range(self._cap, len(rules.ids), step)
        self._shown = np.array([*range(len(self._labels)), *others], np.intp)
        self._counts = np.zeros((len(self._shown), _BINS), np.int64)
        self._sums = np.zeros(len(self._shown))
        self._margins = {
            name: Drift(self._background[name] @ channel.directions[:, : self._cap])
            for name, channel in rules.channels.items()
            if name in self._background
        }

    def _count_scores(self, fused: NDArray[np.float32]) -> None:
        """(posts, rules) log-odds; -inf where a rule could read nothing of a post."""
        seen = fused[:, self._shown]
        read = np.isfinite(seen)
        bins = _EDGES.searchsorted(seen) + np.arange(len(self._shown)) * _BINS
        counts = np.bincount(bins[read], minlength=len(self._shown) * _BINS)
        self._counts += counts.reshape(-1, _BINS)
        self._sums += np.where(read, sigmoid(seen), 0).sum(axis=0)

    def _flush(self) -> None:
        """Hand what was counted to the histogram, under each rule's label."""
        for column, (counts, total) in enumerate(zip(self._counts, self._sums, strict=True)):
            label = self._labels[column] if column < len(self._labels) else OTHER
            self.scores.add(counts.tolist(), float(total), label)
        self._counts[:] = 0
        self._sums[:] = 0

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        yield from (gauge("embedding_drift_psi"), gauge("score_drift_psi"))
        yield from self.scores.describe()

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        embeddings, margins = gauge("embedding_drift_psi"), gauge("score_drift_psi")
        with self._lock:
            self._flush()
            for name, drift in self._embeddings.items():
                if (psi := drift.psi()) is not None:
                    embeddings.add_metric([name], float(psi.mean()))
            if self._rules is not None:
                for name, drift in self._margins.items():
                    if (psi := drift.psi()) is not None:
                        self._add_margins(margins, self._rules, name, psi)
        yield embeddings
        yield margins
        yield from self.scores.collect()

    def _add_margins(
        self, family: GaugeMetricFamily, rules: CompiledRules, name: str, psi: NDArray[np.float64]
    ) -> None:
        reads = rules.channels[name].reads
        for column, rule in enumerate(rules.ids[: self._cap]):
            if reads[column]:  # else its column is zero, and so is everything along it
                family.add_metric([rule, name], float(psi[column]))
