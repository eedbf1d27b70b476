"""Why a post waits: its words by their weight, the prompts it is near to, posts like it."""

from typing import Final

import msgspec

from moderator.authoring.attribution import Word, words
from moderator.authoring.neighbours import nearest
from moderator.authoring.workbench import Judged, Workbench
from moderator.console.workshop.recent import RecentPosts
from moderator.console.workshop.similar import ask, search
from moderator.policy.compile import CompiledRules
from moderator.reading import LoadedPost
from moderator.verdicts import ChannelScore, Verdict

_MOST_RULES: Final = 6
_PROMPTS: Final = 3
_SNIPPET: Final = 140
_LEAST_SHARE: Final = 0.2  # of the strongest word's weight; what has less is not marked


class Prompt(msgspec.Struct, frozen=True):
    """A prompt near to the post."""

    channel: str
    side: str  # violates or allows
    cosine: float
    text: str


class RuleWhy(msgspec.Struct, frozen=True):
    """One rule, as the models see the post now."""

    id: str
    title: str
    description: str | None
    score: float
    channels: dict[str, ChannelScore]
    prompts: list[Prompt]
    marked: list[tuple[str, float]]  # the text in pieces, each with its weight from 0 to 1
    as_read: bool  # the text marked is not the one shown, but what people read in it
    parts: dict[str, float]  # the scores of the rules that it is made of


def why(
    bench: Workbench, rules: CompiledRules, post: LoadedPost, verdict: Verdict
) -> list[RuleWhy]:
    """The verdict's rules, those that still exist. Raises InferenceError."""
    judged = bench.judge(rules, [post])
    columns = {name: column for column, name in enumerate(rules.ids)}
    asked = [columns[rule.id] for rule in verdict.rules if rule.id in columns]
    return [_rule(bench, judged, column) for column in asked[:_MOST_RULES]]


class Similar(msgspec.Struct, frozen=True):
    """A recent post, and its cosine to the one that waits."""

    key: str
    at: int  # ms since 1970
    text: str
    cosine: float


def similar(recent: RecentPosts, bench: Workbench, loaded: LoadedPost, most: int) -> list[Similar]:
    """Recent posts like this one, itself left out. Raises InferenceError."""
    post = loaded.post
    image = next((each for each in loaded.attachments if isinstance(each, bytes)), None)
    asked = ask(bench, post.text, None if post.text else image)
    if not asked:
        return []
    store, found = recent.snapshot(), []
    for each in search(store, bench, asked, most + 1):
        kept = recent.kept(each.place)
        if kept.id != post.id:
            text = (kept.text or "")[:_SNIPPET]
            found.append(Similar(kept.key, kept.at, text, round(each.cosine, 3)))
    return found[:most]


def _rule(bench: Workbench, judged: Judged, column: int) -> RuleWhy:
    rule, score = judged.rules.rules[column], judged.rule(0, column)
    prompts = []
    for channel in score.channels:
        reading = judged.decisive(0, column, channel)
        if reading is not None:
            prompts += [
                Prompt(channel, each.side, each.similarity, each.prompt)
                for each in nearest(bench, rule, channel, reading, _PROMPTS)
            ]
    marked: list[tuple[str, float]] = []
    text = judged.decisive_text(0, column) if "text" in score.channels else None
    if text is not None:
        direction = judged.rules.channels["text"].directions[:, column]
        marked = _marked(text, words(text, bench.channels["text"], direction))
        before, stands, after = judged.inputs.texts[0].partition(text)
        if stands:  # one sentence decided: the others are shown with it
            marked = [(before, 0.0), *marked, (after, 0.0)]
    return RuleWhy(
        score.id,
        rule.title,
        rule.description,
        score.score,
        score.channels,
        prompts,
        [piece for piece in marked if piece[0]],
        text is not None and text not in judged.inputs.texts[0],
        score.parts,
    )


def _marked(text: str, found: list[Word]) -> list[tuple[str, float]]:
    """The text in pieces, those marked whose loss costs the score most."""
    most = max((word.effect for word in found), default=0.0)
    pieces, last = [], 0
    for word in found:
        share = word.effect / most if most > 0 else 0.0
        if share < _LEAST_SHARE:
            continue
        pieces += [(text[last : word.start], 0.0), (word.text, round(share, 2))]
        last = word.end
    pieces.append((text[last:], 0.0))
    return pieces
