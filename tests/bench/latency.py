"""A post that comes alone, against the bare session at batch 1."""

from collections.abc import Iterator

import numpy as np
import onnxruntime as ort

from tests.bench.encoders import without_texts
from tests.bench.images import image_post
from tests.bench.photographs import photograph
from tests.bench.report import CORES, Row
from tests.bench.skeletons import Skeletons
from tests.bench.timing import milliseconds, repeats
from tests.builders import a_screener

ROUNDS = 120


def run(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `latency`."""
    screener = a_screener(space=without_texts(skeletons.space("fp32")))
    options = ort.SessionOptions()
    options.intra_op_num_threads = len(CORES)
    session = ort.InferenceSession(
        skeletons.graph("vision", "fp32"), options, providers=["CPUExecutionProvider"]
    )
    pixels = np.random.default_rng(0).standard_normal((1, 3, 224, 224), np.float32)
    feeds = {session.get_inputs()[0].name: pixels}
    posts = [image_post(number, photograph(number)) for number in range(repeats(ROUNDS))]
    bare, alone = [], []
    for post in posts:  # in turn, so that a slow second slows both
        bare.append(milliseconds(lambda: session.run(["image_embeds"], feeds)))
        alone.append(milliseconds(lambda post=post: screener.screen([post])))  # type: ignore[misc]
    half, most = np.percentile(bare, 50), np.percentile(alone, 99)
    yield Row("bare, batch 1, median", float(half), "ms")
    yield Row("bare, batch 1, p99", float(np.percentile(bare, 99)), "ms")
    yield Row("screen() of a lone image post, median", float(np.percentile(alone, 50)), "ms")
    yield Row("screen() of a lone image post, p99", float(most), "ms")
    yield Row("p99 of a lone post against bare", float(most / half), bar=1.5, at_most=True)
