"""A rule's channels on labelled posts: fitted where labels are enough, as they come elsewhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from moderator.authoring.fit import (
    FOLDS,
    Fit,
    Floats,
    Labels,
    Method,
    fit_best,
    fit_prompts,
    standardised,
)
from moderator.authoring.isotonic import FEWEST as FEWEST_ISOTONIC
from moderator.authoring.labels import UNKNOWN
from moderator.authoring.workbench import Corpus, Workbench
from moderator.authoring.zero_shot import Places, decisive, log_odds, prompts_direction
from moderator.encoders.base import Matrix
from moderator.policy.fields import PROMPTED
from moderator.policy.schema import Rule

FEWEST = 2 * FOLDS
"""Labels of each kind that a rule needs in a channel: two for every fold."""


@dataclass
class Fitted:
    """What each channel says of the posts that have it."""

    places: dict[str, Places] = field(default_factory=dict)
    zero_shot: dict[str, Floats] = field(default_factory=dict)
    fits: dict[str, Fit] = field(default_factory=dict)
    others: dict[str, Floats] = field(default_factory=dict)  # of channels without a fit
    lacks: list[str] = field(default_factory=list)  # why they have none

    def log_odds(self, told: Callable[[Fit], Floats]) -> Mapping[str, Floats]:
        """By channel, with what is told of each fit."""
        return {name: told(fit) for name, fit in self.fits.items()} | self.others


def fit_channels(
    rule: Rule, labels: Labels, embedded: Corpus, bench: Workbench, *, learn: bool, method: Method
) -> Fitted:
    """Fit a rule to (posts,) labels, of which some are unknown."""
    found = Fitted()
    for channel in rule.reads:
        if channel not in bench.channels or not rule.prompts(channel)[0]:
            continue
        prompts = prompts_direction(rule, channel, bench)
        vectors, posts = decisive(embedded, channel, prompts)
        known = labels[posts] != UNKNOWN
        vectors, posts = vectors[known], posts[known]
        if not len(posts):
            continue  # no labelled post has this modality
        space = bench.channels[channel]
        found.places[channel] = posts
        found.zero_shot[channel] = log_odds(vectors, prompts, space, channel)
        if lack := _lack_of(labels[posts], channel, method):
            found.lacks.append(lack)
        else:
            fit = fit_best if learn else fit_prompts
            made = fit(vectors, labels[posts], prompts, space.calibration[channel], method)
            if made.line.slope > 0:
                found.fits[channel] = made
                continue
            found.lacks.append(f"{channel}: posts labelled 1 score lower than those labelled 0")
        found.others[channel] = _unfitted(found, vectors, channel, bench)
    return found


def lack(labels: Labels, channel: str, fewest: int = FEWEST) -> str | None:
    """What labels are missing."""
    counts = {1: int((labels == 1).sum()), 0: int((labels == 0).sum())}
    short = [
        f"{fewest - count} more labelled {kind} (of {fewest}, there are {count})"
        for kind, count in counts.items()
        if count < fewest
    ]
    return f"{channel}: needs {' and '.join(short)}" if short else None


def _lack_of(labels: Labels, channel: str, method: Method) -> str | None:
    return lack(labels, channel, FEWEST_ISOTONIC if method == "isotonic" else FEWEST)


def _unfitted(found: Fitted, vectors: Matrix, channel: str, bench: Workbench) -> Floats:
    """As the rule will be compiled: texts in pictures like texts, the rest like the space."""
    alike = found.fits.get(PROMPTED[channel])
    if alike is None:
        return found.zero_shot[channel]
    calibration = bench.channels[channel].calibration[channel]
    return alike.line(standardised(vectors, alike.direction, calibration))
