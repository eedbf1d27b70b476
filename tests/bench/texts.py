"""CLIP texts trimmed and batched by length, against texts padded to the window."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from moderator.demo.samples.posts import drafts
from moderator.encoders.base import TextEncoder
from moderator.encoders.onnx import Session
from tests.bench.report import CORES, Row
from tests.bench.skeletons import Skeletons
from tests.bench.timing import interleaved, per_second, ratio

WINDOW_TOKENS = 77
FITS = range(1, 45)  # words
BATCH = 16
COUNT = 64 * len(CORES)
ROUNDS = 5


def run(skeletons: Skeletons) -> Iterator[Row]:
    """The rows of `texts`."""
    posts = (json.loads(draft.sample.value) for draft in drafts(240) if draft.is_post)
    # A text of several windows would be read whole by us, and cut by who pads to one.
    found = [text for post in posts if len((text := post.get("text") or "").split()) in FITS]
    texts = [found[number % len(found)] for number in range(COUNT)]
    batches = [texts[start : start + BATCH] for start in range(0, COUNT, BATCH)]
    fp32, int8 = skeletons.space("fp32").text, skeletons.space("int8").text
    session = Session(skeletons.graph("text", "fp32"), "cpu")
    measures = {
        "padded": lambda: _padded(session, len(batches)),
        "texts": lambda: _encoded(fp32, batches),
        "int8": lambda: _encoded(int8, batches),
    }
    runs = interleaved(measures, ROUNDS)
    yield Row(f"padded to {WINDOW_TOKENS} tokens", float(np.median(runs["padded"])), "texts/s")
    yield Row("trimmed, like lengths together", float(np.median(runs["texts"])), "texts/s")
    yield Row("trimmed against padded", ratio(runs, "texts", "padded"), bar=2.0)
    yield Row("int8, trimmed, against padded fp32", ratio(runs, "int8", "padded"))


def _padded(session: Session, batches: int) -> float:
    ids = np.full((BATCH, WINDOW_TOKENS), 320, np.int64)
    return per_second(
        lambda _: session.run("text_embeds", {"input_ids": ids}), batches, COUNT, len(CORES)
    )


def _encoded(encoder: TextEncoder, batches: Sequence[Sequence[str]]) -> float:
    return per_second(
        lambda number: encoder.encode(batches[number]), len(batches), COUNT, len(CORES)
    )
