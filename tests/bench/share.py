"""Image posts through the worker against the encoders alone on the same images."""

import base64
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from moderator.encoders.base import ImageEncoder
from moderator.encoders.load import load_space
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import preparation_for
from moderator.settings import load_settings
from tests.bench.photographs import photograph
from tests.bench.report import Row
from tests.bench.skeletons import Skeletons
from tests.bench.stream import WORKER_CORES, a_kafka, measure, worker_cores
from tests.bench.timing import repeats

ROUNDS = 3


def run(_: Skeletons) -> Iterator[Row]:
    """The rows of `worker`: with the models that ship with the package."""
    yield from _share(load_settings().models, count=4_000)


def run_clip(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `worker-clip`: with an encoder of the size that production runs."""
    skeletons.space("fp32")
    yield from _share(skeletons.folder, "--images", str(skeletons.folder), count=500)


def _share(models: Path, *flags: str, count: int) -> Iterator[Row]:
    pictures = [photograph(seed) for seed in range(64)]
    media = [[{"data": base64.b64encode(picture).decode()}] for picture in pictures]
    posts = [
        msgspec.json.encode({"id": f"post-{n}", "media": media[n % len(media)]})
        for n in range(count)
    ]
    shares, bare, through = [], [], []
    with a_kafka() as (kafka, folder):
        with worker_cores():  # its threads too
            encoder = load_space(models, "cpu").image
        assert encoder is not None
        for _ in range(repeats(ROUNDS)):
            # Before and after, because the machine's speed drifts.
            around = [bare_images_per_second(encoder, pictures, count // 2)]
            # The pictures come again and again: remembering them would be no measure of the worker.
            run = measure(kafka, folder, posts, *flags, media_cache_bytes=0)
            around.append(bare_images_per_second(encoder, pictures, count // 2))
            through.append(run.posts_per_second)
            bare.append(statistics.mean(around))
            shares.append(through[-1] / bare[-1])
    yield Row("bare decode + encoder", statistics.median(bare), "images/s")
    yield Row("worker, posts with an image", statistics.median(through), "posts/s")
    yield Row("worker as a share of bare", statistics.median(shares))


def bare_images_per_second(encoder: ImageEncoder, pictures: Sequence[bytes], count: int) -> float:
    """Decode, prepare and encode in as many threads as the worker has; nothing else."""
    batch = load_settings().batch_posts
    prepare = preparation_for(encoder, DecodeLimits())

    def encode(start: int) -> None:
        images = [pictures[n % len(pictures)] for n in range(start, min(start + batch, count))]
        encoder.encode([look.pixels for image in images for look in prepare(image).looks])

    with worker_cores(), ThreadPoolExecutor(len(WORKER_CORES)) as pool:
        list(pool.map(encode, range(0, 2 * batch, batch)))  # warm
        began = time.perf_counter()
        list(pool.map(encode, range(0, count, batch)))
        return count / (time.perf_counter() - began)
