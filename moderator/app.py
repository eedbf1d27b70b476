"""The composition root: the only place that builds the parts and wires them together."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from threadpoolctl import threadpool_limits

from moderator.cache.base import VectorCache
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
from moderator.policy.policyset import PolicySet
from moderator.reading import ReadingLimits
from moderator.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Core:
    """What every way of screening needs, be it a worker, a command or a test."""

    screener: Screener
    rules: CompiledRules
    compiler: Callable[[PolicySet], CompiledRules]  # for policies that come later
    policy_files: tuple[Path, ...]  # every file that the rules depend on
    loader: MediaLoader
    cache: VectorCache


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
    cache = build_cache(settings)
    for warning in policies.warnings:
        log.warning("%s", warning)
    compiler = partial(compile_rules, channels=channels, cache=cache)
    try:
        rules = compiler(policies)
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
        compiler,
        policies.read,
        build_loader(settings),
        cache,
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


def run_worker(settings: Settings, space: Space | None = None) -> None:
    """Run the stream worker until a signal; ends the process. Raises StartupError."""
    # Faust is imported by those who run a worker only: it takes half a second.
    from moderator.stream import app as stream
    from moderator.stream.answerer import Answerer
    from moderator.stream.hotpath import HotPath
    from moderator.stream.policies import LivePolicies
    from moderator.stream.policy_metrics import PolicyMetrics
    from moderator.stream.watch import PolicyWatch

    core = build_core(settings, space)
    metrics = Metrics()
    metrics.watch_cache(core.cache)
    live = LivePolicies(core.screener, core.compiler, PolicyMetrics(metrics.registry))
    answerer = Answerer(settings, core.screener, metrics, observe=live.observe)
    answerer.warm_up()
    policy, models = core.rules.receipt.policy, core.rules.receipt.models
    log.info("policies %s, version %s, digest %s", policy.name, policy.version, policy.digest)
    log.info("models %s", ", ".join(f"{k} {m.name} {m.digest}" for k, m in models.items()))
    hot_path = HotPath(settings, answerer, core.loader, metrics)
    app = stream.make_app(
        settings, hot_path, metrics, PolicyWatch(settings, live, core.policy_files)
    )
    stream.run_worker(app, settings)
