"""A draft of a policy tried on a post that somebody types: every rule's score, and why."""

from collections import OrderedDict
from collections.abc import Mapping
from functools import cached_property
from typing import Final

import msgspec

from moderator.authoring.attribution import Word
from moderator.authoring.explain import explained
from moderator.authoring.neighbours import nearest
from moderator.authoring.workbench import Judged, Workbench
from moderator.errors import PolicyError
from moderator.pipeline import holds
from moderator.policy.compile import CompiledRules
from moderator.policy.load import load_draft
from moderator.policy.policyset import PolicySet
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.scoring.decision import decide
from moderator.verdicts import ModalityReport, RuleScore

MAX_TEXT_CHARACTERS: Final = 20_000
MAX_PROMPTS: Final = 600
_KEPT: Final = 8  # drafts that need no compiling again when only the post changes
_NEIGHBOURS: Final = 2  # of each side


class Near(msgspec.Struct, frozen=True):
    """A prompt and its cosine to the post."""

    side: str  # violates or allows
    similarity: float
    prompt: str


class RuleTried(msgspec.Struct, frozen=True):
    """One rule's result, with the nearest prompts of both sides by channel."""

    title: str
    score: RuleScore
    near: Mapping[str, list[Near]]


class Tried(msgspec.Struct, frozen=True):
    """What a draft makes of a post; every rule that applies, the highest score first."""

    action: str
    rules: list[RuleTried]
    unread: list[ModalityReport]


class Why(msgspec.Struct, frozen=True):
    """What in the text moved one rule's score, and what would have made it otherwise."""

    rule: str
    words: list[Word]
    flips: list[str]


class Drafts:
    """Compiled drafts, a few of which are kept. For one thread at a time."""

    def __init__(self, bench: Workbench, in_force: PolicySet) -> None:
        self.bench = bench
        self.in_force = in_force
        self._compiled: OrderedDict[str, CompiledRules] = OrderedDict()

    @cached_property
    def rules_in_force(self) -> CompiledRules:
        """Raises PolicyError, ModelError."""
        return self.bench.compile(self.in_force)

    def compile(self, text: str) -> CompiledRules:
        """Compile a draft. Raises PolicyError, ModelError."""
        rules = self._compiled.pop(text, None)
        if rules is None:
            rules = self.bench.compile(self.load(text))
        self._compiled[text] = rules
        if len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return rules

    def load(self, text: str) -> PolicySet:
        """Load a draft, with the calibrations of the policy it is a draft of. Raises PolicyError.

        They hold for rules that the draft leaves as they are.
        """
        policies = load_draft(text)
        prompts = {
            prompt
            for _, rule in policies
            for channel in rule.channels
            for side in rule.prompts(channel)
            for prompt in side
        }
        if len(prompts) > MAX_PROMPTS:
            raise PolicyError(
                f"the draft has {len(prompts)} prompts, here {MAX_PROMPTS} are the most; "
                "try some of its rules at a time"
            )
        return PolicySet(policies.policies, calibrations=self.in_force.calibrations)


def try_out(drafts: Drafts, draft: str, text: str | None, image: bytes | None) -> Tried:
    """Judge a post by a draft. Raises PolicyError, ModelError, InferenceError."""
    rules = drafts.compile(draft)
    judged = drafts.bench.judge(rules, [_post(text, image)])
    reports = list(judged.reports[0])
    scores = {column: judged.rule(0, column) for column in _columns(judged)}
    action, _ = decide(list(scores.values()), rules.actions, fully_read=not reports)
    ordered = sorted(scores.items(), key=lambda pair: -pair[1].score)
    tried = [
        RuleTried(rules.rules[column].title, score, _near(drafts.bench, judged, column, score))
        for column, score in ordered
    ]
    return Tried(action, tried, reports)


def why(drafts: Drafts, draft: str, text: str | None, image: bytes | None, rule: str) -> Why:
    """Take one rule's score apart. Raises as `try_out`, and PolicyError for a rule not there."""
    rules = drafts.compile(draft)
    if rule not in rules.ids:
        raise PolicyError(f"the draft has no rule `{rule}` that is not off")
    judged = drafts.bench.judge(rules, [_post(text, image)])
    column = rules.ids.index(rule)
    found = explained(judged, drafts.bench, judged.rule(0, column), column, images=False)
    return Why(rule, list(found.words), list(found.flips))


def _post(text: str | None, image: bytes | None) -> LoadedPost:
    """Never an attachment with a URL: nothing is fetched for a browser."""
    images = () if image is None else (image,)
    media = tuple(Media(data=each) for each in images)
    return LoadedPost(Post(id="playground", text=text, media=media), images)


def _columns(judged: Judged) -> list[int]:
    post = judged.posts[0].post
    applies = judged.rules.applies(None, None, None, holds(post, judged.readings, 0))
    return [column for column in range(len(judged.rules.ids)) if applies is None or applies[column]]


def _near(bench: Workbench, judged: Judged, column: int, score: RuleScore) -> dict[str, list[Near]]:
    found = {}
    for channel in score.channels:
        reading = judged.decisive(0, column, channel)
        if reading is not None:
            rule = judged.rules.rules[column]
            found[channel] = [
                Near(*each) for each in nearest(bench, rule, channel, reading, _NEIGHBOURS)
            ]
    return found
