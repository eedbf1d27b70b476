"""`moderator policy explain`: one post, and why its rules said what they said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from moderator.authoring.attribution import Regions, Word, regions, without, words
from moderator.authoring.neighbours import Neighbour, nearest
from moderator.authoring.workbench import Judged, Workbench
from moderator.ocr.base import CHANNEL as OCR
from moderator.pipeline import modalities
from moderator.policy.compile import CompiledRules
from moderator.reading import LoadedPost
from moderator.verdicts import RuleScore

_NEIGHBOURS = 2
_MOST_REMOVED = 8  # words taken out in search of what would have flipped a rule


@dataclass(frozen=True)
class RuleExplained:
    """One rule's score, taken apart."""

    title: str
    score: RuleScore
    near: Mapping[str, list[Neighbour]]  # by channel
    words: tuple[Word, ...]
    regions: Regions | None
    flips: tuple[str, ...]  # what would have made it otherwise


def explain(
    rules: CompiledRules, post: LoadedPost, bench: Workbench, *, most: int
) -> tuple[list[RuleExplained], Judged]:
    """The rules that reached a line, and the nearest others up to `most`; highest score first.

    Raises InferenceError.
    """
    judged = bench.judge(rules, [post])
    told = post.post
    holds = modalities(told, judged.scores, 0)
    applies = rules.applies(told.surface, told.lang, told.tier, holds)
    columns = range(len(rules.ids)) if applies is None else np.flatnonzero(applies).tolist()
    scores = sorted(
        ((judged.rule(0, column), column) for column in columns), key=lambda pair: -pair[0].score
    )
    chosen = [
        (score, column)
        for rank, (score, column) in enumerate(scores)
        if rank < most or score.score >= score.review_at
    ]
    return [explained(judged, bench, score, column) for score, column in chosen], judged


def explained(
    judged: Judged, bench: Workbench, score: RuleScore, column: int, *, images: bool = True
) -> RuleExplained:
    """Take the score of the first post apart. `images`: also what in an image moved it."""
    rules, near = judged.rules, {}
    for channel in score.channels:
        reading = judged.decisive(0, column, channel)
        if reading is not None:
            near[channel] = nearest(bench, rules.rules[column], channel, reading, _NEIGHBOURS)
    found: tuple[Word, ...] = ()
    if "text" in score.channels:
        direction = rules.channels["text"].directions[:, column]
        found = tuple(words(judged.inputs.texts[0], bench.channels["text"], direction))
    elif OCR in score.channels:
        direction = rules.channels[OCR].directions[:, column]
        found = tuple(words(_decisive_quote(judged, column), bench.channels[OCR], direction))
    seen = _regions(judged, bench, column) if images and "image" in score.channels else None
    flips = tuple(_flips(judged, bench, score, column, found))
    return RuleExplained(rules.rules[column].title, score, near, found, seen, flips)


def _decisive_quote(judged: Judged, column: int) -> str:
    """What a rule minds most of what is written in the first post's attachments."""
    readings, along = judged.readings[OCR], judged.rules.channels[OCR].directions[:, column]
    decisive = int((readings.vectors @ along).argmax())
    where = readings.media[decisive], readings.seconds[decisive]
    quotes = judged.inputs.quotes
    return next(quote.text for quote in quotes if (quote.label, quote.seconds) == where)


def _regions(judged: Judged, bench: Workbench, column: int) -> Regions | None:
    """Of the image that decided; None where one of the images could not be encoded."""
    readings = judged.readings["image"]
    looks = [look for use in judged.inputs.uses for look in use.picture.looks]
    if len(readings.vectors) != len(looks):
        return None
    direction = judged.rules.channels["image"].directions[:, column]
    decisive = int((readings.vectors @ direction).argmax())
    return regions(looks[decisive].pixels, bench.channels["image"], direction)


def _flips(
    judged: Judged, bench: Workbench, score: RuleScore, column: int, found: tuple[Word, ...]
) -> list[str]:
    value, review, act = score.score, score.review_at, score.threshold
    if value < review:
        line = f"it would reach people with `review_at` at {value:.3f} instead of {review:g}"
        return [line, "or with a violating prompt that is nearer to it"]
    flips = [f"it would pass with `review_at` above {value:.3f} instead of {review:g}"]
    if value >= act:
        flips.append(f"it would be reviewed, not more, with `threshold` above {value:.3f}")
    else:
        flips.append(f"it would be {score_action(judged, column)} from a score of {act:g} on")
    removed = _removed(judged, bench, score, column, found)
    if removed:
        flips.append(f"it would pass without {', '.join(f'“{word.text}”' for word in removed)}")
    others = [name for name in score.channels if name != "text"]
    if "text" in score.channels and others:
        flips += [
            f"its {name} alone would {'reach' if part.score >= review else 'not reach'} "
            "the review line"
            for name, part in score.channels.items()
        ]
    return flips


def score_action(judged: Judged, column: int) -> str:
    """What a rule does from its threshold on."""
    return {"block": "blocked", "review": "reviewed"}.get(
        judged.rules.rules[column].action, f"`{judged.rules.rules[column].action}`"
    )


def _removed(
    judged: Judged, bench: Workbench, score: RuleScore, column: int, found: tuple[Word, ...]
) -> list[Word]:
    """The fewest words, taken by their effect, without which the text passes; none if none do."""
    if "text" not in score.channels or not found:
        return []
    text, channel = judged.inputs.texts[0], judged.rules.channels["text"]
    by_effect = sorted(found, key=lambda word: -word.effect)[:_MOST_REMOVED]
    counts = range(1, min(len(by_effect), len(found) - 1) + 1)
    texts = [without(text, [word[1:3] for word in by_effect[:count]]) for count in counts]
    if not texts:
        return []
    encoded = bench.channels["text"].text.encode(texts)
    margins = encoded.vectors @ channel.directions[:, column]
    logits = channel.scale.of_rule(column, margins)
    line = np.log(score.review_at / (1 - score.review_at))
    for place, count in enumerate(counts):
        if logits[encoded.owners == place].max() < line:
            return by_effect[:count]
    return []
