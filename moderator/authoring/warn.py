"""What the encoders find odd about a policy that is formally right: warnings, each with its fix."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.examples import Outcome, TestReport, run_examples
from moderator.authoring.windows import windows
from moderator.authoring.workbench import Workbench
from moderator.cores import usable_cores
from moderator.encoders.base import Matrix
from moderator.policy.compile import CompiledRules
from moderator.policy.policyset import PolicySet

CODES: Mapping[str, str] = {
    "prompts-alike": "Two prompts say nearly the same",
    "rules-alike": "Two rules look for nearly the same",
    "wrong-side": "A `violates` prompt is closer to the rule's `allows` side",
    "narrow-example": "An example passes by less than a margin",
    "failing-example": "An example fails",
    "swallowed": "Another rule, at least as strict, fires on all of a rule's `violates` prompts",
    "prompt-cut": "A prompt is longer than the encoder's window",
}
_BLOCK = 1024  # rows of a similarity matrix at a time


@dataclass(frozen=True)
class Lines:
    """From where on something is worth a warning."""

    prompts_alike: float = 0.93  # cosine
    rules_alike: float = 0.95  # cosine of two directions
    wrong_side: float = 0.08  # cosine; allowed prompts come close on purpose
    narrow: float = 0.03  # between an example's score and the review line


class Warned(NamedTuple):
    """A warning, at a rule or at one of its prompts."""

    code: str
    rule: str  # policy/rule
    prompt: str | None
    message: str
    under: tuple[str, ...] = ()  # the keys of the rule below which the prompt stands


class _Prompts(NamedTuple):
    """All prompts of one side in one channel."""

    rules: NDArray[np.intp]  # (prompts,) the column of each one's rule
    texts: list[str]
    vectors: Matrix  # (prompts, dimensions)


def warn(policies: PolicySet, bench: Workbench, lines: Lines | None = None) -> list[Warned]:
    """Every warning about rules that are not off. Raises PolicyError and ModelError."""
    lines = lines or Lines()
    rules = bench.compile(policies)
    found: list[Warned] = []
    for channel in bench.channels:
        violates = _side(rules, bench, channel, 0)
        allows = _side(rules, bench, channel, 1)
        found += _cut(rules, bench, channel, violates, allows)
        found += _prompts_alike(rules, violates, lines)
        found += _prompts_alike(rules, allows, lines, within_rules=True)
        found += _rules_alike(rules, channel, lines)
        found += _wrong_side(rules, violates, allows, lines)
        if channel == "text":  # captions are no texts, so only here prompts stand for posts
            found += _swallowed(rules, violates)
    found += _examples(run_examples(policies, bench, rules), lines)
    return list(dict.fromkeys(found))  # shared prompts are read by two channels


def _side(rules: CompiledRules, bench: Workbench, channel: str, side: int) -> _Prompts:
    pairs = [
        (column, prompt)
        for column, rule in enumerate(rules.rules)
        if channel in rule.reads
        for prompt in rule.prompts(channel)[side]
    ]
    vectors = bench.vectors(channel, (prompt for _, prompt in pairs))
    dimensions = bench.channels[channel].dimensions
    rows = [vectors[prompt] for _, prompt in pairs]
    return _Prompts(
        np.array([column for column, _ in pairs], np.intp),
        [prompt for _, prompt in pairs],
        np.stack(rows) if rows else np.zeros((0, dimensions), np.float32),
    )


def _cut(
    rules: CompiledRules, bench: Workbench, channel: str, *sides: _Prompts
) -> Iterator[Warned]:
    for side in sides:
        for place, count in windows(side.texts, bench.channels[channel], bench.cache).items():
            yield Warned(
                "prompt-cut",
                rules.ids[side.rules[place]],
                side.texts[place],
                f"this prompt is longer than the encoder's window: {count} windows, and only the "
                "first is used; make several prompts of it",
            )


def _prompts_alike(
    rules: CompiledRules, side: _Prompts, lines: Lines, *, within_rules: bool = False
) -> Iterator[Warned]:
    for one, other, cosine in _alike(side.vectors, lines.prompts_alike):
        ours, theirs = rules.ids[side.rules[other]], rules.ids[side.rules[one]]
        same_rule = ours == theirs
        if not same_rule and (within_rules or _policy(ours) != _policy(theirs)):
            continue
        fix = "keep one of them" if same_rule else "the rules overlap here; keep it in one of them"
        where = "" if same_rule else f" of `{theirs}`"
        yield Warned(
            "prompts-alike",
            ours,
            side.texts[other],
            f"nearly the same as the prompt “{side.texts[one]}”{where} (cosine {cosine:.2f}); "
            f"{fix}",
        )


def _rules_alike(rules: CompiledRules, channel: str, lines: Lines) -> Iterator[Warned]:
    directions = np.ascontiguousarray(rules.channels[channel].directions.T)
    for one, other, cosine in _alike(directions, lines.rules_alike):
        if _policy(rules.ids[one]) == _policy(rules.ids[other]):
            yield Warned(
                "rules-alike",
                rules.ids[other],
                None,
                f"looks for nearly the same in {channel} as `{rules.ids[one]}` "
                f"(cosine {cosine:.2f}); make one rule of the two, or tell them apart in `allows`",
            )


def _wrong_side(
    rules: CompiledRules, violates: _Prompts, allows: _Prompts, lines: Lines
) -> Iterator[Warned]:
    """Each violating prompt against the means of the others of its side and of the allowed."""
    count = len(rules.rules)
    sums, sizes = _sums(violates, count), np.bincount(violates.rules, minlength=count)
    other_sums, other_sizes = _sums(allows, count), np.bincount(allows.rules, minlength=count)
    columns, vectors = violates.rules, violates.vectors
    comparable = (sizes[columns] > 1) & (other_sizes[columns] > 0)
    to_own = (vectors * (sums[columns] - vectors)).sum(axis=1) / np.maximum(sizes[columns] - 1, 1)
    to_other = (vectors * other_sums[columns]).sum(axis=1) / np.maximum(other_sizes[columns], 1)
    wrong = comparable & (to_other - to_own >= lines.wrong_side)
    for place in np.flatnonzero(wrong).tolist():
        yield Warned(
            "wrong-side",
            rules.ids[columns[place]],
            violates.texts[place],
            f"this `violates` prompt is closer to the `allows` side ({to_other[place]:.2f}) than "
            f"to the other `violates` prompts ({to_own[place]:.2f}); reword it, or make a rule of "
            "its own",
        )


def _sums(side: _Prompts, rules: int) -> Matrix:
    total = np.zeros((rules, side.vectors.shape[1]), np.float32)
    np.add.at(total, side.rules, side.vectors)
    return total


def _swallowed(rules: CompiledRules, violates: _Prompts) -> Iterator[Warned]:
    """Rules whose prompts, read as posts, all reach the threshold of one other rule."""
    channel = rules.channels["text"]
    least = rules.threshold_log_odds
    ranks = np.array([rules.actions.index(rule.action) for rule in rules.rules])
    starts = np.flatnonzero(np.diff(violates.rules, prepend=-1))
    if not len(starts):
        return
    logits = channel.scale.log_odds(violates.vectors @ channel.directions)
    fires = (logits >= least) & channel.reads  # (prompts, rules)
    all_fire = np.logical_and.reduceat(fires, starts, axis=0)
    parts = _parts(rules)
    for row, column in enumerate(violates.rules[starts].tolist()):
        if rules.rules[column].keywords or column in parts:
            continue  # sentences do not tell all that it does
        for other in np.flatnonzero(all_fire[row] & (ranks >= ranks[column])).tolist():
            ours, theirs = rules.ids[column], rules.ids[other]
            if other != column and _stands_in(rules, other, column):
                yield Warned(
                    "swallowed",
                    ours,
                    None,
                    f"`{theirs}` asks for {rules.rules[other].action} on every `violates` prompt "
                    "of this rule, so this rule may never make a difference; say in the `allows` "
                    "of one what the other is for",
                )


def _stands_in(rules: CompiledRules, other: int, column: int) -> bool:
    """Whether nothing keeps a rule from acting on posts on which another one of its policy acts."""
    ours, theirs = rules.rules[column], rules.rules[other]
    return (
        _policy(rules.ids[column]) == _policy(rules.ids[other])
        and set(ours.channels) <= set(theirs.channels)
        and (theirs.mode == "enforce" or theirs.mode == ours.mode == "shadow")
        and rules.scope.covers(other, column)
        and set(theirs.excepts.rules or ()) <= set(ours.excepts.rules or ())
        and set(theirs.excepts.keywords) <= set(ours.excepts.keywords)
    )


def _parts(rules: CompiledRules) -> set[int]:
    """The rules that others are made of or excused by, which make a difference there."""
    combined = {column for made in rules.combined for column in made.columns.values()}
    return combined.union(*rules.excusing.values())


def _examples(report: TestReport, lines: Lines) -> Iterator[Warned]:
    for outcome in report.outcomes:
        case, score = outcome.case, outcome.score
        room = abs(score.score - score.review_at)
        name = f"{case.policy.name}/{case.rule.id}"
        under = ("examples", case.side)
        if not outcome.passed:
            message = f"{_failing(outcome)}; `moderator policy test` shows the nearest prompts"
            yield Warned("failing-example", name, case.example.text, message, under)
        elif room < lines.narrow and score.excused is None:
            message = (
                f"this example passes by {room:.3f} only (score {score.score:.3f}, review line "
                f"{score.review_at:g}); add a prompt like it, so that small changes do not break it"
            )
            yield Warned("narrow-example", name, case.example.text, message, under)


def _failing(outcome: Outcome) -> str:
    score = outcome.score
    must = "fire" if outcome.case.side == "violates" else "pass"
    if score.excused is not None:
        return f"this example must {must}, but the exception {score.excused} excuses it"
    return (
        f"this example must {must}, but scores {score.score:.3f} at a review line of "
        f"{score.review_at:g}"
    )


def _alike(rows: Matrix, least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs of rows, the earlier first, with a cosine of at least `least`."""

    def block(start: int) -> list[tuple[int, int, float]]:
        cosines = rows[start : start + _BLOCK] @ rows[: start + _BLOCK].T
        found = np.argwhere(cosines >= least).tolist()
        pairs = ((other, start + one, float(cosines[one, other])) for one, other in found)
        return [pair for pair in pairs if pair[0] < pair[1]]

    with ThreadPoolExecutor(usable_cores()) as pool:
        yield from chain.from_iterable(pool.map(block, range(0, len(rows), _BLOCK)))


def _policy(rule: str) -> str:
    return rule.partition("/")[0]
