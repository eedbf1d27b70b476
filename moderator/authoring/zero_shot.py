"""What the prompts of a rule say of posts, before anybody has labelled any."""

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.workbench import Corpus, Workbench
from moderator.encoders.base import Matrix, Space, Vector
from moderator.policy.schema import Rule
from moderator.scoring.margin import direction

Places = NDArray[np.intp]  # (posts of a channel,) their places among all posts


def prompts_direction(rule: Rule, channel: str, bench: Workbench) -> Vector:
    """(dimensions,) the direction of a rule's prompts, as compiled without any labels."""
    neutral = bench.channels[channel].neutral
    violates, allows = rule.prompts(channel)
    vectors = bench.vectors(channel, (*violates, *allows, *neutral))
    contrast = np.stack([vectors[prompt] for prompt in (*allows, *neutral)])
    return direction(np.stack([vectors[prompt] for prompt in violates]), contrast)


def decisive(embedded: Corpus, channel: str, along: Vector) -> tuple[Matrix, Places]:
    """Of each post the reading furthest along a direction, and which post it is."""
    readings = embedded.readings[channel]
    order = np.lexsort((-(readings.vectors @ along), readings.owners))
    owners = readings.owners[order]
    first = np.flatnonzero(np.diff(owners, prepend=-1))
    return readings.vectors[order[first]], owners[first]


def log_odds(vectors: Matrix, prompts: Vector, space: Space, channel: str) -> NDArray[np.float64]:
    """(posts,) by the logistic that comes with the space."""
    from_space = space.calibration[channel]
    plain = (vectors @ prompts).astype(np.float64)
    background = from_space.background @ prompts
    z = (plain - background.mean()) / max(float(background.std()), 1e-6)
    return np.asarray(from_space.slope * z + from_space.intercept)
