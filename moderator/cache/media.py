"""What attachments looked like to an image encoder, by their content: a meme is encoded once."""

import threading
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from moderator.cache.base import NOTHING, Vector, VectorCache
from moderator.encoders.base import Matrix, are_unit

_WHOLE = 2**24  # up to here float32 holds whole numbers, so pixels are kept as two of them
_HALF = 2**16
_STILL = -1.0  # in place of the milliseconds of a frame


class Seen(NamedTuple):
    """All there is to know of an attachment that was read in full."""

    vectors: Matrix  # (views, dimensions) float32, unit rows
    seconds: tuple[float | None, ...]  # (views,) where in an animation or a video, in whole ms
    pixels: int  # decoded for it, which count against the limit of its post


class MediaCache:
    """Attachments seen before, kept in any `VectorCache` as one vector each.

    `scope` must name everything but the bytes that decides what is seen of an attachment: the
    encoder, and the limits it was read with. Nothing of the content is kept but its digest.
    """

    def __init__(self, vectors: VectorCache, scope: str, dimensions: int) -> None:
        self._vectors = vectors
        self._scope = scope
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
            if entry is not None and (seen := _unpack(entry, self._dimensions))
        }
        misses = len(distinct) - len(found)  # the same one twice in a batch is encoded once
        with self._lock:
            self._hits += len(digests) - misses
            self._misses += misses
        return found

    def put(self, seen: Mapping[str, Seen]) -> None:
        """Keep attachments that were read in full."""
        if seen:
            self._vectors.put({self._key(digest): _pack(one) for digest, one in seen.items()})

    def _key(self, digest: str) -> str:
        return f"media:{self._scope}:{digest}"


def _pack(seen: Seen) -> Vector:
    pixels = np.array(divmod(seen.pixels, _HALF), np.float32)
    times = [_STILL if each is None else round(each * 1000) for each in seen.seconds]
    return np.concatenate([pixels, np.array(times, np.float32), seen.vectors.ravel()])


def _unpack(entry: Vector, dimensions: int) -> Seen | None:
    """None for what `_pack` did not write: NaN from outside would score nothing, and allow all."""
    views, over = divmod(len(entry) - 2, dimensions + 1)
    if views < 1 or over:
        return None
    numbers, times, rows = np.split(entry, (2, 2 + views))
    if not ((numbers >= 0) & (numbers < _WHOLE)).all() or not (times >= _STILL).all():
        return None
    vectors = rows.reshape(-1, dimensions)
    if not are_unit(vectors):
        return None
    seconds = tuple(None if each == _STILL else float(each) / 1000 for each in times)
    return Seen(vectors, seconds, int(numbers[0]) * _HALF + int(numbers[1]))
