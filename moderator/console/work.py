"""What moderators have done: how much, how fast, and how often two of them agree."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from moderator.console.pages import Page, get, parts, render

_DAYS: Final = 14
_SHOWN: Final = 50
_DECISIONS: Final = ("allow", "block", "wrong_rule")


class Agreement(NamedTuple):
    """Of the posts that two moderators looked at."""

    posts: int
    share: float  # on which they said the same
    kappa: float | None  # beyond chance; None where all said the same, and it is not defined


class Row(NamedTuple):
    """One moderator on one day."""

    day: str
    reviewer: str
    counts: tuple[int, ...]  # by decision
    seconds: float | None  # the mean for a decision

    @property
    def total(self) -> int:
        """All decisions."""
        return sum(self.counts)


def agreement(pairs: Mapping[tuple[str, str], int]) -> Agreement | None:
    """Cohen's kappa (1960) over the first and the second decision; None without second looks."""
    total = sum(pairs.values())
    if total <= 0:
        return None
    same = sum(count for (first, second), count in pairs.items() if first == second) / total
    first = [sum(n for (one, _), n in pairs.items() if one == each) for each in _DECISIONS]
    second = [sum(n for (_, two), n in pairs.items() if two == each) for each in _DECISIONS]
    chance = sum(one * two for one, two in zip(first, second, strict=True)) / total**2
    return Agreement(total, same, (same - chance) / (1 - chance) if chance < 1 else None)


def rows(work: Mapping[str, Mapping[str, Mapping[str, float]]]) -> list[Row]:
    """Day by day."""
    found = []
    for day, reviewers in work.items():
        for reviewer, counts in sorted(reviewers.items()):
            done = tuple(int(counts.get(each, 0)) for each in _DECISIONS)
            total = sum(done)
            if total > 0:
                found.append(Row(day, reviewer, done, counts.get("seconds", 0.0) / total))
    return found


async def _page(request: Request) -> Response:
    journal = parts(request).journal
    return render(
        request,
        "work.html.j2",
        rows=rows(await journal.work(_DAYS)),
        agreement=agreement(await journal.pairs()),
        reviews=await journal.recent(_SHOWN),
    )


PAGE: Final = Page("/work", "Decisions", [get("/work", _page)])
