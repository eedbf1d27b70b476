"""How far a graph's embeddings moved: the same samples of ours through both."""

import json
import random
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from moderator.demo.samples.everyday import EVERYDAY, LOOKALIKES
from moderator.demo.samples.offences import OFFENCES
from moderator.demo.samples.pictures import PICTURES, draw_picture
from moderator.demo.samples.topics import fill
from moderator.encoders.onnx import Session
from moderator.errors import ModelError
from moderator.models.graph import GraphInfo, read_graph

Feeds = dict[str, NDArray[Any]]
_MOST_TOKENS: Final = 64  # every text encoder takes as many
_SIDE: Final = 224  # where neither the graph nor the files beside it say
_OUTPUTS: Final = (
    "text_embeds", "image_embeds", "embedding", "sentence_embedding", "pooler_output",
    "last_hidden_state",
)  # fmt: skip
_PREPROCESSORS: Final = ("preprocessor_config.json", "visual/preprocess_cfg.json")
_TOKENIZERS: Final = ("tokenizer.json", "textual/tokenizer.json")


class Drift(NamedTuple):
    """1 - cosine between embeddings of the same sample, each read alone."""

    mean: float
    worst: float
    samples: int


def drift(before: Path, after: Path, folder: Path) -> Drift:
    """Compare two graphs that take the same inputs; `folder` has the files beside the first.

    The pictures are brought to size roughly, not as the model's own preparation would: what counts
    is that both graphs get the same. Raises ModelError, InferenceError.
    """
    info = read_graph(before)
    one, other = Session(before, "cpu"), Session(after, "cpu")
    output = _output(info)
    cosines = []
    for feeds in samples(info, folder):
        a, b = (_vector(s.run(output, feeds), feeds) for s in (one, other))
        cosines.append(float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b))))
    moved = np.maximum(1 - np.array(cosines), 0)  # rounding may leave a cosine above 1
    if not np.isfinite(moved).all():
        return Drift(float("inf"), float("inf"), len(cosines))
    return Drift(float(moved.mean()), float(moved.max()), len(cosines))


def samples(info: GraphInfo, folder: Path) -> Iterator[Feeds]:
    """Texts or pictures of ours, one at a time, as the inputs of a graph. Raises ModelError."""
    ranks = {len(port.axes) for port in info.inputs}
    if ranks == {4}:
        yield from _pictures(info, folder)
    elif ranks == {2}:
        yield from _texts(info, folder)
    else:
        names = ", ".join(port.name for port in info.inputs)
        raise ModelError(f"{folder}: a graph takes {names}; one of texts or of images is needed")


def _texts(info: GraphInfo, folder: Path) -> Iterator[Feeds]:
    path = next((folder / name for name in _TOKENIZERS if (folder / name).exists()), None)
    if path is None:
        raise ModelError(f"{folder}: no tokenizer.json, so there is nothing to measure with")
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_MOST_TOKENS)
    fixed = info.inputs[0].axes[1]
    for text in _sentences():
        ids = tokenizer.encode(text).ids
        length = fixed if isinstance(fixed, int) else len(ids)
        feeds = {}
        for port in info.inputs:
            row = np.zeros((1, length), port.type)
            if "token_type" not in port.name:
                values = ids[:length]
                row[0, : len(values)] = 1 if "mask" in port.name else values
            feeds[port.name] = row
        yield feeds


def _sentences() -> list[str]:
    """Harmless, harmful and look-alike posts of the demo: the same every time."""
    rng = random.Random(7)  # noqa: S311 - variety, not secrecy
    topics = (*chain.from_iterable(EVERYDAY.values()), *LOOKALIKES, *OFFENCES)
    return [fill(topic.templates[0], rng) for topic in topics]


def _pictures(info: GraphInfo, folder: Path) -> Iterator[Feeds]:
    port = info.inputs[0]
    paths = [folder / name for name in _PREPROCESSORS if (folder / name).exists()]
    config = json.loads(paths[0].read_bytes()) if paths else {}
    side = port.axes[3] if isinstance(port.axes[3], int) else _side(config)
    mean = np.array(config.get("image_mean") or config.get("mean") or [0.5] * 3, np.float32)
    std = np.array(config.get("image_std") or config.get("std") or [0.5] * 3, np.float32)
    for name in PICTURES:
        picture = draw_picture(name, random.Random(name)).convert("RGB").resize((side, side))  # noqa: S311
        pixels = (np.asarray(picture, np.float32) / 255 - mean) / std  # (side, side, 3)
        yield {port.name: pixels.transpose(2, 0, 1)[None].astype(port.type)}


def _side(config: dict[str, Any]) -> int:
    size = config.get("crop_size") or config.get("size") or _SIDE
    if isinstance(size, dict):
        size = size.get("height") or size.get("shortest_edge") or _SIDE
    return int(size[0] if isinstance(size, list) else size)


def _output(info: GraphInfo) -> str:
    names = [port.name for port in info.outputs]
    return next((name for name in _OUTPUTS if name in names), names[0])


def _vector(result: NDArray[np.floating], feeds: Feeds) -> NDArray[np.float64]:
    """One embedding: the row itself, or the mean over its tokens."""
    row: NDArray[np.float64] = result[0].astype(np.float64)
    if row.ndim == 1:
        return row
    mask = next((v[0] for name, v in feeds.items() if "mask" in name), np.ones(len(row)))
    pooled: NDArray[np.float64] = row[mask.astype(bool)].mean(axis=0)
    return pooled
