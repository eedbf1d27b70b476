"""Verdicts of labelled posts, sorted by what was asked: scores by channel and fused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.evaluation.rows import Example
from moderator.verdicts import RuleScore, Verdict

Scores = NDArray[np.float64]  # (examples,) probabilities; NaN where nothing was read
FUSED = "fused"


@dataclass(frozen=True)
class Answers:
    """What the rules of one task said of the examples that answer it."""

    task: str
    rules: tuple[str, ...]
    truth: NDArray[np.bool_]  # (examples,)
    scores: Mapping[str, Scores]  # by channel, and fused
    fired: NDArray[np.bool_]  # (examples,) some rule reached its threshold
    reviewed: NDArray[np.bool_]  # (examples,) some rule reached its review line
    groups: tuple[str, ...]
    places: NDArray[np.intp]  # (examples,) their places among all examples


def answers(
    examples: Sequence[Example], verdicts: Sequence[Verdict], tasks: Mapping[str, tuple[str, ...]]
) -> list[Answers]:
    """Verdicts in full detail, sorted by task."""
    scored = [{rule.id: rule for rule in verdict.rules} for verdict in verdicts]
    return [_answers(task, rules, examples, scored) for task, rules in tasks.items()]


def _answers(
    task: str,
    rules: tuple[str, ...],
    examples: Sequence[Example],
    scored: Sequence[Mapping[str, RuleScore]],
) -> Answers:
    places = [place for place, example in enumerate(examples) if task in example.truth]
    found = [[scored[place][rule] for rule in rules if rule in scored[place]] for place in places]
    channels = sorted({name for some in found for rule in some for name in rule.channels})
    return Answers(
        task=task,
        rules=rules,
        truth=np.array([examples[place].truth[task] for place in places]),
        scores={name: np.array([_highest(some, name) for some in found]) for name in channels}
        | {FUSED: np.array([max((rule.score for rule in some), default=np.nan) for some in found])},
        fired=np.array([any(rule.score >= rule.threshold for rule in some) for some in found]),
        reviewed=np.array([any(rule.score >= rule.review_at for rule in some) for some in found]),
        groups=tuple(examples[place].group for place in places),
        places=np.array(places, np.intp),
    )


def _highest(rules: Sequence[RuleScore], channel: str) -> float:
    scores = [rule.channels[channel].score for rule in rules if channel in rule.channels]
    return max(scores, default=np.nan)
