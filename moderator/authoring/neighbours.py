"""The prompts nearest to a post, on both sides of a rule."""

from typing import NamedTuple

import numpy as np

from moderator.authoring.workbench import Workbench
from moderator.encoders.base import Vector
from moderator.policy.schema import Rule


class Neighbour(NamedTuple):
    """A prompt and its cosine to a post."""

    side: str  # violates or allows
    similarity: float
    prompt: str


def nearest(
    bench: Workbench, rule: Rule, channel: str, reading: Vector, count: int = 1
) -> list[Neighbour]:
    """The `count` nearest prompts of each side, nearest first. Raises InferenceError."""
    found: list[Neighbour] = []
    for side, prompts in zip(("violates", "allows"), rule.prompts(channel), strict=True):
        if not prompts:
            continue
        vectors = bench.vectors(channel, prompts)
        cosines = np.stack([vectors[prompt] for prompt in prompts]) @ reading
        found += [
            Neighbour(side, float(cosines[place]), prompts[place])
            for place in np.argsort(-cosines)[:count].tolist()
        ]
    return found
