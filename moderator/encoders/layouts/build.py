"""From what a layout's files say to encoders that run, tried out on the graphs themselves."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix, unit_rows
from moderator.encoders.image import OnnxImageEncoder
from moderator.encoders.layouts.base import ImageFiles, TextFiles
from moderator.encoders.layouts.graphs import (
    PIXEL_INPUTS,
    TEXT_INPUTS,
    is_dynamic,
    open_graph,
    output,
)
from moderator.encoders.onnx import Provider
from moderator.encoders.text import ID_INPUTS, OnnxTextEncoder, Pooling, TextLayout
from moderator.encoders.tokens import Reading, WindowTokenizer
from moderator.errors import InferenceError, ModelError

_OVERLAP: Final = 4  # a window shares a fourth with the next
_PROBE: Final = "A short text about an ordinary day."
# The cosine between a text with padding and without, above which they count as the same. Dynamic
# int8 quantises the padding along, which moves it a little.
_SAME: Final = 0.9999
_SAME_QUANTISED: Final = 0.99
_MATRIX: Final = 2  # axes
_ROWS: Final = 2  # of a first try: a row that comes alone would have the graph loaded once more


def text_encoder(
    files: TextFiles, provider: Provider, *, batch_invariant: bool | None = None
) -> OnnxTextEncoder:
    """Build and try a text encoder; whether it is batch-invariant is found out, or given.

    Raises ModelError.
    """
    graph = open_graph(files.graph, provider, TEXT_INPUTS, axes=2)
    axis = next(graph.inputs[name] for name in ID_INPUTS if name in graph.inputs)[1]
    fixed = axis if isinstance(axis, int) else None
    window = min(files.window_tokens, fixed or files.window_tokens)
    tokenizer = WindowTokenizer(
        files.tokenizer, Reading(window, window // _OVERLAP, files.prefix, files.clean)
    )
    dynamic = is_dynamic(files.graph)
    name = output(files.graph, graph, files.outputs)
    layout = TextLayout(
        output=name,
        dimensions=0,
        pad_id=_pad_id(files, tokenizer),
        window_tokens=window,
        pooling=_pooling(files, name),
        batch_invariant=not dynamic if batch_invariant is None else batch_invariant,
    )
    encoder = OnnxTextEncoder(graph, tokenizer, layout)
    full = _tried(files.graph, lambda: encoder.pooled(_probe(tokenizer), fixed or window))
    length: int | None = fixed or window
    if fixed is None and (files.trims or "attention_mask" in graph.inputs):
        short = _tried(files.graph, lambda: encoder.pooled(_probe(tokenizer), None))
        # Their word is not enough: MobileCLIP's files say `clip`, and it attends to padding.
        if float((short[0] * full[0]).sum()) > (_SAME_QUANTISED if dynamic else _SAME):
            length = None
    return OnnxTextEncoder(
        graph, tokenizer, replace(layout, dimensions=full.shape[1], length=length)
    )


def image_encoder(files: ImageFiles, provider: Provider) -> OnnxImageEncoder:
    """Build and try an image encoder. Raises ModelError."""
    graph = open_graph(files.graph, provider, PIXEL_INPUTS, axes=4)
    layout = replace(
        files.pixels,
        output=output(files.graph, graph, files.outputs),
        batch_invariant=not is_dynamic(files.graph),
    )
    encoder = OnnxImageEncoder(graph, layout)
    black = np.zeros((*layout.shape, 3), np.uint8)
    found = _tried(files.graph, lambda: encoder.embedded([black] * _ROWS))
    return OnnxImageEncoder(graph, replace(layout, dimensions=found.shape[1]))


def _tried(graph: Path, run: Callable[[], NDArray[np.floating]]) -> Matrix:
    """Vectors of a graph. Raises ModelError where they are none."""
    try:
        found = run()
        return unit_rows(found, found.shape[1] if found.ndim == _MATRIX else 0)
    except InferenceError as error:
        raise ModelError(
            f"{graph}: a first try failed, so it does not fit the files beside it, or is damaged: "
            f"{error}"
        ) from error


def _probe(tokenizer: WindowTokenizer) -> list[list[int]]:
    return tokenizer.windows([_PROBE]).ids[:1] * _ROWS


def _pad_id(files: TextFiles, tokenizer: WindowTokenizer) -> int:
    if isinstance(files.pad_token, int):
        return files.pad_token
    if (found := tokenizer.id_of(files.pad_token)) is None:
        raise ModelError(
            f"{files.tokenizer}: no token {files.pad_token!r}, which pads according to "
            "tokenizer_config.json; fetch both from the same place"
        )
    return found


def _pooling(files: TextFiles, name: str) -> Pooling:
    if name == "sentence_embedding":
        return ""
    if files.pooling is None:
        folder = files.tokenizer.parent
        raise ModelError(
            f"{folder / '1_Pooling/config.json'}: cannot be read: No such file or directory; fetch "
            'it from where the model comes from, or write {"pooling": "mean"} (or cls, last) into '
            f"{folder / 'space.json'}"
        )
    return files.pooling
