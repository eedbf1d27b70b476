"""What an evaluation found, as data."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from moderator.evaluation.answers import FUSED, Answers
from moderator.evaluation.figures import Merit, merit
from moderator.evaluation.fusion import FusionRow, compare
from moderator.evaluation.suites import Suite


@dataclass(frozen=True)
class ChannelMerit:
    """One task, judged by one channel or by all of them fused."""

    task: str
    channel: str
    merit: Merit


@dataclass(frozen=True)
class Decisions:
    """What the rules' own lines make of the posts, as shares of the positives and negatives."""

    task: str
    group: str
    positives: int
    negatives: int
    fired: float | None  # of the positives; None without any
    falsely_fired: float | None  # of the negatives
    reviewed: float | None
    falsely_reviewed: float | None

    @property
    def accuracy(self) -> float:
        """The share of all posts on the right side of the threshold."""
        right = (self.fired or 0) * self.positives + (
            1 - (self.falsely_fired or 0)
        ) * self.negatives
        return right / (self.positives + self.negatives)


@dataclass(frozen=True)
class Report:
    """One suite, judged by one policy in one space."""

    suite: Suite
    policy: str
    models: dict[str, str]
    posts: int
    merits: tuple[ChannelMerit, ...]
    decisions: tuple[Decisions, ...]
    groups: tuple[Decisions, ...]
    fusion: dict[str, list[FusionRow]]  # by task

    @property
    def mean_ap(self) -> float | None:
        """The mean of the tasks' average precision, fused; None with fewer than two."""
        found = [
            each.merit.ap.value
            for each in self.merits
            if each.channel == FUSED and each.task != self.suite.together
        ]
        known = [value for value in found if not math.isnan(value)]
        return float(np.mean(known)) if len(known) > 1 else None

    def to_tree(self) -> dict[str, Any]:
        """Everything, as JSON has it; what is not defined is null."""
        tree = asdict(self) | {"suite": self.suite.model_dump(), "mean_ap": self.mean_ap}
        tree["merits"] = [
            {"task": each.task, "channel": each.channel} | _named(each.merit)
            for each in self.merits
        ]
        tree["fusion"] = {task: [_named(row) for row in rows] for task, rows in self.fusion.items()}
        defined: dict[str, Any] = _defined(tree)
        return defined


def make_report(
    suite: Suite, policy: str, models: dict[str, str], found: Sequence[Answers]
) -> Report:
    """Measure every task by every channel."""
    return Report(
        suite=suite,
        policy=policy,
        models=models,
        posts=len({place for each in found for place in each.places.tolist()}),
        merits=tuple(
            ChannelMerit(each.task, channel, merit(each.truth, scores))
            for each in found
            for channel, scores in _distinct(each).items()
        ),
        decisions=tuple(_decisions(each, "") for each in found),
        groups=tuple(
            _decisions(each, group)
            for each in found
            for group in dict.fromkeys(each.groups)
            if group
        ),
        fusion={each.task: rows for each in found if (rows := compare(each))},
    )


def _distinct(answers: Answers) -> dict[str, Any]:
    """Fused first; channels only where there are several, else they are the same."""
    others = {name: scores for name, scores in answers.scores.items() if name != FUSED}
    return {FUSED: answers.scores[FUSED]} | (others if len(others) > 1 else {})


def _decisions(answers: Answers, group: str) -> Decisions:
    chosen = np.array([not group or each == group for each in answers.groups], np.bool_)
    positive, negative = chosen & answers.truth, chosen & ~answers.truth
    return Decisions(
        task=answers.task,
        group=group,
        positives=int(positive.sum()),
        negatives=int(negative.sum()),
        fired=_share(answers.fired[positive]),
        falsely_fired=_share(answers.fired[negative]),
        reviewed=_share(answers.reviewed[positive]),
        falsely_reviewed=_share(answers.reviewed[negative]),
    )


def _share(flags: Any) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _named(record: Any) -> dict[str, Any]:
    return {
        name: value._asdict() if hasattr(value, "_asdict") else value
        for name, value in record._asdict().items()
    }


def _defined(value: Any) -> Any:
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, dict):
        return {key: _defined(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_defined(inner) for inner in value]
    return value
