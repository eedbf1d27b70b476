"""The core: posts in, verdicts out. It knows neither Kafka nor Redis nor onnxruntime."""

import time
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np

from moderator.embedder import Embedded, Embedder, Stopwatch
from moderator.ocr.base import CHANNEL as OCR
from moderator.policy.compile import CompiledRules
from moderator.posts import Post
from moderator.reading import Inputs, LoadedPost
from moderator.scoring.decision import decide
from moderator.scoring.detail import rule_score
from moderator.scoring.keywords import Hits
from moderator.scoring.score import Readings, Scores, score
from moderator.verdicts import ModalityReport, Verdict

Detail = Literal["crossed", "full"]

_CHANNELS = ("text", "image", OCR)
_READ = {name: ModalityReport(channel=name, status="read") for name in _CHANNELS}
_MISSING = {name: ModalityReport(channel=name, status="missing") for name in _CHANNELS}


class Observer(Protocol):
    """Is shown every batch once it is scored; called from the thread that screens it."""

    def __call__(
        self,
        rules: CompiledRules,
        readings: Mapping[str, Readings],
        scores: Scores,
        encode_ms: Mapping[str, float],
        /,
    ) -> None:
        """`encode_ms`: milliseconds by channel."""


class Screener:
    """Screens batches of posts against compiled rules. Threads may share one.

    `rules` may be replaced at any time; a batch is judged by the rules it started with.
    """

    def __init__(
        self, rules: CompiledRules, embedder: Embedder, detail: Detail = "crossed"
    ) -> None:
        self.rules = rules
        self.embedder = embedder
        self._detail = detail
        self.observer: Observer | None = None

    def warm_up(self) -> None:
        """Have the encoders run every shape they will meet. Raises InferenceError."""
        self.embedder.warm_up()

    def screen(self, posts: Sequence[LoadedPost]) -> list[Verdict]:
        """One verdict per post, in order.

        Media that cannot be read and encoders that fail are named in the verdict, which then is
        `review` or harsher; only a bug raises.
        """
        rules, watch = self.rules, Stopwatch()
        embedded = self.embedder.embed(posts, watch)
        scores = judge(rules, embedded, [loaded.post for loaded in posts])
        watch.lap("score")
        if self.observer is not None:
            self.observer(rules, embedded.readings, scores, watch.parts)
        return _Batch(rules, embedded, scores).verdicts(posts, self._detail, watch.laps)


def judge(rules: CompiledRules, embedded: Embedded, posts: Sequence[Post]) -> Scores:
    """Score posts: their embeddings, and the keywords in what they say, by the rules for them."""
    inputs, readings = embedded
    hits = _keywords(rules, inputs) if rules.keywords else None
    outside = rules.scope.outside(
        (post, holds(post, readings, place)) for place, post in enumerate(posts)
    )
    return score(rules, readings, len(posts), hits, outside)


def _keywords(rules: CompiledRules, inputs: Inputs) -> Hits:
    assert rules.keywords is not None
    texts = [*inputs.texts, *(quote.text for quote in inputs.quotes)]
    owners = [*inputs.text_owners, *(quote.owner for quote in inputs.quotes)]
    media = [*(None for _ in inputs.texts), *(quote.label for quote in inputs.quotes)]
    return rules.keywords.find(texts, owners, media)


def holds(post: Post, readings: Mapping[str, Readings], place: int) -> set[str]:
    """A post's modalities: what it says of itself, and `ocr` where text was read in a picture."""
    written = readings.get(OCR)
    rows = written.rows(place) if written is not None else slice(0, 0)
    return post.modalities | ({OCR} if rows.start != rows.stop else set())


class _Batch(NamedTuple):
    """A scored batch."""

    rules: CompiledRules
    embedded: Embedded
    scores: Scores

    def verdicts(
        self, posts: Sequence[LoadedPost], detail: Detail, timing_ms: Mapping[str, float]
    ) -> list[Verdict]:
        listed = self._listed(detail)
        now = time.perf_counter()
        return [
            self._verdict(
                place,
                loaded,
                listed.get(place, ()),
                {**timing_ms, "total": round((now - loaded.received) * 1000, 3)},
            )
            for place, loaded in enumerate(posts)
        ]

    def _listed(self, detail: Detail) -> dict[int, list[int]]:
        """Which rules each verdict names: those at their review line, or all that judge it."""
        named = self.scores.fused >= self.rules.review_log_odds
        if detail == "full":
            named[:] = True
            for places, rest in self.scores.outside:
                named[np.ix_(places, rest)] = False
        listed: dict[int, list[int]] = {}
        for cell in np.flatnonzero(named).tolist():  # 10 times as fast as nonzero() in two axes
            place, column = divmod(cell, named.shape[1])
            listed.setdefault(place, []).append(column)
        return listed

    def _verdict(
        self, place: int, loaded: LoadedPost, columns: Sequence[int], timing_ms: dict[str, float]
    ) -> Verdict:
        rules, post, reports = self.rules, loaded.post, self.embedded.inputs.reports[place]
        results = [
            rule_score(rules, self.embedded.readings, self.scores, place, column, post.id)
            for column in columns
        ]
        results.sort(key=lambda result: -result.score)
        action, severity = decide(results, rules.actions, fully_read=not reports)
        return Verdict(
            id=rules.receipt.verdict_id(post.digest),
            post_id=post.id,
            action=action,
            severity=severity,
            rules=tuple(results),
            modalities=(*self._channels_read(place), *reports),
            surface=post.surface,
            policy=rules.receipt.policy,
            models=rules.receipt.models,
            timing_ms=timing_ms,
            meta=post.meta,
        )

    def _channels_read(self, place: int) -> list[ModalityReport]:
        failed = {report.channel for report in self.embedded.inputs.reports[place]}
        reports = []
        for name in self.embedded.readings:
            if name in self.scores.margins and self.scores.margins[name].present[place]:
                reports.append(_READ[name])
            elif name not in failed:
                reports.append(_MISSING[name])
        return reports
