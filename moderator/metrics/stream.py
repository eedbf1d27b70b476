"""Where the worker stands in the stream, read when Prometheus asks."""

from collections.abc import Iterator, Mapping
from typing import Protocol

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from moderator.metrics.in_use import gauge


class Standing(Protocol):
    """What is asked of the hot path. Called from the thread that serves the pages."""

    @property
    def ready(self) -> bool:
        """Partitions assigned and readable."""

    @property
    def stalled_seconds(self) -> float:
        """How long posts have been in flight without one being answered."""

    @property
    def commit_age_seconds(self) -> float:
        """Since offsets were last committed; 0 when there is nothing to commit."""

    @property
    def in_flight_bytes(self) -> int:
        """Held in memory."""

    @property
    def waiting_posts(self) -> Mapping[str, int]:
        """By queue."""

    @property
    def reads(self) -> bool:
        """False while the broker is away."""

    @property
    def lag_posts(self) -> Mapping[tuple[str, int], int]:
        """By topic and partition."""


class StreamStanding(Collector):
    """A collector over a `Standing`."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing

    def describe(self) -> Iterator[Metric]:
        """What the registry asks for when it takes a collector in."""
        names = ("ready", "stalled_seconds", "commit_age_seconds", "in_flight_bytes")
        yield from map(gauge, (*names, "queue_posts", "consumer_lag_posts"))

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client's `Collector`."""
        standing = self._standing
        single = {
            "ready": float(standing.ready),
            "stalled_seconds": standing.stalled_seconds,
            "commit_age_seconds": standing.commit_age_seconds,
            "in_flight_bytes": float(standing.in_flight_bytes),
        }
        for name, value in single.items():
            family = gauge(name)
            family.add_metric([], value)
            yield family
        queues, lag = gauge("queue_posts"), gauge("consumer_lag_posts")
        for queue, posts in standing.waiting_posts.items():
            queues.add_metric([queue], posts)
        for (topic, partition), posts in standing.lag_posts.items():
            lag.add_metric([topic, str(partition)], posts)
        yield from (queues, lag)
