"""Embeddings of a batch against every rule: margins, log-odds, fusion."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix
from moderator.policy.compile import CompiledRules
from moderator.scoring.fusion import fuse
from moderator.scoring.margin import Margins, margins


@dataclass(frozen=True)
class Readings:
    """What was read of a batch in one channel."""

    vectors: Matrix  # (readings, dimensions) unit rows
    owners: NDArray[np.intp]  # (readings,) the post each belongs to, ascending
    media: tuple[str | None, ...] = ()  # (readings,) the attachment each was read from
    seconds: tuple[float | None, ...] = ()  # (readings,) where in an animation or a video

    def rows(self, post: int) -> slice:
        """The readings of one post."""
        first, last = np.searchsorted(self.owners, (post, post + 1))
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Scores:
    """Every rule's result for every post of a batch."""

    margins: Mapping[str, Margins]  # by channel
    fused: NDArray[np.float32]  # (posts, rules) log-odds; -inf where nothing could be read


def score(rules: CompiledRules, readings: Mapping[str, Readings], posts: int) -> Scores:
    """Score a batch. A channel without readings costs nothing."""
    by_channel = {
        name: margins(
            readings[name].vectors, readings[name].owners, posts, rules.channels[name].directions
        )
        for name in rules.channels
        if len(readings[name].owners)
    }
    logits = {
        name: rules.channels[name].affine.log_odds(values.values)
        for name, values in by_channel.items()
    }
    present = {
        name: values.present[:, None] & rules.channels[name].reads
        for name, values in by_channel.items()
    }
    return Scores(by_channel, _fuse(rules, logits, present, posts))


def _fuse(
    rules: CompiledRules,
    logits: Mapping[str, NDArray[np.float32]],
    present: Mapping[str, NDArray[np.bool_]],
    posts: int,
) -> NDArray[np.float32]:
    if not logits:
        return np.full((posts, len(rules.ids)), -np.inf, np.float32)
    if len(logits) == 1:  # every fusion of one channel is that channel
        ((name, only),) = logits.items()
        return only if present[name].all() else np.where(present[name], only, -np.float32(np.inf))
    used = [row for row, name in enumerate(rules.channels) if name in logits]
    stacked, there = np.stack(list(logits.values())), np.stack(list(present.values()))
    fused = np.empty((posts, len(rules.ids)), np.float32)
    for group in rules.fusion:
        columns = (slice(None), slice(None), group.columns)
        fused[:, group.columns] = fuse(
            group.kind, stacked[columns], there[columns], group.weights[used]
        )
    return fused
