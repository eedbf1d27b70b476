"""Verdicts of labelled posts, sorted by what was asked: scores by channel and fused."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.evaluation.resampling import Scores
from moderator.evaluation.rows import Example
from moderator.verdicts import RuleScore, Verdict, read_in_full

FUSED = "fused"


@dataclass(frozen=True)
class Answers:
    """What the rules of one task said of the examples that answer it and that they could read."""

    task: str
    rules: tuple[str, ...]
    truth: NDArray[np.bool_]  # (examples,)
    scores: Mapping[str, Scores]  # by channel, and fused
    fired: NDArray[np.bool_]  # (examples,) some rule reached its threshold, unexcused
    reviewed: NDArray[np.bool_]  # (examples,) some rule reached its review line, unexcused
    groups: tuple[str, ...]
    places: NDArray[np.intp]  # (examples,) their places among all examples


class Judged(NamedTuple):
    """A suite's posts, and what became of them."""

    examples: Sequence[Example]
    answers: Sequence[Answers]  # by task
    unread: int  # posts of which a part could not be read


def answers(
    examples: Sequence[Example], verdicts: Sequence[Verdict], tasks: Mapping[str, tuple[str, ...]]
) -> list[Answers]:
    """Verdicts in full detail, sorted by task."""
    scored = [_heard(verdict) for verdict in verdicts]
    return [_answers(task, rules, examples, scored) for task, rules in tasks.items()]


def _answers(
    task: str,
    rules: tuple[str, ...],
    examples: Sequence[Example],
    scored: Sequence[Mapping[str, RuleScore]],
) -> Answers:
    judged = {
        place: said
        for place, example in enumerate(examples)
        if task in example.truth
        and (said := [scored[place][rule] for rule in rules if rule in scored[place]])
    }
    places, found = list(judged), list(judged.values())
    channels = sorted({name for some in found for rule in some for name in rule.channels})
    return Answers(
        task=task,
        rules=rules,
        truth=np.array([examples[place].truth[task] for place in places], np.bool_),
        scores={name: np.array([_highest(some, name) for some in found]) for name in channels}
        | {FUSED: np.array([max(map(_score, some)) for some in found], np.float64)},
        fired=np.array([_any(some, lambda rule: rule.threshold) for some in found], np.bool_),
        reviewed=np.array([_any(some, lambda rule: rule.review_at) for some in found], np.bool_),
        groups=tuple(examples[place].group for place in places),
        places=np.array(places, np.intp),
    )


def _heard(verdict: Verdict) -> dict[str, RuleScore]:
    """The rules that judge a post; of one not read in full, those that had anything to go by."""
    rules = {rule.id: rule for rule in verdict.rules}
    if read_in_full(verdict):
        return rules
    return {name: rule for name, rule in rules.items() if _read(rule, rules)}


def _read(rule: RuleScore, rules: Mapping[str, RuleScore]) -> bool:
    """Whether a channel or a keyword spoke for or against a rule, or one that it is made of."""
    policy = rule.id.partition("/")[0]
    parts = [rules.get(f"{policy}/{name}") for name in rule.parts]
    return bool(rule.channels) or any(_read(part, rules) for part in parts if part)


def _score(rule: RuleScore) -> float:
    """What the rule's word counts: nothing where an exception lets the post pass."""
    return 0.0 if rule.excused is not None else rule.score


def _any(rules: Sequence[RuleScore], line: Callable[[RuleScore], float]) -> bool:
    return any(rule.excused is None and rule.score >= line(rule) for rule in rules)


def _highest(rules: Sequence[RuleScore], channel: str) -> float:
    scores = [rule.channels[channel].score for rule in rules if channel in rule.channels]
    return max(scores, default=np.nan)
