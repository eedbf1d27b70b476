"""What an evaluation found, as data."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.compare import wilson
from moderator.evaluation.answers import FUSED, Answers, Judged
from moderator.evaluation.figures import Merit, merit
from moderator.evaluation.fusion import FusionRow, compare
from moderator.evaluation.resampling import (
    RESAMPLES,
    Counts,
    Figure,
    Values,
    average_precision,
    draw,
    figure,
    on_draws,
)
from moderator.evaluation.suites import Suite


@dataclass(frozen=True)
class ChannelMerit:
    """One task, judged by one channel or by all of them fused."""

    task: str
    channel: str
    merit: Merit


@dataclass(frozen=True)
class Decisions:
    """What the rules' own lines make of the posts, as shares; None without posts to share."""

    task: str
    group: str
    positives: int
    negatives: int
    fired: Figure | None  # of the positives
    falsely_fired: Figure | None  # of the negatives
    reviewed: Figure | None
    falsely_reviewed: Figure | None
    accuracy: Figure | None  # of all, those on the right side of the threshold


@dataclass(frozen=True)
class Report:
    """One suite, judged by one policy in one space."""

    suite: Suite
    policy: str
    models: dict[str, str]
    posts: int
    unread: int  # of the posts, those of which a part could not be read
    merits: tuple[ChannelMerit, ...]
    mean_ap: Figure | None  # of the tasks, fused; None with fewer than two
    decisions: tuple[Decisions, ...]
    groups: tuple[Decisions, ...]
    fusion: dict[str, list[FusionRow]]  # by task

    def to_tree(self) -> dict[str, Any]:
        """Everything, as JSON has it; what is not defined is null."""
        tree = asdict(self) | {"suite": self.suite.model_dump()}
        tree["merits"] = [
            {"task": each.task, "channel": each.channel} | each.merit._asdict()
            for each in self.merits
        ]
        plain: dict[str, Any] = _plain(tree)
        return plain


def make_report(
    suite: Suite, policy: str, models: dict[str, str], judged: Judged, resamples: int = RESAMPLES
) -> Report:
    """Measure every task by every channel, on the same draws of the suite's posts."""
    found = judged.answers
    counts = draw(len(judged.examples), resamples)
    return Report(
        suite=suite,
        policy=policy,
        models=models,
        posts=len(judged.examples),
        unread=judged.unread,
        merits=tuple(
            ChannelMerit(each.task, channel, merit(each.truth, scores, counts[:, each.places]))
            for each in found
            for channel, scores in _distinct(each).items()
        ),
        mean_ap=_mean_ap([each for each in found if each.task != suite.together], counts),
        decisions=tuple(_decisions(each, "") for each in found),
        groups=tuple(
            _decisions(each, group)
            for each in found
            for group in dict.fromkeys(each.groups)
            if group
        ),
        fusion={
            each.task: rows for each in found if (rows := compare(each, counts[:, each.places]))
        },
    )


def _mean_ap(found: Sequence[Answers], counts: Counts) -> Figure | None:
    """Of the tasks that have posts of both kinds; a draw that lacks a kind of one is left out."""
    values = [_ap_values(each, counts) for each in found]
    defined = [each for each in values if not np.isnan(each[0])]
    return figure(np.mean(defined, axis=0)) if len(defined) > 1 else None


def _ap_values(answers: Answers, counts: Counts) -> Values:
    scores = answers.scores[FUSED]
    return on_draws(average_precision, answers.truth, scores, counts[:, answers.places])


def _distinct(answers: Answers) -> dict[str, Any]:
    """Fused first; channels only where there are several, else they are the same."""
    others = {name: scores for name, scores in answers.scores.items() if name != FUSED}
    return {FUSED: answers.scores[FUSED]} | (others if len(others) > 1 else {})


def _decisions(answers: Answers, group: str) -> Decisions:
    chosen = np.array([not group or each == group for each in answers.groups], np.bool_)
    positive, negative = chosen & answers.truth, chosen & ~answers.truth
    right = answers.fired == answers.truth
    return Decisions(
        task=answers.task,
        group=group,
        positives=int(positive.sum()),
        negatives=int(negative.sum()),
        fired=_share(answers.fired[positive]),
        falsely_fired=_share(answers.fired[negative]),
        reviewed=_share(answers.reviewed[positive]),
        falsely_reviewed=_share(answers.reviewed[negative]),
        accuracy=_share(right[chosen]),
    )


def _share(flags: NDArray[np.bool_]) -> Figure | None:
    """With Wilson's interval: draws of posts that all go one way would all say the same."""
    if not len(flags):
        return None
    rate = wilson(int(flags.sum()), len(flags))
    return Figure(rate.value, rate.low, rate.high)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if hasattr(value, "_asdict"):
        value = value._asdict()
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value
