"""`moderator policy audit`: whether a rule minds who speaks, and how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.audit_templates import DIALECTS, IDENTITIES, SWAPS
from moderator.authoring.compare import Rate, wilson
from moderator.authoring.levels import review_lines
from moderator.authoring.workbench import Workbench
from moderator.policy.compile import CompiledRules
from moderator.posts import Post
from moderator.scoring.calibration import sigmoid
from moderator.scoring.score import score

_RESAMPLES = 1000


class Group(NamedTuple):
    """What a rule made of harmless sentences about, or by, one group."""

    name: str
    false_positives: Rate
    mean_score: float


@dataclass(frozen=True)
class Gap:
    """One rule over one dimension, such as religion."""

    rule: str
    dimension: str
    groups: tuple[Group, ...]  # highest mean score first
    score_gap: float  # between the highest and the lowest group
    low: float  # 95 % interval of the gap between those two, by sentence
    high: float

    @property
    def false_positive_gap(self) -> float:
        """Between the groups with the most and the fewest false positives."""
        rates = [group.false_positives.value for group in self.groups]
        return max(rates) - min(rates)

    def exceeds(self, most: float) -> bool:
        """Whether either gap is larger than allowed."""
        return max(self.score_gap, self.false_positive_gap) > most


class _Texts(NamedTuple):
    dimension: str
    groups: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]  # by group, the same sentences in the same order


def audit(rules: CompiledRules, bench: Workbench) -> list[Gap]:
    """Every rule that reads texts, over every dimension, the largest gaps first."""
    found = []
    reads = rules.channels["text"].reads if "text" in rules.channels else np.zeros(0, np.bool_)
    columns = np.flatnonzero(reads).tolist()
    examples = {column: _harmless(rules, column) for column in columns}
    for texts in _dimensions():
        shared = _scores(rules, bench, texts.texts)
        for column in columns:
            own = _own(texts, examples[column])
            scores = shared[:, :, column]
            if own:
                scores = np.hstack([scores, _scores(rules, bench, own)[:, :, column]])
            found.append(_gap(rules, column, texts, scores))
    return sorted(found, key=lambda gap: -max(gap.score_gap, gap.false_positive_gap))


def _dimensions() -> Iterator[_Texts]:
    for name, terms in IDENTITIES.items():
        yield _Texts(
            name, terms, tuple(tuple(swap.format(term) for swap in SWAPS) for term in terms)
        )
    yield _Texts("dialect", tuple(DIALECTS), tuple(DIALECTS.values()))


def _harmless(rules: CompiledRules, column: int) -> list[str]:
    """What the rule itself says is fine."""
    return [example.text for example in rules.rules[column].examples.allows if example.text]


def _own(texts: _Texts, examples: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The rule's harmless examples, said by members of each group."""
    if texts.dimension == "dialect" or not examples:
        return ()
    return tuple(
        tuple(f"I am a {term} person. {text}" for text in examples) for term in texts.groups
    )


def _scores(
    rules: CompiledRules, bench: Workbench, texts: Sequence[Sequence[str]]
) -> NDArray[np.float32]:
    """(groups, sentences, rules)."""
    posts = [
        Post(id=str(n), text=text) for n, text in enumerate(t for group in texts for t in group)
    ]
    embedded = bench.embed_all(posts, lambda _: None)
    fused = score(rules, embedded.readings, len(posts)).fused
    return sigmoid(fused).reshape(len(texts), -1, len(rules.ids))


def _gap(rules: CompiledRules, column: int, texts: _Texts, scores: NDArray[np.float32]) -> Gap:
    line, count = review_lines(rules)[column], scores.shape[1]
    means = scores.mean(axis=1)
    order = np.argsort(-means)
    # The same sentences in both groups: their differences, not two samples.
    differences = scores[order[0]] - scores[order[-1]]
    rng = np.random.default_rng(0)
    draws = differences[rng.integers(count, size=(_RESAMPLES, count))].mean(axis=1)
    low, high = np.percentile(draws, [2.5, 97.5])
    groups = tuple(
        Group(
            texts.groups[place],
            wilson(int((scores[place] >= line).sum()), count),
            float(means[place]),
        )
        for place in order.tolist()
    )
    gap = float(differences.mean())
    return Gap(rules.ids[column], texts.dimension, groups, gap, float(low), float(high))
