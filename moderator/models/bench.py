"""How fast encoders are on this machine, by size of batch and length of text."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from moderator.cores import usable_cores
from moderator.encoders.base import ImageEncoder, Space
from moderator.errors import StartupError
from moderator.extras import how_to_install

_WORDS = ("this", "is", "one", "of", "the", "many", "posts", "that", "people", "write", "here")
_FEWEST_CALLS = 3


@dataclass(frozen=True)
class Speed:
    """One size of batch of one kind of input."""

    what: str  # images, or texts of so many words
    batch: int
    median_ms: float  # of a batch that runs alone
    p95_ms: float
    alone_per_second: float  # one caller
    per_second: float  # as many callers as cores


def measure(
    space: Space, batches: Sequence[int], words: Sequence[int], seconds: float
) -> Iterator[Speed]:
    """Time each encoder of a space, about twice `seconds` for each line. Raises InferenceError."""
    for length in words:
        text = " ".join(_WORDS[place % len(_WORDS)] for place in range(length))
        for batch in batches:
            yield _speed(f"texts of {length} words", batch, seconds, _texts(space, [text] * batch))
    if space.image is not None:
        for batch in batches:
            yield _speed("images", batch, seconds, _images(space.image, batch))


def _texts(space: Space, texts: list[str]) -> Callable[[], object]:
    return lambda: space.text.encode(texts)


def _images(encoder: ImageEncoder, batch: int) -> Callable[[], object]:
    """Prepared images: decoding is the uploads' cost, not the encoder's."""
    random = np.random.default_rng(0)
    noise = Image.fromarray(random.integers(0, 256, (encoder.side, encoder.side, 3), np.uint8))
    pixels = [encoder.prepare(noise)] * batch
    return lambda: encoder.encode(pixels)


def _speed(what: str, batch: int, seconds: float, encode: Callable[[], object]) -> Speed:
    encode()  # the first is never the usual one
    times = _times(encode, seconds)
    callers = usable_cores()
    with ThreadPoolExecutor(callers) as pool:
        began = time.perf_counter()
        calls = sum(len(each) for each in pool.map(_times, [encode] * callers, [seconds] * callers))
        together = calls * batch / (time.perf_counter() - began)
    return Speed(
        what=what,
        batch=batch,
        median_ms=statistics.median(times) * 1000,
        p95_ms=float(np.percentile(times, 95)) * 1000,
        alone_per_second=len(times) * batch / sum(times),
        per_second=together,
    )


def _times(encode: Callable[[], object], seconds: float) -> list[float]:
    """Of one call after the other, in seconds."""
    times: list[float] = []
    while sum(times) < seconds or len(times) < _FEWEST_CALLS:
        began = time.perf_counter()
        encode()
        times.append(time.perf_counter() - began)
    return times


def plot(speeds: Sequence[Speed], title: str, file: Path) -> None:
    """Draw throughput and latency over the size of batch. Raises StartupError."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        raise StartupError(f"--plot needs matplotlib: {how_to_install('plot')}") from error
    figure = Figure(figsize=(10, 4), layout="constrained")
    rates, waits = figure.subplots(1, 2)
    for what in dict.fromkeys(speed.what for speed in speeds):
        of = [speed for speed in speeds if speed.what == what]
        sizes = [speed.batch for speed in of]
        rates.plot(sizes, [speed.per_second for speed in of], marker="o", label=what)
        waits.plot(sizes, [speed.median_ms for speed in of], marker="o", label=what)
    for axes, label in ((rates, "per second, a caller on each core"), (waits, "ms, alone")):
        axes.set(xscale="log", xlabel="batch", title=label, ylim=(0, None))
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.grid(visible=True, alpha=0.3)
    rates.legend(fontsize="small")
    figure.suptitle(title)
    figure.savefig(file, dpi=120)
