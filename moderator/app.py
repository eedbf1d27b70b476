"""The composition root: the only place that builds the parts and wires them together."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from moderator.cache.base import VectorCache
from moderator.cache.counted import CountedCache
from moderator.cache.media import MediaCache
from moderator.cache.memory import MemoryCache
from moderator.cache.tiered import TieredCache
from moderator.embedder import Embedder
from moderator.encoders.base import Space
from moderator.encoders.load import load_space
from moderator.errors import InferenceError, ModelError
from moderator.media.decode import DecodeLimits
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.hosts import HostLimits
from moderator.media.load import LoadLimits, MediaLoader
from moderator.media.prepare import LocalDecoder, MediaDecoder, preparation_for
from moderator.media.processes import DecoderProcesses, ProcessLimits
from moderator.metrics import Metrics
from moderator.models.resolve import resolve_models
from moderator.pictures import media_scope
from moderator.pipeline import Screener
from moderator.policy.beside import compile_beside
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.policyset import PolicySet
from moderator.reading import ReadingLimits
from moderator.settings import Settings
from moderator.stream.files import FileWatch
from moderator.tracing import Tracing

if TYPE_CHECKING:
    from moderator.authoring.workbench import Workbench
    from moderator.ocr.base import TextReader

log = logging.getLogger(__name__)

# What reading text in pictures takes beside that: libraries, models, and a line of many letters.
_OCR_BYTES = 3 * 2**30

# Address space of a decoder process: what it has before it decodes, and what `DecodeLimits` says of
# a pixel at worst, with room for FFmpeg's frames in flight.
_DECODER_BYTES = 768 * 2**20
_DECODER_BYTES_PER_PIXEL = 24


@dataclass(frozen=True)
class Core:
    """What every way of screening needs, be it a worker, a command or a test."""

    screener: Screener
    rules: CompiledRules
    compiler: Callable[[PolicySet], CompiledRules]  # as fast as can be
    compiler_beside: Callable[[PolicySet], CompiledRules]  # while posts are screened
    channels: Mapping[str, Space]
    policy_files: FileWatch  # they were loaded from
    loader: MediaLoader
    cache: CountedCache
    decoder: MediaDecoder | None = None  # none where no model sees images
    seen: MediaCache | None = None  # attachments; None where it is switched off


def build_core(settings: Settings, space: Space | None = None) -> Core:
    """Load models and policies and compile the rules. `space` stands in for `settings.models`.

    Raises StartupError.
    """
    # Batches are screened side by side, one on each core; more threads inside them only contend:
    # with 10,000 rules that costs 2.3 times the CPU.
    threadpool_limits(1, user_api="blas")
    files = FileWatch(settings.policies)
    policies = files.load()  # first: it is quick, and most often wrong
    cache = CountedCache(build_cache(settings))
    channels = load_channels(settings, cache, space)
    for warning in policies.warnings:
        log.warning("%s", warning)
    compiler = partial(compile_rules, channels=channels, cache=cache)
    try:
        rules = compiler(policies)
    except InferenceError as error:
        raise ModelError(
            f"{settings.models}: cannot embed the policies' prompts or the background: {error}"
        ) from error
    image = channels.get("image")
    decoder = build_decoder(settings, image)
    seen = build_media_cache(settings, image)
    embedder = Embedder(channels, build_limits(settings), decoder=decoder, seen=seen)
    return Core(
        Screener(rules, embedder, settings.verdict_detail),
        rules,
        compiler,
        partial(compile_beside, channels=channels, cache=cache),
        channels,
        files,
        build_loader(settings),
        cache,
        decoder,
        seen,
    )


def decode_limits(settings: Settings) -> DecodeLimits:
    """How much of an attachment is looked at."""
    return DecodeLimits(
        max_pixels=settings.media_max_pixels,
        frames=settings.media_frames,
        read_truncated=settings.media_truncated == "read",
    )


def build_decoder(settings: Settings, space: Space | None) -> MediaDecoder | None:
    """From strangers' bytes to what a space takes, in processes of their own by default."""
    if space is None or space.image is None:
        return None
    reader = build_reader(settings)
    preparation = preparation_for(space.image, decode_limits(settings), reader)
    if settings.decoder_processes == 0:
        return LocalDecoder(preparation)
    wanted = settings.decoder_processes
    return DecoderProcesses(
        preparation,
        ProcessLimits(
            processes=settings.batches_at_once if wanted < 0 else wanted,
            seconds=settings.decoder_seconds + (settings.ocr_seconds if reader else 0),
            memory_bytes=_DECODER_BYTES
            + _DECODER_BYTES_PER_PIXEL * settings.media_max_pixels
            + (_OCR_BYTES if reader else 0),
        ),
    )


def build_reader(settings: Settings) -> "TextReader | None":
    """What reads text in pictures. Raises ModelError where its extra is not installed."""
    if settings.ocr == "off":
        return None
    from moderator.ocr.base import OcrLimits  # an extra's way in
    from moderator.ocr.reader import RapidReader

    limits = OcrLimits(settings.ocr_seconds, max_characters=settings.max_text_characters)
    return RapidReader(limits)


def load_channels(
    settings: Settings, cache: VectorCache, space: Space | None = None
) -> dict[str, Space]:
    """The space each channel is read in: one for all, or one of its own for texts.

    Raises ModelError.
    """

    def load(models: Path) -> Space:
        folder = resolve_models(models, settings.models_home)
        return load_space(folder, settings.provider, settings.variant, cache)

    space = space or load(settings.models)
    channels = dict.fromkeys(space.channels, space)
    if settings.text_models is not None:
        if space.image is None:
            raise ModelError(
                f"{settings.models}: reads no images, so with MODERATOR_TEXT_MODELS it would have "
                "nothing to do; set MODERATOR_MODELS to a dual encoder, or to the folder for texts"
            )
        channels["text"] = load(settings.text_models)
    if reader := build_reader(settings):
        from moderator.ocr.space import space_of_writing

        if space.image is None:
            raise ModelError(
                f"{settings.models}: reads no images, so MODERATOR_OCR=on would have nothing to "
                "read; set MODERATOR_MODELS to a dual encoder, or MODERATOR_OCR to off"
            )
        channels["ocr"] = space_of_writing(channels["text"], reader.name)
    return channels


def build_workbench(settings: Settings, space: Space | None = None) -> "Workbench":
    """What the commands for authors of policies work with. Raises StartupError."""
    from moderator.authoring.workbench import Workbench
    from moderator.cache.disk import DiskCache, user_cache

    threadpool_limits(1, user_api="blas")
    cache = TieredCache(build_cache(settings), DiskCache(user_cache()))
    channels = load_channels(settings, cache, space)
    return Workbench(
        cache=cache,
        embedder=Embedder(
            channels,
            build_limits(settings),
            decoder=build_decoder(settings, channels.get("image")),
        ),
        loader=build_loader(settings),
        callers=settings.batches_at_once,
    )


def build_limits(settings: Settings) -> ReadingLimits:
    """How much of a post is read."""
    return ReadingLimits(
        max_text_characters=settings.max_text_characters,
        max_pixels=settings.media_post_pixels,
        max_decode_seconds=settings.media_post_decode_seconds,
        smooth_frames=settings.media_frames_vote == "smoothed",
        text_sentences=settings.text_sentences,
    )


def build_cache(settings: Settings) -> VectorCache:
    """Memory, with Redis behind it where one is set."""
    return _tiers(MemoryCache(settings.cache_vectors), settings)


def build_media_cache(settings: Settings, space: Space | None) -> MediaCache | None:
    """A cache of its own for attachments, so that they push out no rule's vectors."""
    if space is None or settings.media_cache_bytes == 0:
        return None
    memory = MemoryCache(settings.media_cache_bytes, settings.media_cache_bytes)
    vectors = _tiers(memory, settings, ttl_seconds=settings.media_cache_seconds)
    reader = build_reader(settings)
    scope = media_scope(space, decode_limits(settings), reader)
    return MediaCache(vectors, scope, space.dimensions, texts=reader is not None)


def _tiers(
    memory: MemoryCache, settings: Settings, *, ttl_seconds: int | None = None
) -> VectorCache:
    if settings.redis is None:
        return memory
    from moderator.cache.redis import RedisCache  # half of what a command without Redis takes

    redis = RedisCache(
        settings.redis.get_secret_value(), ttl_seconds=ttl_seconds, tls=settings.redis_tls
    )
    return TieredCache(memory, redis)


def build_loader(settings: Settings) -> MediaLoader:
    """The guarded way to attachments."""
    fetcher = Fetcher(
        FetchLimits(
            max_bytes=settings.media_max_bytes,
            timeout_seconds=settings.media_timeout_seconds,
            schemes=settings.media_schemes,
            ports=settings.media_ports,
            allow_hosts=settings.media_allow_hosts,
            allow_networks=settings.media_allow_networks,
            file_root=settings.media_file_root,
            hosts=HostLimits(
                at_once=settings.media_host_requests,
                failures=settings.media_host_failures,
                rest_seconds=settings.media_host_rest_seconds,
            ),
        ),
        proxy=settings.media_proxy.get_secret_value() if settings.media_proxy else None,
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
    metrics.watch_cache(core.cache, *([core.seen] if core.seen else []))
    if core.seen:
        metrics.watch_media(core.seen)
    metrics.watch_loader(core.loader)
    core.screener.embedder.on_written = metrics.observe_written
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
    from moderator.metrics.policies import PolicyMetrics
    from moderator.stream import app as stream
    from moderator.stream.answerer import Answerer
    from moderator.stream.hotpath import HotPath
    from moderator.stream.policies import LivePolicies
    from moderator.stream.watch import PolicyWatch

    core = build_core(settings, space)
    metrics = metrics or build_metrics(settings, core)
    if isinstance(core.decoder, DecoderProcesses):
        core.decoder.on_restart = metrics.count_decoder_restart
    if isinstance(core.decoder, DecoderProcesses | LocalDecoder):
        core.decoder.start()
    policy_metrics = PolicyMetrics(metrics.registry, most_rules=settings.metrics_rules)
    live = LivePolicies(core.screener, core.compiler, policy_metrics, beside=core.compiler_beside)
    answerer = Answerer(
        settings, core.screener, metrics, build_tracing(settings), observe=live.observe
    )
    answerer.warm_up()
    metrics.watch_screener(core.screener, core.channels)  # now: the first posts are no posts
    policy, models = core.rules.receipt.policy, core.rules.receipt.models
    log.info("policies %s, version %s, digest %s", policy.name, policy.version, policy.digest)
    log.info("models %s", ", ".join(f"{k} {m.name} {m.digest}" for k, m in models.items()))
    hot_path = HotPath(settings, answerer, core.loader, metrics)
    metrics.watch_stream(hot_path)
    app = stream.make_app(
        settings, hot_path, metrics, PolicyWatch(settings, live, core.policy_files)
    )
    stream.run_worker(app, settings)
