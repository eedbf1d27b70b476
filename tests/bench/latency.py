"""A post that comes alone, against the bare session at batch 1, both with all cores.

The bar holds like against like, p99 against p99: on a shared machine the bare session's own p99
is up to 2.6 times its median.
"""

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
    screener.screen(posts[:1])  # as a worker does before it is ready
    bare, alone = [], []
    for post in posts:  # in turn, so that a slow second slows both
        bare.append(milliseconds(lambda: session.run(["image_embeds"], feeds)))
        alone.append(milliseconds(lambda post=post: screener.screen([post])))  # type: ignore[misc]
    rows = {
        "bare, batch 1": np.percentile(bare, (50, 99)).tolist(),
        "screen() of a lone image post": np.percentile(alone, (50, 99)).tolist(),
    }
    for name, (half, most) in rows.items():
        yield Row(f"{name}, median", half, "ms")
        yield Row(f"{name}, p99", most, "ms")
    (bare_half, bare_most), (half, most) = rows.values()
    yield Row("median of a lone post against bare's", half / bare_half)
    yield Row("p99 of a lone post against bare's", most / bare_most, bar=1.5, at_most=True)
    yield Row("p99 of a lone post against bare's median", most / bare_half)
