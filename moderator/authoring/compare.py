"""Two sides over the same posts: which posts change action, and by which rules."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.sides import Side
from moderator.posts import Post

_STEPS = 20  # of a histogram of scores
_SHOWN = 160  # characters of a sample
_Z = 1.959964  # of a 95 % interval


class Rate(NamedTuple):
    """A share of posts with its 95 % interval."""

    hits: int
    posts: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share."""
        return self.hits / self.posts if self.posts else 0.0

    def __str__(self) -> str:
        return f"{self.value:.2%} [{self.low:.2%}, {self.high:.2%}]"


class Sample(NamedTuple):
    """A post on which the sides differ."""

    post: str
    text: str
    before: str  # action
    after: str
    score_before: float | None
    score_after: float | None


class RuleChange(NamedTuple):
    """One rule on both sides."""

    rule: str
    before: Rate  # posts that reached its review line
    after: Rate
    stricter: int  # posts on which it goes further than before
    milder: int
    actions: int  # of those, posts whose action changed
    gained: tuple[Sample, ...]
    lost: tuple[Sample, ...]
    histogram_before: tuple[int, ...]  # posts by score, in equal steps from 0 to 1
    histogram_after: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """Both sides, summed up."""

    old: str
    new: str
    posts: int
    changed: Rate
    moves: tuple[tuple[str, str, int], ...]  # action before, action after, posts; most first
    rules: tuple[RuleChange, ...]


def wilson(count: int, posts: int) -> Rate:
    """A rate with the score interval of Wilson (1927), which holds for few and rare ones too."""
    if not posts:
        return Rate(0, 0, 0.0, 1.0)
    share, z2 = count / posts, _Z**2
    middle = (share + z2 / (2 * posts)) / (1 + z2 / posts)
    half = _Z / (1 + z2 / posts) * math.sqrt(share * (1 - share) / posts + z2 / (4 * posts**2))
    return Rate(count, posts, max(0.0, middle - half), min(1.0, middle + half))


def compare(old: Side, new: Side, posts: Sequence[Post], *, samples: int = 3) -> Comparison:
    """Compare two sides of the same posts; up to `samples` posts each way for every rule."""
    before, after = _names(old), _names(new)
    moved = before != after
    moves = Counter(zip(before[moved].tolist(), after[moved].tolist(), strict=True))
    pair = _Pair(old, new, before, after, posts, samples)
    names = dict.fromkeys((*new.rules, *old.rules))
    return Comparison(
        old.name,
        new.name,
        len(posts),
        wilson(int(moved.sum()), len(posts)),
        tuple((*move, count) for move, count in moves.most_common()),
        tuple(pair.rule(name) for name in names),
    )


@dataclass(frozen=True)
class _Pair:
    old: Side
    new: Side
    before: NDArray[np.str_]  # (posts,) actions
    after: NDArray[np.str_]
    posts: Sequence[Post]
    samples: int

    def rule(self, name: str) -> RuleChange:
        old_level, old_score = _column(self.old, name)
        new_level, new_score = _column(self.new, name)
        stricter, milder = new_level > old_level, new_level < old_level
        moved = self.before != self.after
        return RuleChange(
            name,
            wilson(int((old_level > 0).sum()), len(self.posts)),
            wilson(int((new_level > 0).sum()), len(self.posts)),
            int(stricter.sum()),
            int(milder.sum()),
            int(((stricter | milder) & moved).sum()),
            self._samples(stricter, old_score, new_score),
            self._samples(milder, old_score, new_score),
            _histogram(old_score),
            _histogram(new_score),
        )

    def _samples(
        self,
        chosen: NDArray[np.bool_],
        old: NDArray[np.float32],
        new: NDArray[np.float32],
    ) -> tuple[Sample, ...]:
        """Those that moved furthest; of texts that are the same, one."""
        found: dict[str, Sample] = {}
        places = np.flatnonzero(chosen)
        moved = np.abs(np.nan_to_num(new[places]) - np.nan_to_num(old[places]))
        for place in places[np.argsort(-moved, kind="stable")].tolist():
            if len(found) >= self.samples:
                break
            post = self.posts[place]
            text = (post.text or "")[:_SHOWN]
            sample = Sample(
                post.id,
                text,
                str(self.before[place]),
                str(self.after[place]),
                _known(old[place]),
                _known(new[place]),
            )
            found.setdefault(text or post.id, sample)
        return tuple(found.values())


def _names(side: Side) -> NDArray[np.str_]:
    return np.array(side.order)[side.actions]


def _column(side: Side, name: str) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """A rule's levels and scores; one that the side does not have was quiet."""
    if name in side.rules:
        column = side.rules.index(name)
        return side.levels[:, column], side.scores[:, column]
    posts = len(side.actions)
    return np.zeros(posts, np.int8), np.full(posts, np.nan, np.float32)


def _histogram(scores: NDArray[np.float32]) -> tuple[int, ...]:
    known = scores[~np.isnan(scores)]
    steps = np.minimum((known * _STEPS).astype(np.int8), _STEPS - 1)
    return tuple(np.bincount(steps, minlength=_STEPS).tolist())


def _known(score: np.float32) -> float | None:
    return None if np.isnan(score) else round(float(score), 4)
