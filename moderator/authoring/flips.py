"""What would have made a rule's verdict on a post otherwise: only what was tried and is so."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import msgspec

from moderator.authoring.attribution import Word, without
from moderator.authoring.workbench import Judged, Workbench
from moderator.reading import Inputs, LoadedPost, ReadingLimits, read_text
from moderator.verdicts import RuleScore

_MOST_REMOVED = 8  # words taken out in search of what would have flipped a rule


def flips(
    judged: Judged,
    bench: Workbench,
    score: RuleScore,
    column: int,
    text: str | None,
    found: Sequence[Word],
) -> Iterator[str]:
    """Sentences about the first post; `found` are the words of `text`, the reading that decided.

    Raises InferenceError.
    """
    value, review, act = score.score, score.review_at, score.threshold
    if value < review:
        yield f"it would reach people with `review_at` at {value:.3f} instead of {review:g}"
        yield f"or with {_lacking(judged, score, column)}"
        return
    if score.excused is not None:
        yield f"it passes, because an exception excuses it: {score.excused}"
        return
    yield f"it would pass with `review_at` above {value:.3f} instead of {review:g}"
    if value >= act:
        yield f"it would be reviewed, not more, with `threshold` above {value:.3f}"
    else:
        yield f"it would be {_done(judged, column)} from a score of {act:g} on"
    if score.parts:
        yield f"it is made of {_parts(score)}"
    if text is not None and (removed := _removed(judged, bench, score, column, text, found)):
        yield f"it would pass without {', '.join(f'“{word.text}”' for word in removed)}"
    if len(score.channels) > 1:
        for name, part in score.channels.items():
            reaches = "reach" if part.score >= review else "not reach"
            yield f"its {name} alone would {reaches} the review line"


def _lacking(judged: Judged, score: RuleScore, column: int) -> str:
    """What a rule would have had to see."""
    rule = judged.rules.rules[column]
    if rule.when is not None:
        return f"other scores of what it is made of: {_parts(score)}"
    if not any(channel.reads[column] for channel in judged.rules.channels.values()):
        return "one of its keywords in the text"
    return "a violating prompt that is nearer to it"


def _parts(score: RuleScore) -> str:
    return ", ".join(f"`{name}` {value:.3f}" for name, value in score.parts.items())


def _done(judged: Judged, column: int) -> str:
    """What a rule does from its threshold on."""
    action = judged.rules.rules[column].action
    return {"block": "blocked", "review": "reviewed"}.get(action, f"`{action}`")


def _removed(
    judged: Judged,
    bench: Workbench,
    score: RuleScore,
    column: int,
    text: str,
    found: Sequence[Word],
) -> Sequence[Word]:
    """The fewest words, taken by their effect, without which the post passes; none if none do.

    The altered post is judged as a whole: its pictures, keywords and other readings count.
    """
    by_effect = sorted(found, key=lambda word: -word.effect)[:_MOST_REMOVED]
    counts = range(1, min(len(by_effect), len(found) - 1) + 1)
    (post, *_) = judged.posts
    around = _around(text, post, bench.limits)
    if around is None or not counts:
        return []
    left = [without(text, [(word.start, word.end) for word in by_effect[:n]]) for n in counts]
    altered = [_saying(post, around.replace(_spaced(text), each, 1)) for each in left]
    again = bench.judge(judged.rules, altered)
    for place, count in enumerate(counts):
        unread = len(again.reports[place]) > len(judged.reports[0])
        if not unread and again.rule(place, column).score < score.review_at:
            return by_effect[:count]
    return []


def _around(text: str, post: LoadedPost, limits: ReadingLimits) -> str | None:
    """The whole text in which a reading stands: as shown, or as people read it; None if neither."""
    wholes = Inputs(reports=[[]])
    read_text(wholes, 0, post.post.text, replace(limits, text_sentences=False))
    return next((each for each in map(_spaced, wholes.texts) if _spaced(text) in each), None)


def _spaced(text: str) -> str:
    """With single blanks."""
    return " ".join(text.split())


def _saying(post: LoadedPost, text: str) -> LoadedPost:
    return post._replace(post=msgspec.structs.replace(post.post, text=text))
