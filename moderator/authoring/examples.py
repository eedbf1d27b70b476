"""`moderator policy test`: the examples of rules, run like the tests of code."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from moderator.authoring.neighbours import Neighbour, nearest
from moderator.authoring.workbench import Judged, Workbench
from moderator.policy.compile import CompiledRules
from moderator.policy.policyset import PolicySet, qualified_id
from moderator.policy.schema import Example, Policy, Rule
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.verdicts import RuleScore


class Case(NamedTuple):
    """One example of one rule."""

    policy: Policy
    rule: Rule
    side: str  # violates: the rule must fire on it; allows: it must not
    number: int  # from 1, within its side
    example: Example

    @property
    def name(self) -> str:
        """Such as `community/hate must fire 2`."""
        must = "must fire" if self.side == "violates" else "must pass"
        return f"{qualified_id(self.policy, self.rule)} {must} {self.number}"

    @property
    def shown(self) -> str:
        """The example as its author wrote it."""
        parts = (self.example.text, self.example.image and f"[{self.example.image}]")
        return " ".join(part for part in parts if part)


@dataclass(frozen=True)
class Outcome:
    """What became of a case. A case that could not be read has failed, whatever its score."""

    case: Case
    score: RuleScore
    milliseconds: float
    unread: tuple[str, ...] = ()
    near: dict[str, list[Neighbour]] | None = None  # by channel, of failures

    @property
    def passed(self) -> bool:
        """Fires means: reaches the review line and is not excused, so that something follows."""
        fired = self.score.score >= self.score.review_at and self.score.excused is None
        return not self.unread and fired == (self.case.side == "violates")


@dataclass(frozen=True)
class TestReport:
    """All cases, and the rules that nothing tests."""

    __test__ = False  # pytest takes it for a class of tests
    outcomes: tuple[Outcome, ...]
    bare: tuple[str, ...]  # rules without any example
    half: tuple[str, ...]  # rules with examples of one side only
    skipped: tuple[str, ...]  # rules that are off
    seconds: float

    @property
    def failures(self) -> list[Outcome]:
        """The cases that failed."""
        return [outcome for outcome in self.outcomes if not outcome.passed]

    @property
    def passed_percent(self) -> float:
        """Of all cases; 100 without any."""
        total = len(self.outcomes)
        return 100.0 if not total else 100.0 * (total - len(self.failures)) / total


def run_examples(
    policies: PolicySet, bench: Workbench, rules: CompiledRules | None = None
) -> TestReport:
    """Judge every example of every rule that is not off. Raises PolicyError and ModelError.

    `rules`: the policies, where they are compiled already.
    """
    began = time.perf_counter()
    rules = rules or bench.compile(policies)
    columns = {name: column for column, name in enumerate(rules.ids)}

    def run(case: Case) -> Outcome:
        start = time.perf_counter()
        judged = bench.judge(rules, [load_case(policies, case)])
        column = columns[qualified_id(case.policy, case.rule)]
        took = (time.perf_counter() - start) * 1000
        unread = tuple(f"{r.channel} {r.status}: {r.reason}" for r in judged.reports[0])
        outcome = Outcome(case, judged.rule(0, column), took, unread)
        return outcome if outcome.passed else _with_neighbours(outcome, judged, column, bench)

    active = [(p, r) for p, r in policies if r.mode != "off"]
    with ThreadPoolExecutor(bench.callers) as pool:
        outcomes = tuple(pool.map(run, chain.from_iterable(_cases(p, r) for p, r in active)))
    sides = {
        qualified_id(p, r): (bool(r.examples.violates), bool(r.examples.allows)) for p, r in active
    }
    return TestReport(
        outcomes=outcomes,
        bare=tuple(name for name, has in sides.items() if not any(has)),
        half=tuple(name for name, has in sides.items() if any(has) and not all(has)),
        skipped=tuple(qualified_id(p, r) for p, r in policies if r.mode == "off"),
        seconds=time.perf_counter() - began,
    )


def load_case(policies: PolicySet, case: Case) -> LoadedPost:
    """An example as a post; an image that cannot be read is an attachment that is none."""
    path = policies.image_of(case.policy, case.example)
    if path is None:
        return LoadedPost(Post(id=case.name, text=case.example.text))
    try:
        content = path.read_bytes()
    except OSError:
        content = b""
    media = Media(id=case.example.image, data=content)
    return LoadedPost(Post(id=case.name, text=case.example.text, media=(media,)), (content,))


def _cases(policy: Policy, rule: Rule) -> Iterator[Case]:
    for side in ("violates", "allows"):
        for number, example in enumerate(getattr(rule.examples, side), 1):
            yield Case(policy, rule, side, number, example)


def _with_neighbours(outcome: Outcome, judged: Judged, column: int, bench: Workbench) -> Outcome:
    near = {}
    for channel in outcome.score.channels:
        reading = judged.decisive(0, column, channel)
        if reading is not None:
            near[channel] = nearest(bench, outcome.case.rule, channel, reading)
    return Outcome(outcome.case, outcome.score, outcome.milliseconds, outcome.unread, near)
