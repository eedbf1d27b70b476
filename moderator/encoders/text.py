"""Texts to unit vectors through an ONNX graph, every text read whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Encoded, Matrix, unit_rows
from moderator.encoders.tokens import WindowTokenizer
from moderator.errors import InferenceError

Pooling = Literal["", "mean", "cls", "last"]  # none: the graph gives one vector a text itself
Tokens = Sequence[Sequence[int]]  # (windows, tokens), ragged

#: What graphs call their token ids: transformers' exports, and open_clip's.
ID_INPUTS: Final = ("input_ids", "text")
#: What else a graph may ask for. Anything more is refused when it is loaded.
MORE_INPUTS: Final = ("attention_mask", "token_type_ids")

_TOKEN_VECTORS: Final = 3  # axes of (windows, tokens, dimensions)


class Graph(Protocol):
    """What an encoder needs of a session, see `moderator.encoders.onnx`."""

    @property
    def inputs(self) -> Mapping[str, tuple[int | str | None, ...]]:
        """Shapes by name."""
        ...

    @property
    def types(self) -> Mapping[str, str]:
        """Types of the inputs by name, such as `tensor(int64)`."""
        ...

    @property
    def outputs(self) -> Sequence[str]:
        """Names."""
        ...

    def run(self, output: str, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.floating]:
        """One forward pass. Raises InferenceError."""
        ...


@dataclass(frozen=True)
class TextLayout:
    """How a text graph wants its tokens."""

    output: str
    dimensions: int
    pad_id: int
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

    def __init__(self, session: Graph, tokenizer: WindowTokenizer, layout: TextLayout) -> None:
        self.tokenizer = tokenizer
        self._session = session
        self._layout = layout
        self._ids = next(name for name in ID_INPUTS if name in session.inputs)
        batch = session.inputs[self._ids][0]
        self._fixed_batch = batch if isinstance(batch, int) else None  # immich's exports take 1

    @property
    def dimensions(self) -> int:
        """Of the space."""
        return self._layout.dimensions

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
        unknown = {owner: self.tokenizer.unknown_share(texts[owner]) for owner in strange}
        return Encoded(vectors, np.array(owners, np.intp), unknown, cut)

    def pooled(self, windows: Tokens, length: int | None) -> NDArray[np.floating]:
        """One forward pass: (windows, dimensions), not normalised. Raises InferenceError."""
        ids, mask = self._padded(windows, length)
        found = self._session.run(self._layout.output, self._feeds(ids, mask))[: len(windows)]
        return _pool(found, mask[: len(windows)], self._layout.pooling)

    def _batches(self, windows: Tokens) -> Iterator[list[int]]:
        """Rows of similar length together, so that little of a batch is padding."""
        most = 1 if not self._layout.batch_invariant else self._fixed_batch or len(windows)
        batch: list[int] = []
        for row in sorted(range(len(windows)), key=lambda row: len(windows[row])):
            tokens = (len(batch) + 1) * (self._layout.length or len(windows[row]))
            if batch and (tokens > self._layout.max_batch_tokens or len(batch) == most):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _padded(
        self, windows: Tokens, length: int | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and mask, (rows, tokens) each; rows of padding fill up a fixed batch."""
        shape = (
            max(self._fixed_batch or 0, len(windows)),
            length or max(1, *map(len, windows)),
        )
        ids = np.full(shape, self._layout.pad_id, np.int64)
        mask = np.zeros(shape, np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        return ids, mask

    def _feeds(
        self, ids: NDArray[np.int64], mask: NDArray[np.int64]
    ) -> dict[str, NDArray[np.integer]]:
        feeds = {self._ids: ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return {
            name: feeds[name].astype(
                np.int32 if self._session.types[name] == "tensor(int32)" else np.int64, copy=False
            )
            for name in self._session.inputs
        }


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
