"""Prompts to vectors, each computed once per space and kept in the cache."""

import hashlib
from collections.abc import Iterable

import numpy as np

from moderator.cache.base import VectorCache
from moderator.encoders.base import READING_VERSION, Matrix, Space, Vector, unit

_AT_ONCE = 64  # prompts that the encoder is given


def embed_prompts(prompts: Iterable[str], space: Space, cache: VectorCache) -> dict[str, Vector]:
    """Each distinct prompt's unit vector; only those that the cache lacks are computed.

    Raises InferenceError.
    """
    texts = list(dict.fromkeys(prompts))
    known = _known(texts, space, cache)
    missing = [text for text in texts if text not in known]
    if missing:
        computed = dict(zip(missing, _encode(missing, space), strict=True))
        cache.put({_key(text, space): vector for text, vector in computed.items()})
        known.update(computed)
    return known


def lacking(prompts: Iterable[str], space: Space, cache: VectorCache) -> list[str]:
    """Distinct prompts whose vectors would have to be computed."""
    texts = list(dict.fromkeys(prompts))
    known = _known(texts, space, cache)
    return [text for text in texts if text not in known]


def _known(texts: list[str], space: Space, cache: VectorCache) -> dict[str, Vector]:
    """What the cache holds, and is a unit vector of this space."""
    keys = [_key(text, space) for text in texts]
    found = {
        text: vector
        for text, vector in zip(texts, cache.get(keys), strict=True)
        if vector is not None and vector.shape == (space.dimensions,)
    }
    # All at once: a thousand rules have many thousands of prompts.
    good = unit(np.stack(list(found.values()))) if found else ()
    return {text: found[text] for text, fine in zip(found, good, strict=True) if fine}


def _key(prompt: str, space: Space) -> str:
    text = hashlib.blake2b(prompt.encode(), digest_size=16).hexdigest()
    return f"prompt:{READING_VERSION}:{space.digest}:{text}"


def _encode(prompts: list[str], space: Space) -> Matrix:
    # Some at a time: the tokenizer has one queue, in which posts would wait for thousands.
    parts = [
        space.text.encode(prompts[start : start + _AT_ONCE])
        for start in range(0, len(prompts), _AT_ONCE)
    ]
    # A prompt is far shorter than any window, so its first reading is all of it.
    firsts = [part.vectors[np.flatnonzero(np.diff(part.owners, prepend=-1))] for part in parts]
    return np.concatenate(firsts)
