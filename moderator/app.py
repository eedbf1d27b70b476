"""The composition root: the only place that builds the parts and wires them together."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
from moderator.reading import ReadingLimits
from moderator.settings import Settings

if TYPE_CHECKING:
    from moderator.authoring.workbench import Workbench

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Core:
    """What every way of screening needs, be it a worker, a command or a test."""

    screener: Screener
    rules: CompiledRules
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
    try:
        rules = compile_rules(policies, channels, cache)
    except InferenceError as error:
        raise ModelError(
            f"{settings.models}: cannot embed the policies' prompts: {error}"
        ) from error
    return Core(
        Screener(rules, channels, build_limits(settings), settings.verdict_detail),
        rules,
        build_loader(settings),
        cache,
    )


def build_workbench(settings: Settings, space: Space | None = None) -> "Workbench":
    """What the commands for authors of policies work with. Raises StartupError."""
    from moderator.authoring.workbench import Workbench
    from moderator.cache.disk import DiskCache, user_cache

    threadpool_limits(1, user_api="blas")
    space = space or load_space(settings.models, settings.provider)
    return Workbench(
        channels=dict.fromkeys(space.channels, space),
        cache=TieredCache(build_cache(settings), DiskCache(user_cache())),
        limits=build_limits(settings),
        loader=build_loader(settings),
        callers=settings.batches_at_once,
    )


def build_limits(settings: Settings) -> ReadingLimits:
    """How much of a post is read."""
    return ReadingLimits(
        max_text_characters=settings.max_text_characters,
        max_pixels=settings.media_post_pixels,
        decode=DecodeLimits(max_pixels=settings.media_max_pixels),
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

    core = build_core(settings, space)
    metrics = Metrics()
    metrics.watch_cache(core.cache)
    answerer = Answerer(settings, core.screener, metrics)
    answerer.warm_up()
    policy, models = core.rules.receipt.policy, core.rules.receipt.models
    log.info("policies %s, version %s, digest %s", policy.name, policy.version, policy.digest)
    log.info("models %s", ", ".join(f"{k} {m.name} {m.digest}" for k, m in models.items()))
    hot_path = HotPath(settings, answerer, core.loader, metrics)
    app = stream.make_app(settings, hot_path, metrics)
    stream.run_worker(app, settings)
