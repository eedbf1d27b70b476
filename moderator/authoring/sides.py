"""What one policy makes, or made, of many posts: one side of a comparison."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.store import Store
from moderator.embedder import Embedded
from moderator.pipeline import judge
from moderator.policy.compile import CompiledRules
from moderator.policy.levels import Canary
from moderator.posts import Post
from moderator.reading import Inputs, ReadingLimits, read_text
from moderator.scoring.calibration import sigmoid
from moderator.scoring.excuses import excuse, in_canary
from moderator.scoring.score import Scores
from moderator.verdicts import ALLOW, REVIEW, RuleScore, Verdict

QUIET, LOOK, ACT = 0, 1, 2
"""How far a rule went: not at all, to its review line, to its threshold."""


@dataclass(frozen=True)
class Side:
    """Every rule's result for every post."""

    name: str
    rules: tuple[str, ...]  # policy/rule
    order: tuple[str, ...]  # actions, mildest first
    actions: NDArray[np.intp]  # (posts,) places in `order`
    # All with a rule's column in one piece, because they are looked at by rule.
    levels: NDArray[np.int8]  # (posts, rules)
    asked: NDArray[np.int16]  # (posts, rules) places in `order`; 0 where a rule only reports
    scores: NDArray[np.float32]  # (posts, rules); NaN where it is not known


def judge_store(
    rules: CompiledRules, store: Store, limits: ReadingLimits, callers: int = 1
) -> Side:
    """Score a store by the pipeline, some posts at a time on each of `callers` threads.

    `limits` say how much of each text is searched for keywords.
    """
    posts, count, policy = len(store.posts), len(rules.ids), rules.receipt.policy
    scores = np.empty((posts, count), np.float32, order="F")
    levels = np.empty((posts, count), np.int8, order="F")
    look, act = rules.review_log_odds, rules.threshold_log_odds

    def fill(where: slice) -> None:
        some, inputs = store.posts[where], Inputs()
        if rules.keywords:
            for row, post in enumerate(some):
                inputs.reports.append([])
                read_text(inputs, row, post.text, limits)
            inputs.quotes += store.written(where)
        found = judge(rules, Embedded(inputs, store.readings(where)), some)
        scores[where] = sigmoid(found.fused)
        levels[where] = (found.fused >= look).view(np.int8) + (found.fused >= act).view(np.int8)
        _excuse(rules, found, [post.id for post in some], levels[where])

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(fill, store.chunks()))
    asked = _asked(rules, levels, store.posts)
    return Side(
        f"{policy.name} {policy.version} ({policy.digest[:8]})",
        rules.ids,
        rules.actions,
        _actions(rules, asked, store.unread),
        levels,
        asked,
        scores,
    )


def from_verdicts(verdicts: Sequence[Verdict], order: Sequence[str]) -> Side:
    """The side of verdicts that were published; they name only rules that reached a line."""
    rules = tuple(dict.fromkeys(rule.id for verdict in verdicts for rule in verdict.rules))
    known = _known(verdicts, order)
    columns = {name: column for column, name in enumerate(rules)}
    places = {action: place for place, action in enumerate(known)}
    levels = np.zeros((len(verdicts), len(rules)), np.int8, order="F")
    asked = np.zeros(levels.shape, np.int16, order="F")
    scores = np.full(levels.shape, np.nan, np.float32, order="F")
    for row, verdict in enumerate(verdicts):
        for rule in verdict.rules:
            column = columns[rule.id]
            levels[row, column] = _level(rule)
            asked[row, column] = 0 if rule.shadow else places[rule.action]
            scores[row, column] = rule.score
    actions = np.array([places[verdict.action] for verdict in verdicts], np.intp)
    return Side("published verdicts", rules, known, actions, levels, asked, scores)


def _known(verdicts: Sequence[Verdict], order: Sequence[str]) -> tuple[str, ...]:
    """The actions in their order, and behind them those that only the verdicts name."""
    taken = [verdict.action for verdict in verdicts]
    asked = [rule.action for verdict in verdicts for rule in verdict.rules]
    return tuple(dict.fromkeys((*order, *taken, *asked)))


def _level(rule: RuleScore) -> int:
    if rule.excused is not None:
        return QUIET
    return (rule.score >= rule.review_at) + (rule.score >= rule.threshold)


def _excuse(
    rules: CompiledRules, scores: Scores, posts: Sequence[str], levels: NDArray[np.int8]
) -> None:
    """Quieten rules where an exception excuses the post; (posts, rules), in place."""
    excusing = {column for _, column in scores.hits.excuses} | set(rules.excusing)
    for column in excusing:
        for row in np.flatnonzero(levels[:, column]).tolist():
            if excuse(rules, scores, row, column, posts[row]) is not None:
                levels[row, column] = QUIET


def _asked(
    rules: CompiledRules, levels: NDArray[np.int8], posts: Sequence[Post]
) -> NDArray[np.int16]:
    """(posts, rules) the actions that acting rules ask for, each by itself."""
    review = rules.actions.index(REVIEW)
    asked = np.zeros(levels.shape, np.int16, order="F")
    for column, rule in enumerate(rules.rules):
        if rule.mode == "shadow" or rule.action == ALLOW:
            continue
        by_level = np.array([0, review, rules.actions.index(rule.action)], np.int16)
        asked[:, column] = by_level[levels[:, column]]
        if isinstance(rule.mode, Canary):
            name, share = rules.ids[column], rule.mode.canary
            asked[:, column] *= np.array([in_canary(name, post.id, share) for post in posts])
    return asked


def _actions(
    rules: CompiledRules, asked: NDArray[np.int16], unread: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """(posts,) the strictest action that is asked for; what was not read is reviewed."""
    actions: NDArray[np.intp] = asked.max(axis=1, initial=0).astype(np.intp)
    actions[unread] = np.maximum(actions[unread], rules.actions.index(REVIEW))
    return actions
