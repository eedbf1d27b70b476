"""Where a rule holds, what excuses a post from it, and rules made of other rules."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, ModelWrapValidatorHandler, Tag, model_validator

from moderator.policy.checks import check_when
from moderator.policy.faults import validate
from moderator.policy.fields import Channels, Count, Name, Names, Seconds, Share, choice, kind
from moderator.policy.keywords import Keywords
from moderator.policy.model import MAPPING_SHAPE, PLAIN_SHAPE, Model, shape


class AppliesTo(Model):
    """The posts a rule judges. What a post does not say about itself excuses it from nothing."""

    surfaces: Names | None = None
    """Where it was posted, such as feed or comment."""

    languages: Names | None = None
    """Languages by their code, such as en; a post in en-GB is one in en."""

    author_tiers: Names | None = None
    """The tier of its author, such as new or trusted, as the post's `author.tier` says."""

    modalities: Channels | None = None
    """What it must hold at least one of: text, image, ocr (text in an image); videos are read as
    images."""


class Exceptions(Model):
    """What excuses a post from a rule that would fire on it."""

    rules: Names | None = None
    """Rules of this file; one that judges the post, reaches its threshold and acts excuses it: not
    in shadow, and as a canary on its share of the posts only."""

    keywords: Keywords = ()
    """Terms and patterns; one that stands in the text excuses the post."""

    surfaces: Names | None = None
    """Where the rule does not hold."""


class When(Model):
    """Other rules, put together by their scores."""

    all_of: "Operands" = Field(default=(), alias="all")
    """All of these: the lowest of their scores counts."""

    any_of: "Operands" = Field(default=(), alias="any")
    """Any of these: the highest of their scores counts."""

    none_of: "Operands" = Field(default=(), alias="not")
    """None of these: a score counts as 1 minus itself."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, check_when(data))

    def rules(self) -> tuple[str, ...]:
        """The ids of all rules it is made of, each once."""
        found: dict[str, None] = {}
        for operand in (*self.all_of, *self.any_of, *self.none_of):
            found |= dict.fromkeys((operand,) if isinstance(operand, str) else operand.rules())
        return tuple(found)


Operand: TypeAlias = Annotated[
    Annotated[Name, Tag(PLAIN_SHAPE)] | Annotated[When, Tag(MAPPING_SHAPE)], Discriminator(shape)
]
Operands: TypeAlias = tuple[Operand, ...]
When.model_rebuild()


class Breaker(Model):
    """Takes a rule out of action that suddenly fires far more often than it used to."""

    times: Annotated[float, Field(gt=1, allow_inf_nan=False), kind("a number above 1")] = 5.0
    """How many times its usual rate a rule may reach; one that falls below that part of it is only
    told, by a metric and an alert."""

    most: Share | None = None
    """The largest share of posts a rule may act on, whatever is usual."""

    over: Count = 1000
    """Over how many posts the rate is taken."""

    at_least: Count = 50
    """With fewer hits among those posts nothing happens."""

    then: Annotated[Literal["shadow", "review"], choice("mode", ("shadow", "review"))] = "review"
    """What becomes of the rule: people look (review), or it only reports (shadow).

    With `shadow` whoever makes a rule fire often enough has switched it off.
    """

    cool_down: Seconds = 900.0
    """The time after which it acts again, such as 15m."""
