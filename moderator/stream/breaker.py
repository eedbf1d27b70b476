"""Circuit breakers of rules: one that suddenly fires far more often than it used to is held back.

A rule's rate over its last posts is compared with its usual one, which is that of all posts before
them. What is usual outlives a reload: a rule whose new wording fires ten times as often is caught.
One that has all but stopped is told, because what it caught goes unseen.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from moderator.policy.conditions import Breaker
from moderator.verdicts import ALLOW, Verdict

Then = Literal["shadow", "review"]

_BLOCKS = 10  # of posts in a window, so that it slides
_FORGET = 50  # windows; before that the past counts in full


class Trip(NamedTuple):
    """A rule that was held back, or let go where `then` is None, and why."""

    rule: str
    then: Then | None
    reason: str


@dataclass
class _Rate:
    """Hits and posts of one rule, lately and before."""

    recent: deque[tuple[int, int]] = field(default_factory=deque)  # (hits, posts) of full blocks
    hits: int = 0  # of the block that is being filled
    posts: int = 0
    usual_hits: float = 0.0
    usual_posts: float = 0.0

    def add(self, hits: int, posts: int, over: int) -> bool:
        """Count a batch; True when a block is full."""
        self.hits += hits
        self.posts += posts
        if self.posts * _BLOCKS < over:
            return False
        self.recent.append((self.hits, self.posts))
        self.hits = self.posts = 0
        while sum(count for _, count in self.recent) > over:
            hits_before, posts_before = self.recent.popleft()
            self.usual_hits += hits_before
            self.usual_posts += posts_before
        if self.usual_posts > over * _FORGET:
            self.usual_hits /= 2
            self.usual_posts /= 2
        return True

    def window(self) -> tuple[int, int]:
        """Hits and posts lately."""
        return (
            self.hits + sum(hits for hits, _ in self.recent),
            self.posts + sum(posts for _, posts in self.recent),
        )

    def start_afresh(self) -> None:
        """Forget what was lately, which was not usual."""
        self.recent.clear()
        self.hits = self.posts = 0


class Breakers:
    """Counts hits by rule and says which are to be held back or let go. Not safe for threads."""

    def __init__(self) -> None:
        self._rates: dict[str, _Rate] = {}
        self._until: dict[str, float] = {}
        self._quiet: set[str] = set()

    @property
    def quiet(self) -> frozenset[str]:
        """The rules that fire far less often than they used to; there is nothing to hold back."""
        return frozenset(self._quiet)

    @property
    def held(self) -> frozenset[str]:
        """The rules that are held back."""
        return frozenset(self._until)

    def forget_trips(self, rules: Iterable[str]) -> None:
        """A reload lets every rule act; what is usual is kept for those that are still there."""
        self._until.clear()
        self._quiet.clear()
        kept = set(rules)
        self._rates = {rule: rate for rule, rate in self._rates.items() if rule in kept}
        for rate in self._rates.values():
            rate.start_afresh()

    def observe(
        self, verdicts: Iterable[Verdict], breakers: Mapping[str, Breaker], now: float
    ) -> list[Trip]:
        """Count a batch; what follows from it."""
        hits: dict[str, int] = {}
        posts = 0
        for verdict in verdicts:
            posts += 1
            for result in verdict.rules:
                if result.action != ALLOW and (not result.shadow or result.tripped):
                    hits[result.id] = hits.get(result.id, 0) + 1
        found = list(self._recovered(now))
        for rule, breaker in breakers.items():
            rate = self._rates.setdefault(rule, _Rate())
            if rule in self._until:
                continue
            if rate.add(hits.get(rule, 0), posts, breaker.over):
                mark = self._quiet.add if _too_rarely(rate, breaker) else self._quiet.discard
                mark(rule)
            if rule in hits and (reason := _too_often(rate, breaker)):
                self._until[rule] = now + breaker.cool_down
                rate.start_afresh()
                found.append(Trip(rule, breaker.then, reason))
        return found

    def _recovered(self, now: float) -> Iterable[Trip]:
        for rule, until in list(self._until.items()):
            if now >= until:
                del self._until[rule]
                yield Trip(rule, None, "its time is over")


def _too_rarely(rate: _Rate, breaker: Breaker) -> bool:
    hits, posts = rate.window()
    if posts < breaker.over * (_BLOCKS - 1) / _BLOCKS or rate.usual_posts < breaker.over:
        return False
    expected = rate.usual_hits / rate.usual_posts * posts
    return expected >= breaker.at_least and hits * breaker.times < expected


def _too_often(rate: _Rate, breaker: Breaker) -> str | None:
    hits, posts = rate.window()
    if hits < breaker.at_least:
        return None
    lately = hits / posts
    told = f"fired on {hits:,} of the last {posts:,} posts ({lately:.2%})"
    if breaker.most is not None and posts * 2 >= breaker.over and lately > breaker.most:
        return f"{told}, more than the {breaker.most:.2%} it may"
    if rate.usual_posts >= breaker.over:
        usual = rate.usual_hits / rate.usual_posts
        # A young window is as noisy as it is short: it counts for as long as a full one.
        if hits / max(posts, breaker.over) > breaker.times * usual:
            return f"{told}, more than {breaker.times:g} times its usual {usual:.2%}"
    return None
