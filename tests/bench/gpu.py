"""`python -m tests.bench.gpu MODEL...`: what a GPU makes of encoders, by size of batch.

Give folders of models with fp16 graphs, such as CLIP ViT-B/32 and ViT-L/14. Prints a table for
models/README.md. Runs on a CPU too, where it says so and means little.
"""

import argparse
import datetime as dt
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import get_args

from PIL import Image

from moderator.encoders.base import ImageEncoder, Pixels, Space, Warms
from moderator.encoders.load import load_space
from moderator.encoders.onnx import Provider
from moderator.errors import ModelError
from moderator.media.decode import DecodeLimits, decode
from tests.bench.encoders import with_noise
from tests.bench.images import image_post
from tests.bench.photographs import photograph
from tests.bench.report import machine
from tests.bench.timing import milliseconds
from tests.builders import a_screener

BATCHES = (1, 2, 4, 8, 16, 32, 64)
FEWEST_CALLS = 3
TEXT = "A text of some twenty words, as posts have them, that says nothing in particular to you."


Line = tuple[str, str]  # what, and its figure


@dataclass(frozen=True)
class Options:
    """What the command line said."""

    models: tuple[Path, ...]
    providers: tuple[Provider, ...]
    variant: str
    batches: tuple[int, ...]
    seconds: float
    photographs: int
    peak_tflops: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    options = _options(arguments)
    on = ", ".join(f"{name} {value}" for name, value in machine().items())
    print(f"{dt.datetime.now(dt.UTC):%Y-%m-%d}; {on}")
    print("\n| model, provider | what | figure |\n|---|---|---:|")
    for folder in options.models:
        for provider in options.providers:
            try:
                space = with_noise(load_space(folder, provider, options.variant))
            except ModelError as error:
                print(f"| {folder.name}, {provider} | not measured | {error} |")
                continue
            for what, figure in lines(space, options, multiply_adds(folder)):
                print(f"| {folder.name}, {provider} | {what} | {figure} |", flush=True)


def lines(space: Space, options: Options, macs: float | None) -> Iterator[Line]:
    """Every figure of one model on one provider; `macs` are those of one image."""
    began = time.perf_counter()
    encoders: list[object] = [space.text, space.image]
    for encoder in encoders:
        if isinstance(encoder, Warms):
            encoder.warm_up()
    yield "warm-up of every shape", f"{time.perf_counter() - began:.1f} s"
    for batch in options.batches:
        rate = _rate(partial(space.text.encode, [TEXT] * batch), batch, options.seconds)
        yield f"texts, batch {batch}", f"{rate:,.0f}/s"
    if space.image is not None:
        yield from _images(space.image, options, macs)
        yield from _end_to_end(space, space.image, options)


def _images(encoder: ImageEncoder, options: Options, macs: float | None) -> Iterator[Line]:
    pixels = encoder.prepare(Image.new("RGB", (encoder.side, encoder.side), "grey"))
    best = 0.0
    for batch in options.batches:
        rate = _rate(partial(encoder.encode, [pixels] * batch), batch, options.seconds)
        best = max(best, rate)
        yield f"images, batch {batch}", f"{rate:,.0f}/s"
    if options.peak_tflops and macs:
        share = best * 2 * macs / (options.peak_tflops * 1e12)
        yield f"images, share of {options.peak_tflops:g} TFLOP/s", f"{share:.1%}"


def _end_to_end(space: Space, encoder: ImageEncoder, options: Options) -> Iterator[Line]:
    pictures = [photograph(seed, side=640) for seed in range(options.photographs)]
    posts = [image_post(place, picture) for place, picture in enumerate(pictures)]
    most = options.batches[-1]
    batches = [posts[start : start + most] for start in range(0, len(posts), most)]
    screener, cores = a_screener(space=space), len(os.sched_getaffinity(0))

    def prepare(picture: bytes) -> Pixels:
        return encoder.prepare(decode(picture, DecodeLimits(), encoder.side))

    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(prepare, pictures[:cores]))  # warm
        began = time.perf_counter()
        pixels = list(pool.map(prepare, pictures))
        decoding = time.perf_counter() - began
        began = time.perf_counter()
        encoder.encode(pixels)
        encoding = time.perf_counter() - began
        began = time.perf_counter()
        list(pool.map(screener.screen, batches))
        whole = time.perf_counter() - began
    yield f"decode and prepare, {cores} cores", f"{len(posts) / decoding:,.0f} images/s"
    share = decoding / (decoding + encoding)
    yield "share of decoding, were nothing done side by side", f"{share:.0%}"
    yield "end to end: screen(), posts with an image", f"{len(posts) / whole:,.0f} posts/s"


def _rate(encode: Callable[[], object], batch: int, seconds: float) -> float:
    """Inputs a second of one caller; the median of its calls."""
    encode()
    times: list[float] = []
    while sum(times) < seconds * 1000 or len(times) < FEWEST_CALLS:
        times.append(milliseconds(encode))
    return batch / statistics.median(times) * 1000


def multiply_adds(folder: Path) -> float | None:
    """Of one image through a vision transformer, from its config; None for what is none.

    A layer has 12 · width² for each token, and 2 · tokens · width for each in its attention.
    """
    try:
        vision = json.loads((folder / "config.json").read_text())["vision_config"]
        width, layers = vision["hidden_size"], vision["num_hidden_layers"]
        patch, side = vision["patch_size"], vision["image_size"]
    except (OSError, ValueError, KeyError):
        return None
    patches = (side // patch) ** 2
    tokens = patches + 1
    whole = layers * tokens * (12 * width**2 + 2 * tokens * width) + patches * 3 * patch**2 * width
    return float(whole)


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gpu", description=__doc__)
    parser.add_argument("models", nargs="+", type=Path, help="folders of models")
    parser.add_argument(
        "--provider", action="append", choices=get_args(Provider), help="by default cuda, tensorrt"
    )
    parser.add_argument("--variant", default="fp16", help="of the graphs (default: fp16)")
    parser.add_argument("--batch", action="append", type=int, help="sizes (default: 1 to 64)")
    parser.add_argument("--seconds", type=float, default=2.0, help="for each figure")
    parser.add_argument("--photographs", type=int, default=2048, help="to decode and screen")
    parser.add_argument("--peak-tflops", type=float, default=0.0, help="of the chip, in fp16")
    found = parser.parse_args(arguments)
    return Options(
        models=tuple(found.models),
        providers=tuple(found.provider or ("cuda", "cuda-graphs", "tensorrt")),
        variant=found.variant,
        batches=tuple(sorted(found.batch or BATCHES)),
        seconds=found.seconds,
        photographs=found.photographs,
        peak_tflops=found.peak_tflops,
    )


if __name__ == "__main__":
    main()
