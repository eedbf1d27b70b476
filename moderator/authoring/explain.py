"""`moderator policy explain`: one post, and why its rules said what they said."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from moderator.authoring.attribution import Regions, Word, regions, words
from moderator.authoring.flips import flips
from moderator.authoring.neighbours import Neighbour, nearest
from moderator.authoring.workbench import Judged, Workbench
from moderator.ocr.base import CHANNEL as OCR
from moderator.pipeline import holds
from moderator.policy.compile import CompiledRules
from moderator.reading import LoadedPost
from moderator.verdicts import RuleScore

_NEIGHBOURS = 2


@dataclass(frozen=True)
class RuleExplained:
    """One rule's score, taken apart."""

    title: str
    score: RuleScore
    near: Mapping[str, list[Neighbour]]  # by channel
    words: tuple[Word, ...]  # of the reading of the text that decided
    as_read: bool  # that reading is not the text as it is shown, but as people read it
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
    held = holds(told, judged.readings, 0)
    applies = rules.applies(told.surface, told.lang, told.tier, held)
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
    told = next((name for name in ("text", OCR) if name in score.channels), None)
    text = judged.decisive_text(0, column, told) if told else None
    if told and text is not None:
        direction = rules.channels[told].directions[:, column]
        found = tuple(words(text, bench.channels[told], direction))
    seen = _regions(judged, bench, column) if images and "image" in score.channels else None
    otherwise = tuple(flips(judged, bench, score, column, text if told == "text" else None, found))
    as_read = told == "text" and text is not None and text not in judged.inputs.texts[0]
    return RuleExplained(rules.rules[column].title, score, near, found, as_read, seen, otherwise)


def _regions(judged: Judged, bench: Workbench, column: int) -> Regions | None:
    """Of the image that decided; None where one of the images could not be encoded."""
    readings = judged.readings["image"]
    looks = [look for use in judged.inputs.uses for look in use.picture.looks]
    if len(readings.vectors) != len(looks):
        return None
    direction = judged.rules.channels["image"].directions[:, column]
    decisive = int((readings.vectors @ direction).argmax())
    return regions(looks[decisive].pixels, bench.channels["image"], direction)
