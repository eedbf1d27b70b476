"""Embeddings of a batch against every rule: margins, log-odds, fusion."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix
from moderator.policy.compile import CompiledRules
from moderator.policy.scope import Outside
from moderator.scoring.calibration import logit
from moderator.scoring.fusion import fuse
from moderator.scoring.keywords import Hits
from moderator.scoring.margin import Margins, margins


@dataclass(frozen=True)
class Readings:
    """What was read of a batch in one channel."""

    vectors: Matrix  # (readings, dimensions) unit rows
    owners: NDArray[np.intp]  # (readings,) the post each belongs to, ascending
    media: tuple[str | None, ...] = ()  # (readings,) the attachment each was read from
    seconds: tuple[float | None, ...] = ()  # (readings,) where in an animation or a video
    # (readings,) the place of each text, or the number of each use of a picture, in the batch:
    # labels are strangers' and may be the same for two attachments of a post.
    uses: tuple[int, ...] = ()

    def rows(self, post: int) -> slice:
        """The readings of one post."""
        first, last = np.searchsorted(self.owners, (post, post + 1))
        return slice(int(first), int(last))


@dataclass(frozen=True)
class Scores:
    """Every rule's result for every post of a batch."""

    margins: Mapping[str, Margins]  # by channel
    # (posts, rules) log-odds; -inf where nothing could be read, and where the rule does not judge
    fused: NDArray[np.float32]
    hits: Hits = field(default_factory=Hits)
    outside: Outside = ()


def score(
    rules: CompiledRules,
    readings: Mapping[str, Readings],
    posts: int,
    hits: Hits | None = None,
    outside: Outside = (),
) -> Scores:
    """Score a batch. A channel without readings costs nothing, and nor do keywords not found.

    What a rule says of a post that it does not judge is no part of combinations either, and excuses
    nothing: it counts as a rule that could read nothing.
    """
    by_channel = {
        name: margins(
            readings[name].vectors, readings[name].owners, posts, rules.channels[name].directions
        )
        for name in rules.channels
        if len(readings[name].owners)
    }
    logits = {
        name: rules.channels[name].scale.log_odds(values.values)
        for name, values in by_channel.items()
    }
    present = {
        name: values.present[:, None] & rules.channels[name].reads
        for name, values in by_channel.items()
    }
    fused = _fuse(rules, logits, present, posts)
    if hits is not None and hits.fires:
        _fuse_keywords(rules, logits, present, hits, fused)
    for places, rest in outside:
        fused[np.ix_(places, rest)] = -np.inf
    for combined in rules.combined:
        fused[:, combined.column] = combined.log_odds(fused)
        for places, rest in outside:
            if rest[combined.column]:
                fused[places, combined.column] = -np.inf
    return Scores(by_channel, fused, hits or Hits(), outside)


def _fuse_keywords(
    rules: CompiledRules,
    logits: Mapping[str, NDArray[np.float32]],
    present: Mapping[str, NDArray[np.bool_]],
    hits: Hits,
    fused: NDArray[np.float32],
) -> None:
    """Fuse anew, in place, the few cells of the score matrix in which a keyword was found."""
    found = sorted(hits.fires)
    posts, columns = np.array(found, np.intp).T
    sure = np.array([logit(hits.fires[cell].score) for cell in found], np.float32)
    values = np.stack([*(values[posts, columns] for values in logits.values()), sure])
    there = np.stack(
        [*(values[posts, columns] for values in present.values()), np.ones(len(found), np.bool_)]
    )
    used = [row for row, name in enumerate(rules.channels) if name in logits]
    rows = [*used, len(rules.channels)]  # the last one is that of keywords
    after = np.maximum(fused[posts, columns], sure)  # max, and learned: labels had no keywords
    for group in rules.fusion:
        if group.kind in ("weighted", "noisy_or"):
            weights = np.ones((len(rows), len(rules.ids)), np.float32)
            weights[:, group.columns] = group.weights[rows]
            mine = np.isin(columns, np.arange(len(rules.ids))[group.columns])
            cells = (slice(None), None, mine)
            after[mine] = fuse(group.kind, values[cells], there[cells], weights[:, columns[mine]])[
                0
            ]
    fused[posts, columns] = after


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
            group.kind, stacked[columns], there[columns], group.weights[used], group.bias
        )
    return fused
