"""Texts to unit vectors through an ONNX graph, every text read whole."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Encoding, Tokenizer

from moderator.encoders.base import Encoded, Matrix, unit_rows
from moderator.encoders.onnx import Session
from moderator.errors import InferenceError, ModelError


@dataclass(frozen=True)
class TextLayout:
    """How a text graph wants its tokens."""

    output: str
    dimensions: int
    window_tokens: int  # including the special ones
    pad_id: int
    overlap_tokens: int  # so that a phrase cut by one window is whole in the next
    # Dynamic int8 scales activations by the largest of the batch: a text's embedding, and at worst
    # its verdict, would depend on its neighbours. Such a graph reads one text at a time.
    batch_invariant: bool = True
    max_batch_tokens: int = 4096  # padded; more costs memory and gains nothing on a CPU


class OnnxTextEncoder:
    """A `TextEncoder`. A text longer than the window is read in overlapping windows."""

    def __init__(self, session: Session, tokenizer: Path, layout: TextLayout) -> None:
        """Raises ModelError when the tokenizer cannot be read."""
        try:
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # tokenizers raises plain Exception
            raise ModelError(f"{tokenizer}: not a tokenizer: {error}") from error
        # A special token typed by a user is text: otherwise it could end the text early.
        self._tokenizer.encode_special_tokens = True
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(layout.window_tokens, stride=layout.overlap_tokens)
        unknown = json.loads(self._tokenizer.to_str())["model"].get("unk_token")
        self._unknown_id = None if unknown is None else self._tokenizer.token_to_id(unknown)
        self._session = session
        self._layout = layout

    @property
    def provider(self) -> str:
        """What it computes on, as onnxruntime calls it."""
        provider: str = self._session.provider
        return provider

    def encode(self, texts: Sequence[str]) -> Encoded:
        """See `TextEncoder`."""
        windows, owners = self._windows(texts)
        vectors = np.empty((len(windows), self._layout.dimensions), np.float32)
        for rows in self._batches(windows):
            vectors[rows] = self._run([windows[row] for row in rows])
        strange = {
            int(owner)
            for window, owner in zip(windows, owners, strict=True)
            if self._unknown_id in window
        }
        return Encoded(vectors, owners, {owner: self._unknown(texts[owner]) for owner in strange})

    def _unknown(self, text: str) -> float:
        """The share of a text's letters that stand in unknown tokens."""
        encoding = self._tokenizer.encode(text)
        letters = unknown = 0
        for window in (encoding, *encoding.overflowing):
            for token, (start, end) in zip(window.ids, window.offsets, strict=True):
                count = sum(map(str.isalpha, text[start:end]))
                letters += count
                unknown += count if token == self._unknown_id else 0
        return unknown / letters if letters else 0.0

    def _windows(self, texts: Sequence[str]) -> tuple[list[list[int]], NDArray[np.intp]]:
        try:
            encodings: list[Encoding] = self._tokenizer.encode_batch_fast(list(texts))
        except Exception as error:  # tokenizers raises plain Exception
            raise InferenceError(f"the tokenizer failed: {error}") from error
        windows, owners = [], []
        for owner, encoding in enumerate(encodings):
            for window in (encoding, *encoding.overflowing):
                windows.append(window.ids)
                owners.append(owner)
        return windows, np.array(owners, np.intp)

    def _batches(self, windows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
        """Rows of similar length together, so that little of a batch is padding."""
        if not self._layout.batch_invariant:
            yield from ([row] for row in range(len(windows)))
            return
        batch: list[int] = []
        for row in sorted(range(len(windows)), key=lambda row: len(windows[row])):
            if batch and (len(batch) + 1) * len(windows[row]) > self._layout.max_batch_tokens:
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _run(self, windows: Sequence[Sequence[int]]) -> Matrix:
        longest = max(map(len, windows))
        ids = np.full((len(windows), longest), self._layout.pad_id, np.int64)
        mask = np.zeros((len(windows), longest), np.int64)
        for row, window in enumerate(windows):
            ids[row, : len(window)] = window
            mask[row, : len(window)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask}
        return unit_rows(
            self._session.run(
                self._layout.output, {k: v for k, v in feeds.items() if k in self._session.inputs}
            ),
            self._layout.dimensions,
        )
