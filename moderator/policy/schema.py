"""What a policy file may hold. The descriptions of the keys are what editors show.

A model here is finished: defaults are filled in and every rule is complete. A policy that is wrong
raises one ``pydantic.ValidationError`` with everything that is wrong in it; ``load_policies``
turns that into sentences with lines and columns.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import (
    BeforeValidator,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

from moderator.policy.checks import BUILT_IN_ACTIONS, check_example, check_policy, check_rule
from moderator.policy.conditions import AppliesTo, Breaker, Exceptions, When
from moderator.policy.defaults import Defaults, filled, is_inherited
from moderator.policy.faults import collect, fail, validate
from moderator.policy.fields import (
    PROMPTED,
    READ,
    Channels,
    FusedChannel,
    Fusion,
    Name,
    Names,
    Prompts,
    Severity,
    Text,
    Version,
    Weight,
    all_read,
)
from moderator.policy.keywords import Keywords
from moderator.policy.levels import Canary, Mode, ModeName, Threshold
from moderator.policy.model import Model


class ChannelPrompts(Model):
    """Prompts for one channel only, instead of the rule's shared ones."""

    violates: Annotated[Prompts, Field(min_length=1)]
    """Sentences that describe what breaks the rule."""

    allows: Prompts = ()
    """Sentences that come close and are fine."""


class Example(Model):
    """A post that a rule must, or must not, fire on."""

    text: Text | None = None
    """The text of the post."""

    image: Text | None = None
    """The path of its image, relative to the policy file."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, check_example(data))


def _from_text(value: object) -> object:
    return {"text": value} if isinstance(value, str) else value


Examples = tuple[
    Annotated[Example, BeforeValidator(_from_text, json_schema_input_type=str | Example)], ...
]


class RuleExamples(Model):
    """Posts to test a rule with."""

    violates: Examples = ()
    """Posts the rule must fire on."""

    allows: Examples = ()
    """Posts the rule must not fire on."""


class Rule(Model):
    """One thing that is not wanted, in sentences."""

    id: Name
    """The rule's short name, unique in the file: small letters, digits and hyphens."""

    title: Text
    """The rule in a few words, for reviewers."""

    description: Text | None = None
    """The rule in full, for reviewers and for those it is applied to."""

    severity: Severity
    """How bad it is: low, medium, high or critical."""

    action: Text
    """What happens from the threshold on: one of the policy's actions; `allow` for a rule that does
    nothing but excuse posts from those that name it under `except`."""

    threshold: Threshold
    """The score, between 0 and 1, from which the action is taken; or a target for it, `precision`
    or `rate`."""

    review_at: Threshold = Field(default_factory=lambda rule: rule["threshold"])
    """The score, or a target for it, from which people look at the post; without it, the
    threshold."""

    violates: Prompts = ()
    """Sentences that describe what breaks the rule, or that such a post would say."""

    allows: Prompts = ()
    """Sentences that come close and are fine."""

    text: ChannelPrompts | None = None
    """Prompts for texts, also for those in images, instead of the shared ones."""

    image: ChannelPrompts | None = None
    """Prompts for images, written like captions, instead of the shared ones."""

    keywords: Keywords = ()
    """Terms and patterns that are enough by themselves, whatever the sentences say."""

    when: When | None = None
    """Makes this rule of others of the file instead of sentences: `all`, `any`, `not`."""

    excepts: Exceptions = Field(default=Exceptions(), alias="except")
    """What excuses a post: other rules that fire, keywords, surfaces."""

    applies_to: AppliesTo = AppliesTo()
    """The posts the rule judges; without it, all that the policy's `surfaces` let through."""

    channels: Channels = READ
    """What the rule reads: text, image or both. Text is also read in images where the worker reads
    any (ocr); with ocr alone, only there."""

    fusion: Fusion = "max"
    """How the scores of text, image, ocr and keywords become one: max (either is enough), weighted
    (their mean), noisy_or (two half-certain ones add up) or learned: how much each counts is fitted
    by `moderator policy calibrate` to ten labelled posts of each kind or more that have both text
    and image; a post with one of them is judged by that one. Keywords and ocr count beside it as
    with max."""

    weights: Mapping[FusedChannel, Weight] = Field(default_factory=dict)
    """With `fusion: weighted`, how much each channel counts; one that is not named counts 1."""

    mode: Mode = "enforce"
    """enforce acts, `canary: 5%` acts on that share of posts, shadow only reports, off does not
    run."""

    examples: RuleExamples = RuleExamples()
    """Posts to test the rule with."""

    references: tuple[Text, ...] = ()
    """Laws, terms or guidelines the rule follows from."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, check_rule(data))

    @property
    def mode_name(self) -> ModeName:
        """The mode as one word."""
        return "canary" if isinstance(self.mode, Canary) else self.mode

    @property
    def reads(self) -> tuple[str, ...]:
        """The channels it reads, if there is anybody to read them."""
        return all_read(self.channels)

    def prompts(self, channel: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return what violates and what is allowed on a channel: its own prompts, or the shared."""
        own = {"text": self.text, "image": self.image}.get(PROMPTED.get(channel, ""))
        source = self if own is None else own
        return source.violates, source.allows


class Policy(Model):
    """A file of rules."""

    policy: Name
    """The policy's short name: small letters, digits and hyphens."""

    version: Version
    """Change it whenever the rules change; verdicts carry it."""

    owner: Text | None = None
    """The team that answers for the policy."""

    description: Text | None = None
    """What the policy is for."""

    surfaces: Names | None = None
    """Where the rules hold, such as feed or comment; without it, everywhere."""

    actions: Names = BUILT_IN_ACTIONS
    """What can happen to a post, from the mildest to the strictest."""

    include: tuple[Text, ...] = ()
    """Files whose prompts and rules belong to this policy, relative to this one and below its
    folder."""

    prompts: Mapping[Name, Prompts] = Field(default_factory=dict)
    """Lists of sentences to use in several rules: `- use: name` among prompts stands for one."""

    defaults: Defaults = Defaults()
    """What holds for every rule that does not say otherwise."""

    breaker: Breaker | None = None
    """Takes a rule out of action that suddenly fires far more often than it used to."""

    rules: Annotated[tuple[Rule, ...], Field(min_length=1)]
    """The rules, at least one."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, Mapping):
            return handler(data)
        faults = list(check_policy(data))
        try:
            policy = handler(filled(data))
        except ValidationError as error:
            found = collect(error)
            faults += [fault for fault in found if not is_inherited(fault, data)]
            faults = faults or found
        fail(faults)
        return policy

    @property
    def name(self) -> str:
        """The policy's name."""
        return self.policy


def policy_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a policy file, for editors and other checkers."""
    schema = Policy.model_json_schema()
    rule = schema["$defs"]["Rule"]
    # A file may say these once, under `defaults`; JSON Schema cannot look there from a rule.
    rule["required"] = [key for key in rule["required"] if key not in Defaults.model_fields]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
