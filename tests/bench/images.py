"""`screen()` on image posts against the bare session, in fp32 and int8."""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import onnxruntime as ort

from moderator.encoders.base import Space
from moderator.pipeline import Screener
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from tests.bench.photographs import photograph
from tests.bench.report import CORES, Row
from tests.bench.skeletons import Skeletons
from tests.bench.timing import Runs, interleaved, per_second, ratio
from tests.builders import a_screener

BATCHES = (1, 4, 8, 16)
BATCH_POSTS = 8
COUNT = 16 * len(CORES)  # images a run
ROUNDS = 5


def run(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `images`."""
    photographs = [photograph(seed) for seed in range(32)]
    posts = [image_post(number, photographs[number % 32]) for number in range(COUNT)]
    bare = {f"bare, batch {batch}": bare_session(skeletons, batch) for batch in BATCHES}
    runs = interleaved(
        {
            **bare,
            "bare, int8": bare_session(skeletons, 8, "int8"),
            "screen": screening(skeletons.space("fp32"), posts),
            "screen, int8": screening(skeletons.space("int8"), posts),
        },
        ROUNDS,
    )
    best = max(bare, key=lambda name: float(np.median(runs[name])))
    yield Row(f"{best}: one session, as many threads as cores", _median(runs, best), "images/s")
    yield Row("screen() of image posts", _median(runs, "screen"), "images/s")
    yield Row("screen() as a share of bare", ratio(runs, "screen", best), bar=0.95)
    yield Row("int8, bare: times bare fp32", ratio(runs, "bare, int8", best), bar=1.8)
    yield Row(
        "int8, screen(): times screen() in fp32", ratio(runs, "screen, int8", "screen"), bar=1.8
    )
    yield Row("int8, screen(): times bare fp32", ratio(runs, "screen, int8", best))


def image_post(number: int, picture: bytes) -> LoadedPost:
    """A post with one attachment and no text."""
    post = Post(id=str(number), media=(Media(data=picture),))
    return LoadedPost(post, (picture,), time.perf_counter())


def bare_session(skeletons: Skeletons, batch: int, variant: str = "fp32") -> Callable[[], float]:
    """Images a second of onnxruntime alone, on tensors that are ready, set up as by default."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = len(CORES)
    graph = skeletons.graph("vision", variant)
    session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    pixels = np.random.default_rng(0).standard_normal((batch, 3, 224, 224), np.float32)
    feeds = {session.get_inputs()[0].name: pixels}
    calls = max(1, COUNT // batch)
    return lambda: per_second(
        lambda _: session.run(["image_embeds"], feeds), calls, calls * batch, callers=1
    )


def screening(
    space: Space, posts: Sequence[LoadedPost], screener: Screener | None = None
) -> Callable[[], float]:
    """Posts a second of `screen()` on batches, as many at once as there are cores."""
    used = screener or a_screener(space=space)
    batches = [posts[start : start + BATCH_POSTS] for start in range(0, len(posts), BATCH_POSTS)]
    return lambda: per_second(
        lambda number: used.screen(batches[number]), len(batches), len(posts), len(CORES)
    )


def _median(runs: Runs, name: str) -> float:
    return float(np.median(runs[name]))
