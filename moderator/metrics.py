"""What Prometheus scrapes. One registry, made by the composition root and handed around."""

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from moderator.cache.base import VectorCache
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
        self.cache_healthy = Gauge(
            "moderator_cache_healthy", "1 while the cache answers.", registry=self.registry
        )

    def watch_cache(self, cache: VectorCache) -> None:
        """Report the cache's health at every scrape."""
        self.cache_healthy.set_function(lambda: float(cache.healthy))

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
