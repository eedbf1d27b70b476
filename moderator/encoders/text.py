"""Texts to unit vectors through an ONNX graph, every text read whole."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.alphabets import has_other_letters
from moderator.encoders.base import Encoded, Matrix, unit_rows
from moderator.encoders.onnx import Session
from moderator.encoders.tokens import WindowTokenizer
from moderator.errors import InferenceError

Pooling = Literal["", "mean", "cls", "last"]  # none: the graph gives one vector a text itself
Tokens = Sequence[Sequence[int]]  # (windows, tokens), ragged

#: What graphs call their token ids: transformers' exports, and open_clip's.
ID_INPUTS: Final = ("input_ids", "text")
#: What else a graph may ask for. Anything more is refused when it is loaded.
MORE_INPUTS: Final = ("attention_mask", "token_type_ids")

_MOST_PADDED = 1.2  # times the tokens themselves; then a batch that is worth running ends
_TOKEN_VECTORS: Final = 3  # axes of (windows, tokens, dimensions)


@dataclass(frozen=True)
class TextLayout:
    """How a text graph wants its tokens."""

    output: str
    dimensions: int
    pad_id: int
    window_tokens: int  # the most that it gets
    # Pad to so many tokens; None: to the longest of the batch, 2 to 12 times as fast. That changes
    # nothing where padding is masked, or comes after the token that is pooled and is not attended
    # to (CLIP); SigLIP pools the last position, padding or not.
    length: int | None = None
    pooling: Pooling = ""
    # Dynamic int8 scales activations by the largest of the batch: a text's embedding, and at worst
    # its verdict, would depend on its neighbours. Such a graph reads one text at a time.
    batch_invariant: bool = True
    max_batch_tokens: int = 4096  # padded; more costs memory and gains nothing on a CPU


class OnnxTextEncoder:
    """A `TextEncoder`. A text longer than the window is read in overlapping windows."""

    def __init__(self, session: Session, tokenizer: WindowTokenizer, layout: TextLayout) -> None:
        self.tokenizer = tokenizer
        self._session = session
        self._layout = layout
        self._ids = next(name for name in ID_INPUTS if name in session.inputs)

    @property
    def dimensions(self) -> int:
        """Of the space."""
        return self._layout.dimensions

    @property
    def provider(self) -> str:
        """What it computes on, as onnxruntime calls it."""
        provider: str = self._session.provider
        return provider

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`."""
        windows, owners, cut = self.tokenizer.windows(texts)
        vectors = np.empty((len(windows), self._layout.dimensions), np.float32)
        for rows in self._batches(windows):
            pooled = self.pooled([windows[row] for row in rows], self._layout.length)
            vectors[rows] = unit_rows(pooled, self._layout.dimensions)
        strange = {
            owner
            for window, owner in zip(windows, owners, strict=True)
            if self.tokenizer.has_unknown(window)
        }
        strange |= {owner for owner, text in enumerate(texts) if has_other_letters(text)}
        unknown = {owner: self.tokenizer.unknown_share(texts[owner]) for owner in strange}
        return Encoded(vectors, np.array(owners, np.intp), unknown, cut)

    def pooled(self, windows: Tokens, length: int | None) -> NDArray[np.floating]:
        """One forward pass, padded to `length`: (windows, dimensions), not normalised.

        None pads to the longest window. Raises InferenceError.
        """
        longest = max(1, *map(len, windows))
        ids, mask = self._padded(
            windows, length or self._session.shapes.length(longest, self._layout.window_tokens)
        )
        feeds = {self._ids: ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        wanted = {name: feeds[name] for name in self._session.inputs}
        return _pool(self._session.run(self._layout.output, wanted), mask, self._layout.pooling)

    def warm_up(self) -> None:
        """See `Warms`."""
        layout, shapes = self._layout, self._session.shapes
        for length in [layout.length] if layout.length else shapes.lengths(layout.window_tokens):
            for rows in shapes.sizes:
                self.pooled([[layout.pad_id] * length] * rows, length)

    def _batches(self, windows: Tokens) -> Iterator[list[int]]:
        """Rows of similar length together, so that little of a batch is padding."""
        if not self._layout.batch_invariant:
            yield from ([row] for row in range(len(windows)))
            return
        batch: list[int] = []
        held = 0  # tokens in it, without padding
        for row in sorted(range(len(windows)), key=lambda row: len(windows[row])):
            length = self._layout.length or len(windows[row])
            tokens = (len(batch) + 1) * length
            full = tokens > self._layout.max_batch_tokens
            padded = tokens > _MOST_PADDED * (held + length)
            if batch and (full or (padded and len(batch) >= self._session.batch_rows)):
                yield batch
                batch, held = [], 0
            batch.append(row)
            held += length
        if batch:
            yield batch

    def _padded(self, windows: Tokens, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and mask, (windows, length) each."""
        shape = (len(windows), length)
        ids = np.full(shape, self._layout.pad_id, np.int64)
        mask = np.zeros(shape, np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        return ids, mask


def _pool(found: NDArray[np.floating], mask: NDArray[np.int64], pooling: Pooling) -> Matrix:
    """(windows, tokens, dimensions) to (windows, dimensions), over the tokens that are no padding.

    As `sentence_transformers.models.Pooling` does it.
    """
    if not pooling:
        return np.asarray(found, np.float32)
    if found.ndim != _TOKEN_VECTORS:
        raise InferenceError(
            f"the encoder returned shape {found.shape}, expected a vector for each token to take "
            f"their {pooling}"
        )
    if pooling == "cls":
        return np.asarray(found[:, 0], np.float32)
    if pooling == "last":
        last = np.maximum(mask.sum(axis=1) - 1, 0)
        return np.asarray(found[np.arange(len(found)), last], np.float32)
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((found * weights).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9))
