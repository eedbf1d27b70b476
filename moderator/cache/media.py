"""What attachments looked like to an image encoder, by their content: a meme is encoded once."""

import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import NOTHING, Vector, VectorCache
from moderator.encoders.base import Matrix, are_unit
from moderator.ocr.base import Writing

_WHOLE = 2**24  # up to here float32 holds whole numbers, so pixels are kept as two of them
_HALF = 2**16
_STILL = -1.0  # in place of the milliseconds of a frame
_BYTE = 2**8

_Stream = Callable[[int], bytes]  # so many bytes that look like chance to whoever lacks the digest

_encode_writings = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(tuple[Writing, ...]).decode


class Seen(NamedTuple):
    """All there is to know of an attachment that was read in full."""

    vectors: Matrix  # (views, dimensions) float32, unit rows
    seconds: tuple[float | None, ...]  # (views,) where in an animation or a video, in whole ms
    pixels: int  # decoded for it, which count against the limit of its post
    writings: tuple[Writing, ...] | None = None  # in it; None where nobody reads


class MediaCache:
    """Attachments seen before, kept in any `VectorCache` as one vector each.

    `scope` must name everything but the bytes that decides what is seen of an attachment: the
    encoder, what reads the text in it, and the limits both were read with.

    Nothing of the content is kept but the embedding, and the text in a picture under a mask that
    only the picture's own digest takes off. Keys are digests of digests, so whoever reads the cache
    and does not have the picture learns nothing of what is written in it.
    """

    def __init__(
        self, vectors: VectorCache, scope: str, dimensions: int, *, texts: bool = False
    ) -> None:
        """`texts`: also what is written in pictures is kept."""
        self._vectors = vectors
        self._scope = scope
        self._texts = texts
        self._dimensions = dimensions
        self._lock = threading.Lock()
        self._hits = self._misses = 0

    @property
    def healthy(self) -> bool:
        """See `VectorCache`."""
        return self._vectors.healthy

    def probe(self) -> None:
        """See `Probed`."""
        self._vectors.get([NOTHING])

    @property
    def counts(self) -> tuple[int, int]:
        """Attachments that cost no inference, and those that did, so far."""
        with self._lock:
            return self._hits, self._misses

    def get(self, digests: Sequence[str]) -> dict[str, Seen]:
        """Those of the attachments that were seen before, by digest of their bytes."""
        distinct = list(dict.fromkeys(digests))
        if not distinct:
            return {}
        entries = self._vectors.get([self._key(digest) for digest in distinct])
        found = {
            digest: seen
            for digest, entry in zip(distinct, entries, strict=True)
            if entry is not None and (seen := self._unpacked(digest, entry))
        }
        misses = len(distinct) - len(found)  # the same one twice in a batch is encoded once
        with self._lock:
            self._hits += len(digests) - misses
            self._misses += misses
        return found

    def put(self, seen: Mapping[str, Seen]) -> None:
        """Keep attachments that were read in full."""
        if seen:
            self._vectors.put(
                {
                    self._key(digest): _pack(one, self._stream(digest))
                    for digest, one in seen.items()
                }
            )

    def _key(self, digest: str) -> str:
        return f"media:{self._scope}:{hashlib.sha256(digest.encode()).hexdigest()}"

    def _unpacked(self, digest: str, entry: Vector) -> Seen | None:
        return _unpack(entry, self._dimensions, self._stream(digest) if self._texts else None)

    def _stream(self, digest: str) -> _Stream:
        return hashlib.shake_256(f"{self._scope}:{digest}".encode()).digest


def _pack(seen: Seen, stream: _Stream) -> Vector:
    pixels = np.array(divmod(seen.pixels, _HALF), np.float32)
    times = [_STILL if each is None else round(each * 1000) for each in seen.seconds]
    parts = [pixels, np.array(times, np.float32), seen.vectors.ravel()]
    if seen.writings is not None:
        text = _masked(np.frombuffer(_encode_writings(seen.writings), np.uint8), stream)
        parts += [text.astype(np.float32), np.array(divmod(len(text), _HALF), np.float32)]
    return np.concatenate(parts)


def _unpack(entry: Vector, dimensions: int, stream: _Stream | None) -> Seen | None:
    """None for what `_pack` did not write: NaN from outside would score nothing, and allow all.

    `stream`: None where nobody reads what is written in pictures.
    """
    writings = None
    if stream is not None:
        if (split := _split_text(entry)) is None:
            return None
        entry, text = split
        try:
            writings = _decode(_masked(text, stream).tobytes())
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None
    views, over = divmod(len(entry) - 2, dimensions + 1)
    if views < 1 or over:
        return None
    numbers, times, rows = np.split(entry, (2, 2 + views))
    if not _are_whole(numbers, _WHOLE) or not (times >= _STILL).all():
        return None
    vectors = rows.reshape(-1, dimensions)
    if not are_unit(vectors):
        return None
    seconds = tuple(None if each == _STILL else float(each) / 1000 for each in times)
    return Seen(vectors, seconds, int(numbers[0]) * _HALF + int(numbers[1]), writings)


def _split_text(entry: Vector) -> tuple[Vector, NDArray[np.uint8]] | None:
    """An entry without its text, and that: its bytes, and how many they are, stand at the end."""
    if not _are_whole(entry[-2:], _HALF):
        return None
    count = int(entry[-2:] @ (_HALF, 1))
    end = len(entry) - 2
    text = entry[max(0, end - count) : end]
    if len(text) < count or not _are_whole(text, _BYTE):
        return None
    return entry[: end - count], text.astype(np.uint8)


def _are_whole(numbers: Vector, below: int) -> bool:
    return bool(((numbers >= 0) & (numbers < below)).all())


def _masked(text: NDArray[np.uint8], stream: _Stream) -> NDArray[np.uint8]:
    """The bytes under their mask, or without it: the same is done twice."""
    return np.bitwise_xor(text, np.frombuffer(stream(len(text)), np.uint8))
