"""Texts to windows of token ids: nothing a user types is a control token, nothing is left out."""

import json
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from tokenizers import Encoding, Tokenizer

from moderator.encoders.alphabets import is_spelt_out, is_written
from moderator.encoders.manifest import read_json
from moderator.errors import InferenceError, ModelError

Clean = Literal["", "lower", "canonical"]

_STRETCH: Final = 64  # letters, a short sentence: 20 of them that are not read are too many
_NO_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True)
class Reading:
    """How a text becomes windows."""

    window_tokens: int  # including the special ones
    overlap_tokens: int  # so that a phrase cut by one window is whole in the next
    prefix: str = ""  # at the start of every window, as the encoder was trained
    clean: Clean = ""  # what the reference does to a text before its tokenizer sees it
    max_windows: int = 128  # of one text: 20,000 characters of prose in windows of 64


class Windows(NamedTuple):
    """A batch of texts as token ids, special tokens included."""

    ids: list[list[int]]
    owners: list[int]  # which text each window belongs to, ascending
    cut: dict[int, int]  # texts of which only `max_windows` were taken: how many they have


class WindowTokenizer:
    """A published `tokenizer.json`, made safe for texts of strangers. Threads may share one.

    The post-processor's special tokens are put around each window. The same strings typed by a user
    are text: `<|endoftext|>` would end a text early for CLIP, which pools the first one, and hide
    what follows. The file's own truncation and padding are not used.
    """

    def __init__(self, path: Path, reading: Reading) -> None:
        """Raises ModelError for a file that is no tokenizer, or leaves no room for a text."""
        definition = read_json(path)
        try:
            self._specials = {
                token["content"]: token["id"]
                for token in definition.get("added_tokens") or ()
                if token.get("special")
            }
            self._tokenizer = Tokenizer.from_str(json.dumps(_disarmed(definition, self._specials)))
            self._tokenizer.encode_special_tokens = True
            self._head, self._tail = _frame(self._tokenizer.encode("a"))
            self._unknown_id = _unknown_id(definition["model"])
        except Exception as error:  # tokenizers raises plain Exception
            raise ModelError(f"{path}: not a tokenizer: {error!r}") from error
        if self._unknown_id in (*self._head, *self._tail):  # CLIP's, which lacks no byte
            self._unknown_id = None
        self._reading = reading
        # Without the blank at its end: tokenizers give that to the word which follows.
        self._prefix = self._ids(reading.prefix.rstrip())
        if self._ids(f"{reading.prefix}a")[: len(self._prefix)] != self._prefix:
            raise ModelError(
                f"{path}: the prefix {reading.prefix!r} does not stand apart from a text"
            )
        frame = len(self._head) + len(self._tail) + len(self._prefix)
        self._body = reading.window_tokens - frame
        if self._body <= reading.overlap_tokens:
            raise ModelError(
                f"{path}: windows of {reading.window_tokens} tokens have {frame} special ones and "
                f"overlap by {reading.overlap_tokens}: nothing of the text is left; raise "
                "`window_tokens` in space.json"
            )

    def id_of(self, token: str) -> int | None:
        """The id of a special token, or of any other."""
        found = self._specials.get(token)
        return self._tokenizer.token_to_id(token) if found is None else found

    def windows(self, texts: Sequence[str]) -> Windows:
        """Every text whole, in windows that overlap, up to `max_windows`. Raises InferenceError."""
        prefix = self._reading.prefix
        try:
            encodings: list[Encoding] = self._tokenizer.encode_batch_fast(
                [prefix + self._cleaned(text) for text in texts], add_special_tokens=False
            )
        except Exception as error:  # tokenizers raises plain Exception
            raise InferenceError(f"the tokenizer failed: {error}") from error
        windows, owners, cut = [], [], {}
        for owner, encoding in enumerate(encodings):
            bodies = list(self._bodies(encoding.ids))
            if len(bodies) > self._reading.max_windows:
                cut[owner] = len(bodies)
                bodies = bodies[: self._reading.max_windows]
            windows += [[*self._head, *body, *self._tail] for body in bodies]
            owners += [owner] * len(bodies)
        return Windows(windows, owners, cut)

    def has_unknown(self, window: Sequence[int]) -> bool:
        """Whether some of a window has no token of its own."""
        return self._unknown_id is not None and self._unknown_id in window

    def unknown_share(self, text: str) -> float:
        """The share of letters that the encoder cannot read, where a text has most of them.

        Of any `_STRETCH` letters in a row, so that a sentence among others is not outweighed. They
        stand in unknown tokens, or each has a token of its own: a vocabulary that has the letters
        of an alphabet and none of its words was not made from that alphabet's languages.
        """
        cleaned = self._cleaned(text)
        encoding = self._tokenizer.encode(cleaned, add_special_tokens=False)
        marks = bytearray()  # of each letter: 1 for one that cannot be read
        for token, (start, end) in zip(encoding.ids, encoding.offsets, strict=True):
            if token == self._unknown_id:
                marks += b"\1" * sum(map(is_written, cleaned[start:end]))
            else:
                mark = b"\1" if is_spelt_out(cleaned, start, end) else b"\0"
                marks += mark * sum(map(str.isalpha, cleaned[start:end]))
        stretch = min(len(marks), _STRETCH)
        if not stretch:
            return 0.0
        sums = np.concatenate([[0], np.cumsum(np.frombuffer(marks, np.uint8), dtype=np.int64)])
        return float((sums[stretch:] - sums[:-stretch]).max()) / stretch

    def _bodies(self, ids: list[int]) -> Iterator[list[int]]:
        """The first window is as the reference cuts it; later ones begin with the prefix again."""
        yield ids[: self._body + len(self._prefix)]
        step = self._body - self._reading.overlap_tokens
        start = len(self._prefix) + step
        while start + self._reading.overlap_tokens < len(ids):
            yield [*self._prefix, *ids[start : start + self._body]]
            start += step

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def _cleaned(self, text: str) -> str:
        match self._reading.clean:
            case "lower":
                return text.lower()
            case "canonical":
                return " ".join(text.lower().translate(_NO_PUNCTUATION).split())
        return text


def _disarmed(definition: dict[str, Any], specials: Mapping[str, int]) -> dict[str, Any]:
    """The same tokenizer, with special tokens that no text can spell.

    `Tokenizer.encode_special_tokens` alone does not do it: a Unigram model (SigLIP, XLM-R, e5) has
    its control pieces among the others and finds `</s>` in a text by itself.
    """
    model = dict(definition["model"])
    # The unknown token of WordPiece and BPE is looked up by name; they cannot build it from text.
    armed = set(specials) - {model.get("unk_token")}
    if isinstance(model["vocab"], dict):
        model["vocab"] = {_unspellable(k, armed): v for k, v in model["vocab"].items()}
    else:
        model["vocab"] = [[_unspellable(piece, armed), score] for piece, score in model["vocab"]]
    added = [
        token | {"content": _unspellable(token["content"], armed)}
        for token in definition.get("added_tokens") or ()
    ]
    return definition | {"model": model, "added_tokens": added, "truncation": None, "padding": None}


def _unspellable(piece: str, armed: set[str]) -> str:
    # U+FFFF is no character, and no piece with a blank inside comes out of a pre-tokenizer.
    return f"\uffff {piece}" if piece in armed else piece


def _unknown_id(model: Mapping[str, Any]) -> int | None:
    """The token that stands for what the vocabulary lacks."""
    unigram = "unk_id" in model
    found = model["unk_id"] if unigram else model["vocab"].get(model.get("unk_token"))
    return None if found is None else int(found)


def _frame(encoding: Encoding) -> tuple[list[int], list[int]]:
    """The special tokens before and after a text."""
    mask, ids = encoding.special_tokens_mask, encoding.ids
    places = [place for place, special in enumerate(mask) if not special]
    return ids[: places[0]], ids[places[-1] + 1 :]
