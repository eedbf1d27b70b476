"""What Prometheus scrapes. One registry, made by the composition root and handed around."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from moderator.cache.base import VectorCache
from moderator.cache.media import MediaCache
from moderator.verdicts import Verdict

_MODALITIES = frozenset({"text", "image", "video", "audio"})  # others: what a stranger typed
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The worker's metrics. Label values come from policies and fixed codes, never from posts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.verdicts = Counter(
            "moderator_verdicts", "Verdicts published.", ["action"], registry=self.registry
        )
        self.rule_hits = Counter(
            "moderator_rule_hits",
            "Posts that reached a rule's review line.",
            ["rule", "action", "shadow"],
            registry=self.registry,
        )
        self.dead_letters = Counter(
            "moderator_dead_letters", "Dead letters published.", ["code"], registry=self.registry
        )
        self.unread = Counter(
            "moderator_unread_parts",
            "Parts of posts that were not read in full.",
            ["channel", "code"],
            registry=self.registry,
        )
        self.batch_posts = Histogram(
            "moderator_batch_posts",
            "Posts per batch.",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128),
            registry=self.registry,
        )
        self.stage_seconds = Histogram(
            "moderator_stage_seconds",
            "Time of one batch by stage.",
            ["stage"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.post_seconds = Histogram(
            "moderator_post_seconds",
            "From a post being read to its verdict being made.",
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.in_flight = Gauge(
            "moderator_in_flight_posts", "Posts read and not answered.", registry=self.registry
        )
        self.lag = Gauge(
            "moderator_lag_posts",
            "Messages in the partitions of this worker that it has not read.",
            registry=self.registry,
        )
        self.put_off = Counter(
            "moderator_posts_put_off",
            "Posts that come again later: their media's host was away, or we were overloaded.",
            ["reason"],
            registry=self.registry,
        )
        self.publish_retries = Counter(
            "moderator_publish_retries",
            "Verdicts and dead letters the broker did not take at first.",
            registry=self.registry,
        )
        self.decoder_restarts = Counter(
            "moderator_decoder_restarts",
            "Decoder processes that a file crashed or kept too long, and that were replaced.",
            ["reason"],
            registry=self.registry,
        )
        self.cache_healthy = Gauge(
            "moderator_cache_healthy", "1 while the caches answer.", registry=self.registry
        )

    def count_decoder_restart(self, reason: str) -> None:
        """A decoder process was replaced."""
        self.decoder_restarts.labels(reason).inc()

    def watch_cache(self, *caches: VectorCache | MediaCache) -> None:
        """Report at every scrape whether all of them answer."""
        self.cache_healthy.set_function(lambda: float(all(each.healthy for each in caches)))

    def watch_media(self, seen: MediaCache) -> None:
        """Report at every scrape how many attachments were seen before."""
        self.registry.register(_MediaCollector(seen))

    def observe(self, verdicts: list[Verdict]) -> None:
        """Count one batch."""
        if not verdicts:
            return
        self.batch_posts.observe(len(verdicts))
        self._observe_stages(verdicts[0].timing_ms)
        for verdict in verdicts:
            self.verdicts.labels(verdict.action).inc()
            self.post_seconds.observe(verdict.timing_ms["total"] / 1000)
            for rule in verdict.rules:
                if rule.score >= rule.review_at:
                    self.rule_hits.labels(rule.id, rule.action, str(rule.shadow).lower()).inc()
            for report in verdict.modalities:
                if report.status in ("failed", "truncated"):
                    channel = report.channel if report.channel in _MODALITIES else "other"
                    self.unread.labels(channel, report.code).inc()

    def _observe_stages(self, timing_ms: Mapping[str, float]) -> None:
        for stage, milliseconds in timing_ms.items():
            if stage != "total":
                self.stage_seconds.labels(stage).observe(milliseconds / 1000)

    def expose(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)


class _MediaCollector(Collector):
    """Asks the cache for its counts when they are scraped."""

    def __init__(self, seen: MediaCache) -> None:
        self._seen = seen

    def collect(self) -> Iterator[CounterMetricFamily]:
        family = CounterMetricFamily(
            "moderator_media_cache",
            "Attachments by whether they were seen before, and cost no inference.",
            labels=["seen"],
        )
        hits, misses = self._seen.counts
        family.add_metric(["yes"], hits)
        family.add_metric(["no"], misses)
        yield family
