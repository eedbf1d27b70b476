"""What decoding in processes costs: `python -m tests.bench.decoders`.

Image posts through `screen()` with the starter, decoded in the callers' threads and in processes,
as many callers as cores, interleaved; then what one crossing of the boundary costs a lone image.
"""

import os
import statistics
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from moderator.app import build_core
from moderator.encoders.load import load_space
from moderator.media.prepare import MediaDecoder
from moderator.pipeline import Screener
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.settings import load_settings
from tests.bench.photographs import photograph

_ROUNDS = 5
_POSTS = 640
_BATCH = 16


def posts(pictures: Sequence[bytes]) -> list[LoadedPost]:
    return [
        LoadedPost(Post(id=str(place), media=(Media(data=content),)), (content,))
        for place, content in enumerate(pictures[n % len(pictures)] for n in range(_POSTS))
    ]


def posts_per_second(screener: Screener, work: Sequence[LoadedPost]) -> float:
    batches = [work[start : start + _BATCH] for start in range(0, len(work), _BATCH)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as callers:
        began = time.perf_counter()
        list(callers.map(screener.screen, batches))
        return len(work) / (time.perf_counter() - began)


def milliseconds(call: Callable[[], object], times: int = 200) -> float:
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken)


def main() -> None:
    space = load_space(load_settings().models)
    decoders: dict[str, MediaDecoder] = {}
    screeners: dict[str, Screener] = {}
    for name, processes in {"threads": 0, "processes": -1}.items():
        core = build_core(load_settings({"decoder_processes": processes}), space)
        assert core.decoder is not None
        decoders[name], screeners[name] = core.decoder, core.screener
    print("| image posts | threads, posts/s | processes, posts/s | ratio |\n|---|---:|---:|---:|")
    for side in (320, 1280):
        work = posts([photograph(seed, side) for seed in range(32)])
        rates: dict[str, list[float]] = {name: [] for name in screeners}
        for screener in screeners.values():
            posts_per_second(screener, work[:64])
        for _ in range(_ROUNDS):
            for name, screener in screeners.items():
                rates[name].append(posts_per_second(screener, work))
        ratios = [p / t for p, t in zip(rates["processes"], rates["threads"], strict=True)]
        medians = " | ".join(f"{statistics.median(each):,.0f}" for each in rates.values())
        print(f"| {side} px JPEG | {medians} | {statistics.median(ratios):.2f} |")
    for side in (320, 1280):
        picture = photograph(0, side)
        here, there = (
            milliseconds(partial(decoder.prepare, picture)) for decoder in decoders.values()
        )
        print(f"\na lone image of {side} px: {here:.2f} ms here, {there:.2f} ms in a process")
    for decoder in decoders.values():
        decoder.close()


if __name__ == "__main__":
    main()
