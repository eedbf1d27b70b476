"""The composition root: the only place that builds the parts and wires them together."""

import logging
from dataclasses import dataclass

from threadpoolctl import threadpool_limits

from moderator.cache.base import VectorCache
from moderator.cache.memory import MemoryCache
from moderator.cache.redis import RedisCache
from moderator.cache.tiered import TieredCache
from moderator.encoders.base import ImageEncoder, Space
from moderator.encoders.load import load_space
from moderator.errors import InferenceError, ModelError
from moderator.media.decode import DecodeLimits
from moderator.media.fetch import Fetcher, FetchLimits
from moderator.media.hosts import HostLimits
from moderator.media.load import LoadLimits, MediaLoader
from moderator.media.prepare import LocalDecoder, MediaDecoder, preparation_for
from moderator.media.processes import DecoderProcesses, ProcessLimits
from moderator.metrics import Metrics
from moderator.pipeline import Screener
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.load import load_policies
from moderator.reading import ReadingLimits
from moderator.settings import Settings

log = logging.getLogger(__name__)

# Address space of a decoder process: what it has before it decodes, and what `DecodeLimits` says of
# a pixel at worst, with room for FFmpeg's frames in flight.
_DECODER_BYTES = 768 * 2**20
_DECODER_BYTES_PER_PIXEL = 24


@dataclass(frozen=True)
class Core:
    """What every way of screening needs, be it a worker, a command or a test."""

    screener: Screener
    rules: CompiledRules
    loader: MediaLoader
    cache: VectorCache
    decoder: MediaDecoder | None = None  # none where no model sees images


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
    limits = ReadingLimits(
        max_text_characters=settings.max_text_characters,
        max_pixels=settings.media_post_pixels,
        smooth_frames=settings.media_frames_vote == "smoothed",
    )
    image = channels.get("image")
    decoder = build_decoder(settings, image.image) if image and image.image else None
    return Core(
        Screener(rules, channels, limits, settings.verdict_detail, decoder=decoder),
        rules,
        build_loader(settings),
        cache,
        decoder,
    )


def build_decoder(settings: Settings, encoder: ImageEncoder) -> MediaDecoder:
    """From strangers' bytes to what `encoder` takes, in processes of their own by default."""
    limits = DecodeLimits(
        max_pixels=settings.media_max_pixels,
        frames=settings.media_frames,
        read_truncated=settings.media_truncated == "read",
    )
    preparation = preparation_for(encoder, limits)
    if settings.decoder_processes == 0:
        return LocalDecoder(preparation)
    wanted = settings.decoder_processes
    return DecoderProcesses(
        preparation,
        ProcessLimits(
            processes=settings.batches_at_once if wanted < 0 else wanted,
            seconds=settings.decoder_seconds,
            memory_bytes=_DECODER_BYTES + _DECODER_BYTES_PER_PIXEL * settings.media_max_pixels,
        ),
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


def run_worker(settings: Settings, space: Space | None = None) -> None:
    """Run the stream worker until a signal; ends the process. Raises StartupError."""
    # Faust is imported by those who run a worker only: it takes half a second.
    from moderator.stream import app as stream
    from moderator.stream.answerer import Answerer
    from moderator.stream.hotpath import HotPath

    core = build_core(settings, space)
    metrics = Metrics()
    metrics.watch_cache(core.cache)
    if isinstance(core.decoder, DecoderProcesses):
        core.decoder.on_restart = metrics.count_decoder_restart
        core.decoder.start()
    answerer = Answerer(settings, core.screener, metrics)
    answerer.warm_up()
    policy, models = core.rules.receipt.policy, core.rules.receipt.models
    log.info("policies %s, version %s, digest %s", policy.name, policy.version, policy.digest)
    log.info("models %s", ", ".join(f"{k} {m.name} {m.digest}" for k, m in models.items()))
    hot_path = HotPath(settings, answerer, core.loader, metrics)
    app = stream.make_app(settings, hot_path, metrics)
    stream.run_worker(app, settings)
