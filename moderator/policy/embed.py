"""Prompts to vectors, each computed once per space and kept in the cache."""

import hashlib
from collections.abc import Iterable

import numpy as np

from moderator.cache.base import VectorCache
from moderator.encoders.base import Matrix, Space, Vector

_ROUNDING = 1e-3  # how far the squared length of a unit vector may be from 1


def embed_prompts(prompts: Iterable[str], space: Space, cache: VectorCache) -> dict[str, Vector]:
    """Each distinct prompt's unit vector; only those that the cache lacks are computed.

    Raises InferenceError.
    """
    texts = list(dict.fromkeys(prompts))
    keys = [_key(text, space) for text in texts]
    known = {
        text: vector
        for text, vector in zip(texts, cache.get(keys), strict=True)
        if vector is not None and _is_embedding(vector, space)
    }
    missing = [text for text in texts if text not in known]
    if missing:
        computed = dict(zip(missing, _encode(missing, space), strict=True))
        cache.put({_key(text, space): vector for text, vector in computed.items()})
        known.update(computed)
    return known


def _is_embedding(vector: Vector, space: Space) -> bool:
    """A cache is outside of the process; NaN from there would score nothing, and allow all."""
    return vector.shape == (space.dimensions,) and abs(float(vector @ vector) - 1) < _ROUNDING


def _key(prompt: str, space: Space) -> str:
    return f"prompt:{space.digest}:{hashlib.blake2b(prompt.encode(), digest_size=16).hexdigest()}"


def _encode(prompts: list[str], space: Space) -> Matrix:
    readings = space.text.encode(prompts)
    # A prompt is far shorter than any window, so its first reading is all of it.
    return readings.vectors[np.flatnonzero(np.diff(readings.owners, prepend=-1))]
