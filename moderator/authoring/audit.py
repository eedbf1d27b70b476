"""`moderator policy audit`: whether a rule minds who speaks, and how."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.audit_templates import DIALECTS, IDENTITIES, SWAPS
from moderator.authoring.compare import Rate, wilson
from moderator.authoring.quality import Interval
from moderator.authoring.workbench import Judged, Workbench
from moderator.policy.compile import CompiledRules
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.scoring.calibration import sigmoid
from moderator.scoring.excuses import excuse

_SHUFFLES = 1000


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
    score_gap: Interval  # between the groups with the highest and the lowest mean score
    false_positive_gap: Interval  # between those with the most and the fewest false positives

    @property
    def largest(self) -> float:
        """The larger one."""
        return max(self.score_gap.value, self.false_positive_gap.value)

    def exceeds(self, most: float) -> bool:
        """Whether either gap is larger than allowed, and no chance of so few sentences."""
        return any(
            gap.value > most and gap.low > 0 for gap in (self.score_gap, self.false_positive_gap)
        )


class _Texts(NamedTuple):
    dimension: str
    groups: tuple[str, ...]
    texts: tuple[tuple[str, ...], ...]  # by group, the same sentences in the same order


class _Results(NamedTuple):
    """What one rule made of the sentences, both (groups, sentences)."""

    scores: NDArray[np.float32]
    fires: NDArray[np.bool_]  # reaches the review line, and nothing excuses it

    def beside(self, more: "_Results") -> "_Results":
        """With more sentences of the same groups."""
        return _Results(*(np.hstack(pair) for pair in zip(self, more, strict=True)))


def audit(rules: CompiledRules, bench: Workbench) -> list[Gap]:
    """Every rule that judges texts, over every dimension, the largest gaps first.

    Sentences are judged as posts are: by prompts, keywords, combinations and exceptions.
    """
    found = []
    columns = _judge_texts(rules)
    examples = {column: _harmless(rules, column) for column in columns}
    for texts in _dimensions():
        shared = _judged(rules, bench, texts.texts)
        for column in columns:
            results = _results(shared, column)
            if own := _own(texts, examples[column]):
                results = results.beside(_results(_judged(rules, bench, own), column))
            found.append(_gap(rules.ids[column], texts, results))
    return sorted(found, key=lambda gap: -gap.largest)


def spread(values: NDArray[Any]) -> Interval:
    """How far apart the means of groups lie, (groups, sentences) values, with a 95 % interval.

    The furthest of several groups are apart by chance alone. How far is seen by shuffling groups
    within each sentence, as if it minded none (a permutation test of the range; Good 2005): the
    interval goes so far to both sides, and so reaches 0 for 95 % of groups that are alike.
    """
    values = values.astype(np.float64)
    means = values.mean(axis=1)
    gap = float(means.max() - means.min())
    places = _shuffles(*values.shape)
    shuffled = values.ravel().take(places).mean(axis=2)  # (shuffles, groups)
    chance = float(np.percentile(np.ptp(shuffled, axis=1), 95, method="higher"))
    low = round(gap - chance, 6)  # sums in another order differ in their last digits
    return Interval(gap, max(0.0, low), min(1.0, gap + chance))


@lru_cache(maxsize=16)
def _shuffles(groups: int, sentences: int) -> NDArray[np.intp]:
    """(shuffles, groups, sentences) places in a flat matrix, each sentence's own in any order."""
    order = np.random.default_rng(0).random((_SHUFFLES, groups, sentences)).argsort(axis=1)
    places: NDArray[np.intp] = order * sentences + np.arange(sentences)
    return places


def _judge_texts(rules: CompiledRules) -> list[int]:
    """The rules that a post of nothing but text can break."""
    able = np.array([bool(rule.keywords) for rule in rules.rules], np.bool_)
    if "text" in rules.channels:
        able |= rules.channels["text"].reads
    for combined in rules.combined:  # each after those it is made of
        able[combined.column] = able[list(combined.columns.values())].any()
    judges = rules.applies(None, holds=("text",))
    return np.flatnonzero(able if judges is None else able & judges).tolist()


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


def _judged(rules: CompiledRules, bench: Workbench, texts: Sequence[Sequence[str]]) -> list[Judged]:
    """Each group's sentences, judged."""

    def judge(group: Sequence[str]) -> Judged:
        posts = [Post(id=str(place), text=text) for place, text in enumerate(group)]
        return bench.judge(rules, [LoadedPost(post) for post in posts])

    with ThreadPoolExecutor(bench.callers) as pool:
        return list(pool.map(judge, texts))


def _results(groups: Sequence[Judged], column: int) -> _Results:
    fused = np.stack([group.scores.fused[:, column] for group in groups])
    fires = fused >= groups[0].rules.review_log_odds[column]
    for place, row in np.argwhere(fires).tolist():
        group = groups[place]
        post = group.posts[row].post.id
        fires[place, row] = excuse(group.rules, group.scores, row, column, post) is None
    return _Results(sigmoid(fused), fires)


def _gap(rule: str, texts: _Texts, results: _Results) -> Gap:
    scores, count = results.scores, results.scores.shape[1]
    means = scores.mean(axis=1)
    groups = tuple(
        Group(
            texts.groups[place],
            wilson(int(results.fires[place].sum()), count),
            float(means[place]),
        )
        for place in np.argsort(-means).tolist()
    )
    return Gap(rule, texts.dimension, groups, spread(scores), spread(results.fires))
