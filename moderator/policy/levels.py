"""How far a rule goes: the score from which it acts, and the share of posts it acts on."""

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import Discriminator, ModelWrapValidatorHandler, Tag, model_validator

from moderator.policy.checks import check_target
from moderator.policy.faults import validate
from moderator.policy.fields import Probability, Share, choice
from moderator.policy.model import MAPPING_SHAPE, PLAIN_SHAPE, Model, shape


class Target(Model):
    """What a threshold is to reach; `moderator policy calibrate` finds the score for it."""

    precision: Probability | None = None
    """The share of the posts from the threshold on that do violate the rule, of posts like those
    labelled and with 95% confidence: 0.9 needs 29 labelled posts that do, 0.95 needs 59."""

    rate: Share | None = None
    """The share of ordinary posts from the threshold on, such as 0.5%; needs no labels."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, check_target(data))

    @property
    def key(self) -> str:
        """What a calibration file calls it, such as `precision 0.95`."""
        if self.precision is not None:
            return f"precision {self.precision:g}"
        return f"rate {self.rate:g}"


class Canary(Model):
    """Acts on a share of the posts and only reports the others."""

    canary: Share
    """The share of posts the rule acts on, such as 5%; a post's id decides, always alike."""


Threshold: TypeAlias = Annotated[
    Annotated[Probability, Tag(PLAIN_SHAPE)] | Annotated[Target, Tag(MAPPING_SHAPE)],
    Discriminator(shape),
]
MODES = ("enforce", "shadow", "off", "canary: 5%")  # the last one as a hint how to write it
PlainMode = Annotated[Literal["enforce", "shadow", "off"], choice("mode", MODES)]
Mode: TypeAlias = Annotated[
    Annotated[PlainMode, Tag(PLAIN_SHAPE)] | Annotated[Canary, Tag(MAPPING_SHAPE)],
    Discriminator(shape),
]
ModeName = Literal["enforce", "canary", "shadow", "off"]
