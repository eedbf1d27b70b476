"""Which prompts are longer than an encoder reads at once."""

import hashlib
from collections.abc import Sequence

import numpy as np

from moderator.cache.base import VectorCache
from moderator.encoders.base import Space

# No tokenizer in use makes more than a token of every two letters of plain English, and windows
# have 64 tokens at least; other scripts may take a token for each letter.
_SURELY_SHORT, _SURELY_SHORT_ELSEWHERE = 100, 48


def windows(prompts: Sequence[str], space: Space, cache: VectorCache) -> dict[int, int]:
    """The places of prompts that do not fit one window, and how many windows they take.

    Counts are kept in the cache like vectors, because counting means encoding. Raises
    InferenceError.
    """
    places = [place for place, prompt in enumerate(prompts) if _may_be_long(prompt)]
    if not places:
        return {}
    keys = [_key(prompts[place], space) for place in places]
    counts = {p: c for p, c in zip(places, cache.get(keys), strict=True) if c is not None}
    missing = [place for place in places if place not in counts]
    if missing:
        owners = space.text.encode([prompts[place] for place in missing]).owners
        computed = np.bincount(owners, minlength=len(missing)).astype(np.float32)
        counts.update({place: computed[n : n + 1] for n, place in enumerate(missing)})
        cache.put({_key(prompts[place], space): counts[place] for place in missing})
    return {place: int(count[0]) for place, count in sorted(counts.items()) if count[0] > 1}


def _may_be_long(prompt: str) -> bool:
    return len(prompt) > (_SURELY_SHORT if prompt.isascii() else _SURELY_SHORT_ELSEWHERE)


def _key(prompt: str, space: Space) -> str:
    return f"windows:{space.digest}:{hashlib.blake2b(prompt.encode(), digest_size=16).hexdigest()}"
