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
from moderator.reading import Inputs, ReadingLimits, read_text
from moderator.scoring.calibration import sigmoid
from moderator.scoring.excuses import excuse, in_canary
from moderator.scoring.score import Scores
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
    # Both with a rule's column in one piece, because they are looked at by rule.
    levels: NDArray[np.int8]  # (posts, rules)
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
        found = judge(rules, Embedded(inputs, store.readings(where)), some)
        scores[where] = sigmoid(found.fused)
        levels[where] = (found.fused >= look).view(np.int8) + (found.fused >= act).view(np.int8)
        _excuse(rules, found, [post.id for post in some], levels[where])

    with ThreadPoolExecutor(callers) as pool:
        list(pool.map(fill, store.chunks()))
    return Side(
        f"{policy.name} {policy.version} ({policy.digest[:8]})",
        rules.ids,
        rules.actions,
        _actions(rules, levels, store),
        levels,
        scores,
    )


def from_verdicts(verdicts: Sequence[Verdict], order: Sequence[str]) -> Side:
    """The side of verdicts that were published; they name only rules that reached a line."""
    rules = tuple(dict.fromkeys(rule.id for verdict in verdicts for rule in verdict.rules))
    named = dict.fromkeys(verdict.action for verdict in verdicts)
    known = (*order, *(action for action in named if action not in order))
    columns = {name: column for column, name in enumerate(rules)}
    levels = np.zeros((len(verdicts), len(rules)), np.int8, order="F")
    scores = np.full(levels.shape, np.nan, np.float32, order="F")
    for row, verdict in enumerate(verdicts):
        for rule in verdict.rules:
            column = columns[rule.id]
            scores[row, column] = rule.score
            reached = (rule.score >= rule.review_at) + (rule.score >= rule.threshold)
            levels[row, column] = reached
    actions = np.array([known.index(verdict.action) for verdict in verdicts], np.intp)
    return Side("published verdicts", rules, known, actions, levels, scores)


def _excuse(
    rules: CompiledRules, scores: Scores, posts: Sequence[str], levels: NDArray[np.int8]
) -> None:
    """Quieten rules where an exception excuses the post; (posts, rules), in place."""
    excusing = {column for _, column in scores.hits.excuses} | set(rules.excusing)
    for column in excusing:
        for row in np.flatnonzero(levels[:, column]).tolist():
            if excuse(rules, scores, row, column, posts[row]) is not None:
                levels[row, column] = QUIET


def _actions(rules: CompiledRules, levels: NDArray[np.int8], store: Store) -> NDArray[np.intp]:
    """(posts,) the strictest action that an acting rule asks for; what was not read is reviewed."""
    review = rules.actions.index(REVIEW)
    actions = np.zeros(len(levels), np.intp)
    for column, rule in enumerate(rules.rules):  # a matrix of places would be eight times levels
        if rule.mode == "shadow" or rule.action == ALLOW:
            continue
        asked = np.array([0, review, rules.actions.index(rule.action)])[levels[:, column]]
        if isinstance(rule.mode, Canary):
            name, share = rules.ids[column], rule.mode.canary
            asked *= np.array([in_canary(name, post.id, share) for post in store.posts])
        np.maximum(actions, asked, out=actions)
    return np.where(store.unread, np.maximum(actions, review), actions)
