"""What one policy makes, or made, of many posts: one side of a comparison."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.levels import acting, log_odds, review_lines, thresholds
from moderator.authoring.store import Store
from moderator.policy.compile import CompiledRules
from moderator.scoring.calibration import sigmoid
from moderator.scoring.score import score
from moderator.verdicts import ALLOW, REVIEW, Verdict

QUIET, LOOK, ACT = 0, 1, 2
"""How far a rule went: not at all, to its review line, to its threshold."""


@dataclass(frozen=True)
class Side:
    """Every rule's result for every post."""

    name: str
    rules: tuple[str, ...]  # policy/rule
    order: tuple[str, ...]  # actions, mildest first
    actions: NDArray[np.intp]  # (posts,) places in `order`
    levels: NDArray[np.int8]  # (posts, rules)
    scores: NDArray[np.float32]  # (posts, rules); NaN where it is not known


def judge_store(rules: CompiledRules, store: Store) -> Side:
    """Score a store, some posts at a time, as the pipeline would."""
    posts, count, policy = len(store.posts), len(rules.ids), rules.receipt.policy
    scores = np.empty((posts, count), np.float32)
    levels = np.empty((posts, count), np.int8)
    look, act = log_odds(review_lines(rules)), log_odds(thresholds(rules))
    for where, readings in store.chunks():
        fused = score(rules, readings, where.stop - where.start).fused
        for row, post in enumerate(store.posts[where]):
            applies = rules.applies(post.surface)
            if applies is not None:
                fused[row, ~applies] = -np.inf
        scores[where] = sigmoid(fused)
        levels[where] = (fused >= look).astype(np.int8) + (fused >= act)
    return Side(
        f"{policy.name} {policy.version} ({policy.digest[:8]})",
        rules.ids,
        rules.actions,
        _actions(rules, levels, store.unread),
        levels,
        scores,
    )


def from_verdicts(verdicts: Sequence[Verdict], order: Sequence[str]) -> Side:
    """The side of verdicts that were published; they name only rules that reached a line."""
    rules = tuple(dict.fromkeys(rule.id for verdict in verdicts for rule in verdict.rules))
    named = dict.fromkeys(verdict.action for verdict in verdicts)
    known = (*order, *(action for action in named if action not in order))
    columns = {name: column for column, name in enumerate(rules)}
    levels = np.zeros((len(verdicts), len(rules)), np.int8)
    scores = np.full(levels.shape, np.nan, np.float32)
    for row, verdict in enumerate(verdicts):
        for rule in verdict.rules:
            column = columns[rule.id]
            scores[row, column] = rule.score
            reached = (rule.score >= rule.review_at) + (rule.score >= rule.threshold)
            levels[row, column] = reached
    actions = np.array([known.index(verdict.action) for verdict in verdicts], np.intp)
    return Side("published verdicts", rules, known, actions, levels, scores)


def _actions(
    rules: CompiledRules, levels: NDArray[np.int8], unread: NDArray[np.bool_]
) -> NDArray[np.intp]:
    """(posts,) the strictest action that an acting rule asks for; what was not read is reviewed."""
    review = rules.actions.index(REVIEW)
    asks = np.array([rules.actions.index(rule.action) for rule in rules.rules], np.intp)
    asks *= acting(rules)
    looks = np.where(acting(rules), review, rules.actions.index(ALLOW))
    actions = np.zeros(len(levels), np.intp)
    for column in range(levels.shape[1]):  # by column: a matrix of places would be eight times it
        level = levels[:, column]
        asked = np.where(level == ACT, asks[column], np.where(level == LOOK, looks[column], 0))
        np.maximum(actions, asked, out=actions)
    return np.where(unread, np.maximum(actions, review), actions)
