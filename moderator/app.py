"""The composition root: the only place that builds the parts and wires them together."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from moderator.cache.base import VectorCache
from moderator.cache.counted import CountedCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from moderator.errors import InferenceError, ModelError
from moderator.media.decode import DecodeLimits
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.load import LoadLimits, MediaLoader
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.load import load_policies
from moderator.reading import ReadingLimits
from moderator.settings import Settings
from moderator.tracing import Tracing

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Core:
    """What every way of screening needs, be it a worker, a command or a test."""

    screener: Screener
    rules: CompiledRules
    loader: MediaLoader
    cache: CountedCache
    channels: Mapping[str, Space]


def build_core(settings: Settings, space: Space | None = None) -> Core:
    """Load models and policies and compile the rules. `space` stands in for `settings.models`.

    Raises StartupError.
    """
    # Batches are screened side by side, one on each core; more threads inside them only contend:
    # with 10,000 rules that costs 2.3 times the CPU.
    threadpool_limits(1, user_api="blas")
    policies = load_policies(settings.policies)  # first: it is quick, and most often wrong
    space = space or load_space(settings.models, settings.provider)
    channels = dict.fromkeys(space.channels, space)
    cache = CountedCache(build_cache(settings))
    try:
        rules = compile_rules(policies, channels, cache)
    except InferenceError as error:
        raise ModelError(
            f"{settings.models}: cannot embed the policies' prompts: {error}"
        ) from error
    limits = ReadingLimits(
        max_text_characters=settings.max_text_characters,
        max_pixels=settings.media_post_pixels,
        decode=DecodeLimits(max_pixels=settings.media_max_pixels),
    )
    return Core(
        Screener(rules, channels, limits, settings.verdict_detail),
        rules,
        build_loader(settings),
        cache,
        channels,
    )


def build_cache(settings: Settings) -> VectorCache:
    """Memory, with Redis behind it where one is set."""
    memory = MemoryCache(settings.cache_vectors)
    if settings.redis is None:
        return memory
    return TieredCache(memory, RedisCache(settings.redis.get_secret_value()))


def build_loader(settings: Settings) -> MediaLoader:
    """The guarded way to attachments."""
    fetcher = Fetcher(
        FetchLimits(
            max_bytes=settings.media_max_bytes,
            timeout_seconds=settings.media_timeout_seconds,
            ports=settings.media_ports,
            allow_networks=settings.media_allow_networks,
            file_root=settings.media_file_root,
        )
    )
    limits = LoadLimits(
        max_media=settings.max_media,
        max_bytes=settings.media_post_bytes,
        max_seconds=settings.media_post_seconds,
    )
    return MediaLoader(fetcher, limits, fetchers=settings.media_fetchers)


def build_metrics(settings: Settings, core: Core) -> Metrics:
    """Metrics that watch every part of the core."""
    metrics = Metrics(most_rules=settings.metrics_rules)
    metrics.batch_limit.set(settings.batch_posts)
    metrics.in_flight_limit.set(settings.max_in_flight_posts)
    metrics.batches_at_once.set(settings.batches_at_once)
    metrics.watch_cache(core.cache)
    metrics.watch_loader(core.loader)
    metrics.watch_gpus()
    return metrics


def build_tracing(settings: Settings) -> Tracing | None:
    """Traces to the collector that the settings name. Raises StartupError without the extra."""
    if settings.otlp_endpoint is None:
        return None
    from moderator.tracing import tracing_to  # free for those who do not trace

    return tracing_to(settings.otlp_endpoint, settings.trace_ratio)


def run_worker(
    settings: Settings, space: Space | None = None, metrics: Metrics | None = None
) -> None:
    """Run the stream worker until a signal; ends the process. Raises StartupError.

    `metrics` takes the place of those that watch everything, for who measures what they cost.
    """
    # Faust is imported by those who run a worker only: it takes half a second.
    from moderator.stream import app as stream
    from moderator.stream.answerer import Answerer
    from moderator.stream.hotpath import HotPath

    core = build_core(settings, space)
    metrics = metrics or build_metrics(settings, core)
    answerer = Answerer(settings, core.screener, metrics, build_tracing(settings))
    answerer.warm_up()
    metrics.watch_screener(core.screener, core.channels)  # now: the first posts are no posts
    policy, models = core.rules.receipt.policy, core.rules.receipt.models
    log.info("policies %s, version %s, digest %s", policy.name, policy.version, policy.digest)
    log.info("models %s", ", ".join(f"{k} {m.name} {m.digest}" for k, m in models.items()))
    hot_path = HotPath(settings, answerer, core.loader, metrics)
    metrics.watch_stream(hot_path)
    app = stream.make_app(settings, hot_path, metrics)
    stream.run_worker(app, settings)
