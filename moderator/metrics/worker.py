"""One registry with a worker's metrics, made by the composition root and handed around."""

import threading
from collections import Counter as Count
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from moderator.cache.base import Probed
from moderator.cache.counted import CountedCache
from moderator.cache.media import MediaCache
from moderator.encoders.base import Space
from moderator.media.load import MediaLoader
from moderator.metrics.catalogue import CATALOGUE
from moderator.metrics.declared import RuleLabels, counter, gauge
from moderator.metrics.gpu import GpuMemory, nvidia_driver
from moderator.metrics.histogram import BatchHistogram
from moderator.metrics.in_use import Counted, ModelsInUse, PolicyInUse
from moderator.metrics.sampled import Sampled
from moderator.metrics.stream import Standing, StreamStanding
from moderator.ocr.base import OUTCOMES, Written
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules
from moderator.scoring.score import Readings, Scores
from moderator.verdicts import Verdict

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_END_TO_END_SECONDS = (*_SECONDS, 30, 60, 300, 1800, 3600, 86400)
_OUTCOMES = ("read", "partly", "refused", "failed")
_UNREAD = frozenset({"failed", "truncated"})
_PARTLY = _UNREAD | {"deferred"}


class Metrics:
    """The worker's metrics, see `catalogue`. Batches are counted as a whole: it costs less."""

    def __init__(self, *, most_rules: int = 100) -> None:
        """`most_rules`: how many rules have labels of their own; the others share one."""
        self.registry = CollectorRegistry()
        self.posts = counter("posts", self.registry)
        self.verdicts = counter("verdicts", self.registry)
        self.unread = counter("unread_parts", self.registry)
        self.dead_letters = counter("dead_letters", self.registry)
        self.put_off = counter("posts_put_off", self.registry)
        self.publish_retries = counter("publish_retries", self.registry)
        self.decoder_restarts = counter("decoder_restarts", self.registry)
        self.ocr = counter("ocr_attachments", self.registry)
        self.in_flight = gauge("in_flight_posts", self.registry)
        self.in_flight_limit = gauge("in_flight_limit_posts", self.registry)
        self.batch_limit = gauge("batch_limit_posts", self.registry)
        self.batches_at_once = gauge("batches_at_once", self.registry)
        self.cache_healthy = gauge("cache_healthy", self.registry)
        self.degraded = gauge("degraded", self.registry)
        self.stage_seconds = self._histogram("stage_seconds", _SECONDS)
        self.post_seconds = self._histogram("post_seconds", _SECONDS)
        self.end_to_end_seconds = self._histogram("end_to_end_seconds", _END_TO_END_SECONDS)
        self.batch_posts = self._histogram("batch_posts", (1, 2, 4, 8, 16, 32, 64, 128))
        # There from the start: zero is a value, absence would hide from alerts.
        self._outcomes = {name: self.posts.labels(name) for name in _OUTCOMES}
        for reason in ("unavailable", "overload"):
            self.put_off.labels(reason)
        for reason in ("crashed", "timed_out"):
            self.decoder_restarts.labels(reason)
        for outcome in OUTCOMES:
            self.ocr.labels(outcome)
        self._most_rules = most_rules
        self._labels = RuleLabels(most_rules)
        # A child of prometheus_client for each rule that a batch hits would be the dearest part.
        self._hits: Count[tuple[str, ...]] = Count()
        self._lock = threading.Lock()
        self._register(Counted("rule_hits", self._hits.copy))

    def _histogram(self, name: str, bounds: Sequence[float]) -> BatchHistogram:
        histogram = BatchHistogram(CATALOGUE[name], bounds)
        self.registry.register(histogram)
        return histogram

    def watch_cache(self, cache: CountedCache, *others: Probed) -> None:
        """Report the caches' health at every scrape, and ask them: an idle worker would not notice.

        A Redis that is away costs the scrape its time-out, once in a few seconds.
        """
        caches: tuple[Probed, ...] = (cache, *others)

        def healthy() -> bool:
            return all(each.healthy for each in caches)

        def probed() -> float:
            for each in caches:
                each.probe()
            return float(healthy())

        self.cache_healthy.set_function(probed)
        self._register(Counted("cache_lookups", lambda: cache.lookups))
        self.watch_part("cache", healthy)

    def watch_media(self, seen: MediaCache) -> None:
        """Report at every scrape how many attachments were seen before."""

        def counts() -> Mapping[tuple[str, ...], int]:
            hits, misses = seen.counts
            return {("yes",): hits, ("no",): misses}

        self._register(Counted("media_cache", counts))

    def count_decoder_restart(self, reason: str) -> None:
        """A decoder process was replaced."""
        self.decoder_restarts.labels(reason).inc()

    def observe_written(self, written: Sequence[Written]) -> None:
        """Count and time what was read in new attachments."""
        self.stage_seconds.observe([each.took_seconds for each in written], "ocr")
        for outcome, count in Count(each.outcome for each in written).items():
            self.ocr.labels(outcome).inc(count)

    def watch_part(self, part: str, healthy: Callable[[], bool]) -> None:
        """Report whether the worker has to go on without a part."""
        self.degraded.labels(part).set_function(lambda: float(not healthy()))

    def watch_loader(self, loader: MediaLoader) -> None:
        """Report how often attachments are asked for again."""
        self._register(Counted("fetch_retries", lambda: {(): loader.retries}))

    def watch_screener(self, screener: Screener, channels: Mapping[str, Space]) -> None:
        """Report the rules and models in use; look at scores and embeddings of some batches."""
        background = {name: space.calibration[name].background for name, space in channels.items()}
        sampled = Sampled(background, cap=self._most_rules)

        def look(
            rules: CompiledRules,
            readings: Mapping[str, Readings],
            scores: Scores,
            encode_ms: Mapping[str, float],
        ) -> None:
            for channel, milliseconds in encode_ms.items():
                if len(readings[channel].owners):
                    self.observe_part(f"encode_{channel}", milliseconds / 1000)
            sampled.observe(rules, readings, scores)

        screener.observer = look
        self._register(sampled, PolicyInUse(lambda: screener.rules), ModelsInUse(channels))

    def watch_stream(self, standing: Standing) -> None:
        """Report where the worker stands in the stream."""
        self._register(StreamStanding(standing))
        self.watch_part("kafka", lambda: standing.reads)

    def watch_gpus(self) -> None:
        """Report their memory, where there are any and their driver can be asked."""
        if (read := nvidia_driver()) is not None:
            self._register(GpuMemory(read))

    def _register(self, *collectors: Collector) -> None:
        for collector in collectors:
            self.registry.register(collector)

    def observe(self, verdicts: Sequence[Verdict]) -> None:
        """Count one batch."""
        if not verdicts:
            return
        self.batch_posts.observe((len(verdicts),))
        for stage, milliseconds in verdicts[0].timing_ms.items():
            if stage != "total":
                self.stage_seconds.observe((milliseconds / 1000,), stage)
        self.post_seconds.observe([verdict.timing_ms["total"] / 1000 for verdict in verdicts])
        for action, count in Count([verdict.action for verdict in verdicts]).items():
            self.verdicts.labels(action).inc(count)
        partly = self._observe_unread(verdicts)
        if read := len(verdicts) - partly:
            self._outcomes["read"].inc(read)
        if partly:
            self._outcomes["partly"].inc(partly)
        self._observe_rules(verdicts)

    def slowest(self, verdict: Verdict, trace_id: str | None) -> None:
        """Let the bucket of a slow post lead to its verdict, and to its trace if it has one."""
        exemplar = {"verdict_id": verdict.id} | ({"trace_id": trace_id} if trace_id else {})
        self.post_seconds.remember(verdict.timing_ms["total"] / 1000, exemplar)

    def observe_part(self, stage: str, seconds: float) -> None:
        """Time one part of a stage, such as `encode_text`."""
        self.stage_seconds.observe((seconds,), stage)

    def observe_answered(
        self, sent_ms: Sequence[int], created_at: Sequence[datetime], now: float
    ) -> None:
        """Time messages that the broker has just acknowledged.

        Args:
            sent_ms: the messages' times, milliseconds since 1970; 0 or less where there is none.
            created_at: those of their posts that say so; without a zone they are UTC.
            now: seconds since 1970. Clocks differ: an age below zero counts as none.
        """
        if ages := [max(0.0, now - sent / 1000) for sent in sent_ms if sent > 0]:
            self.end_to_end_seconds.observe(ages, "message")
        if created_at:
            utc = [at if at.tzinfo else at.replace(tzinfo=UTC) for at in created_at]
            ages = [max(0.0, now - at.timestamp()) for at in utc]
            self.end_to_end_seconds.observe(ages, "created")

    def _observe_unread(self, verdicts: Sequence[Verdict]) -> int:
        """Count parts that were not read; returns how many posts have such, or deferred ones."""
        unread = [
            (place, report)
            for place, verdict in enumerate(verdicts)
            for report in verdict.modalities
            if report.status in _PARTLY
        ]
        for _, report in unread:
            if report.status in _UNREAD:
                self.unread.labels(report.channel, report.code).inc()
        return len({place for place, _ in unread})

    def _observe_rules(self, verdicts: Sequence[Verdict]) -> None:
        hits = Count(
            (rule.id, rule.action, rule.shadow)
            for verdict in verdicts
            for rule in verdict.rules
            if rule.score >= rule.review_at
        )
        with self._lock:
            for (rule, action, shadow), count in hits.items():
                mode = "shadow" if shadow else "enforced"
                self._hits[self._labels[rule], action, mode] += count

    def expose(self) -> bytes:
        """The text exposition format."""
        return generate_latest(self.registry)

    def page(self, accept: str, names: Sequence[str] = ()) -> tuple[bytes, str]:
        """The page and its content type: OpenMetrics, with exemplars, for who accepts it.

        With `names` only these samples: the whole page of a hundred rules costs ten milliseconds.
        """
        encoder, content_type = choose_encoder(accept)
        registry = self.registry.restricted_registry(names) if names else self.registry
        return encoder(registry), content_type
