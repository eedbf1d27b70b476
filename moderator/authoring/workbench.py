"""Posts against rules outside of the stream, in full: every score, not only those that crossed."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.embedder import Embedder
from moderator.encoders.base import Space, Vector
from moderator.errors import InferenceError, ModelError
from moderator.media.load import MediaLoader
from moderator.ocr.base import CHANNEL as OCR
from moderator.pipeline import judge
from moderator.policy.beside import prompts_of
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.embed import embed_prompts, lacking
from moderator.policy.policyset import PolicySet
from moderator.posts import Post
from moderator.reading import Inputs, LoadedPost, Quote, ReadingLimits
from moderator.scoring.detail import rule_score
from moderator.scoring.score import Readings, Scores
from moderator.verdicts import ModalityReport, RuleScore

_CHUNK = 64  # prompts a thread embeds at a time
_POSTS = 32  # posts a thread embeds at a time


@dataclass(frozen=True)
class Judged:
    """A batch, embedded and scored against every rule."""

    posts: Sequence[LoadedPost]
    rules: CompiledRules
    readings: Mapping[str, Readings]
    scores: Scores
    inputs: Inputs  # what the encoders were given

    @property
    def reports(self) -> Sequence[Sequence[ModalityReport]]:
        """For each post, what was not read of it."""
        return self.inputs.reports

    def rule(self, post: int, column: int) -> RuleScore:
        """Spell out what one rule made of one post."""
        post_id = self.posts[post].post.id
        return rule_score(self.rules, self.readings, self.scores, post, column, post_id)

    def decisive(self, post: int, column: int, channel: str) -> Vector | None:
        """The reading of a post that a rule minds most on a channel; None without one."""
        row = self._decisive_row(post, column, channel)
        return None if row is None else self.readings[channel].vectors[row]

    def decisive_text(self, post: int, column: int, channel: str = "text") -> str | None:
        """The text of that reading: as it is shown, as people read it, or one sentence of it."""
        row = self._decisive_row(post, column, channel)
        if row is None:
            return None
        use = self.readings[channel].uses[row]
        return self.inputs.quotes[use].text if channel == OCR else self.inputs.texts[use]

    def _decisive_row(self, post: int, column: int, channel: str) -> int | None:
        readings = self.readings.get(channel)
        if readings is None:  # a channel without embeddings
            return None
        rows = readings.rows(post)
        if rows.start == rows.stop:
            return None
        along = readings.vectors[rows] @ self.rules.channels[channel].directions[:, column]
        decisive: int = rows.start + int(along.argmax())
        return decisive


class Corpus(NamedTuple):
    """Any number of posts, embedded; without their pixels, which would soon fill the memory."""

    readings: Mapping[str, Readings]  # by channel
    unread: NDArray[np.bool_]  # (posts,) those of which a part could not be read
    quotes: Sequence[Quote] = ()  # what is written in their pictures, in the posts' order


@dataclass(frozen=True)
class Workbench:
    """The encoders, a cache that outlives the command, and the guarded way to attachments."""

    embedder: Embedder
    cache: VectorCache
    loader: MediaLoader
    callers: int  # threads that encode side by side

    @property
    def channels(self) -> Mapping[str, Space]:
        """The space each channel is read in."""
        return self.embedder.channels

    @property
    def limits(self) -> ReadingLimits:
        """How much of a post is read."""
        return self.embedder.limits

    def compile(self, policies: PolicySet) -> CompiledRules:
        """Compile rules, their prompts embedded on every core. Raises PolicyError, ModelError."""
        try:
            for channel, space in self.channels.items():
                self._embed_ahead(policies, channel, space)
            return compile_rules(policies, self.channels, self.cache)
        except InferenceError as error:
            raise ModelError(f"the prompts cannot be embedded: {error}") from error

    def judge(self, rules: CompiledRules, posts: Sequence[LoadedPost]) -> Judged:
        """Embed and score a batch."""
        embedded = self.embedder.embed(posts)
        scores = judge(rules, embedded, [loaded.post for loaded in posts])
        return Judged(posts, rules, embedded.readings, scores, embedded.inputs)

    def embed_all(self, posts: Sequence[Post], progress: Callable[[int], None]) -> Corpus:
        """Load and embed any number of posts, on every core; `progress` is told how many more."""

        def work(some: Sequence[Post]) -> Corpus:
            loaded = self.loader.load(some, time.perf_counter())
            inputs, readings = self.embedder.embed(loaded)
            progress(len(some))
            unread = np.array([bool(report) for report in inputs.reports])
            return Corpus(readings, unread, inputs.quotes)

        starts = range(0, len(posts), _POSTS)
        with ThreadPoolExecutor(self.callers) as pool:
            parts = list(pool.map(work, [posts[start : start + _POSTS] for start in starts]))
        quotes = [
            quote._replace(owner=quote.owner + start)
            for part, start in zip(parts, starts, strict=True)
            for quote in part.quotes
        ]
        return Corpus(
            {name: _joined(parts, starts, name, space) for name, space in self.channels.items()},
            np.concatenate([np.zeros(0, np.bool_), *(part.unread for part in parts)]),
            quotes,
        )

    def vectors(self, channel: str, prompts: Iterable[str]) -> dict[str, Vector]:
        """Each prompt's unit vector in the space of a channel. Raises InferenceError."""
        return embed_prompts(prompts, self.channels[channel], self.cache)

    def _embed_ahead(self, policies: PolicySet, channel: str, space: Space) -> None:
        ordered = lacking(sorted(prompts_of(policies, channel)), space, self.cache)
        chunks = [ordered[start : start + _CHUNK] for start in range(0, len(ordered), _CHUNK)]
        with ThreadPoolExecutor(self.callers) as pool:
            list(pool.map(lambda chunk: embed_prompts(chunk, space, self.cache), chunks))


def _joined(parts: Sequence[Corpus], starts: Sequence[int], channel: str, space: Space) -> Readings:
    """The readings of several batches as those of one; `starts`: each one's first post."""
    readings = [part.readings[channel] for part in parts]
    return Readings(
        np.concatenate(
            [np.zeros((0, space.dimensions), np.float32), *(each.vectors for each in readings)]
        ),
        np.concatenate(
            [
                np.zeros(0, np.intp),
                *(each.owners + start for each, start in zip(readings, starts, strict=True)),
            ]
        ),
        tuple(label for each in readings for label in each.media),
        tuple(seconds for each in readings for seconds in each.seconds),
        _numbered(readings),
    )


def _numbered(readings: Sequence[Readings]) -> tuple[int, ...]:
    """The uses of pictures of several batches, numbered through."""
    numbers = [(batch, use) for batch, each in enumerate(readings) for use in each.uses]
    known = {pair: number for number, pair in enumerate(dict.fromkeys(numbers))}
    return tuple(known[pair] for pair in numbers)
