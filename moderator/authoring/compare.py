"""Two sides over the same posts: which posts change action, and by which rules."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.sides import QUIET, Side
from moderator.authoring.store import Store
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
    # Posts on which it asks for a stricter action than before, or for the same and reaches a higher
    # line: one that leaves shadow mode asks for more wherever it fires.
    stricter: int
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
    unread: int  # of them, those that could not be read in full: they are in review at least
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


def compare(old: Side, new: Side, store: Store, *, samples: int = 3) -> Comparison:
    """Compare two sides of a store's posts; up to `samples` posts each way for every rule."""
    posts = store.posts
    before, after = _names(old), _names(new)
    moved = before != after
    moves = Counter(zip(before[moved].tolist(), after[moved].tolist(), strict=True))
    order = _joint_order(old.order, new.order)
    sides = _Ranked.of(old, order), _Ranked.of(new, order)
    pair = _Pair(*sides, before, after, moved, posts, samples)
    names = dict.fromkeys((*new.rules, *old.rules))
    return Comparison(
        old.name,
        new.name,
        len(posts),
        int(store.unread.sum()),
        wilson(int(moved.sum()), len(posts)),
        tuple((*move, count) for move, count in moves.most_common()),
        tuple(pair.rule(name) for name in names),
    )


class _Column(NamedTuple):
    """One rule on one side; all (posts,)."""

    levels: NDArray[np.int8]
    ranks: NDArray[np.int16]
    scores: NDArray[np.float32]

    def beyond(self, other: "_Column") -> NDArray[np.bool_]:
        """Where it goes further than on the other side."""
        alike = (self.ranks == other.ranks) & (self.levels > other.levels)
        return np.asarray((self.ranks > other.ranks) | alike)


class _Ranked(NamedTuple):
    """A side whose actions are places in an order that both sides share."""

    side: Side
    ranks: NDArray[np.int16]  # for each of its actions

    @classmethod
    def of(cls, side: Side, order: Sequence[str]) -> "_Ranked":
        return cls(side, np.array([order.index(action) for action in side.order], np.int16))

    def column(self, name: str) -> _Column:
        """A rule that the side does not have was quiet."""
        side = self.side
        if name in side.rules:
            place = side.rules.index(name)
            asked = self.ranks[side.asked[:, place]]
            return _Column(side.levels[:, place], asked, side.scores[:, place])
        posts = len(side.actions)
        quiet = np.zeros(posts, np.int8)
        return _Column(quiet, quiet.astype(np.int16), np.full(posts, np.nan, np.float32))


@dataclass(frozen=True)
class _Pair:
    old: _Ranked
    new: _Ranked
    before: NDArray[np.str_]  # (posts,) actions
    after: NDArray[np.str_]
    moved: NDArray[np.bool_]  # (posts,) where they differ
    posts: Sequence[Post]
    samples: int

    def rule(self, name: str) -> RuleChange:
        old, new = self.old.column(name), self.new.column(name)
        stricter, milder = new.beyond(old), old.beyond(new)
        return RuleChange(
            name,
            wilson(int((old.levels > QUIET).sum()), len(self.posts)),
            wilson(int((new.levels > QUIET).sum()), len(self.posts)),
            int(stricter.sum()),
            int(milder.sum()),
            int(((stricter | milder) & self.moved).sum()),
            self._samples(stricter, old.scores, new.scores),
            self._samples(milder, old.scores, new.scores),
            _histogram(old.scores),
            _histogram(new.scores),
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


def _joint_order(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """The new order; actions that it does not know stand after the one they used to follow."""
    order = list(new)
    for milder, action in pairwise(old):
        if action not in order:
            order.insert(order.index(milder) + 1, action)
    return order


def _histogram(scores: NDArray[np.float32]) -> tuple[int, ...]:
    known = scores[~np.isnan(scores)]
    steps = np.minimum((known * _STEPS).astype(np.int8), _STEPS - 1)
    return tuple(np.bincount(steps, minlength=_STEPS).tolist())


def _known(score: np.float32) -> float | None:
    return None if np.isnan(score) else round(float(score), 4)
