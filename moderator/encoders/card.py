"""`space.json`: what we add to a folder of models, or say differently from what it says itself."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moderator.encoders.manifest import read_json
from moderator.errors import ModelError

CARD = "space.json"


class Logistic(BaseModel):
    """From standard deviations above ordinary content to log-odds, see `Calibration`."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    slope: float = Field(gt=0, allow_inf_nan=False)
    intercept: float = Field(allow_inf_nan=False)


class SpaceCard(BaseModel):
    """Every key may be left out: then the published files, or our defaults, decide.

    With `dimensions` the folder is one of ours, made with `SHA256SUMS`, which must be there then.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str | None = None
    dimensions: int | None = Field(gt=0, default=None)
    window_tokens: int | None = Field(gt=2, default=None)  # special tokens included
    pooling: str | None = None  # mean, cls or last, for a sentence encoder that does not say
    prefix: str | None = None  # before every text and prompt, such as "query: "
    batch_invariant: bool | None = None  # False for dynamic int8, see `TextLayout`
    neutral: tuple[str, ...] | None = Field(min_length=1, default=None)
    calibration: dict[str, Logistic] | None = None
    background: str | None = None


def read_card(folder: Path) -> SpaceCard:
    """The card of a folder; an empty one where there is none. Raises ModelError."""
    path = folder / CARD
    if not path.exists():
        return SpaceCard()
    try:
        return SpaceCard.model_validate(read_json(path))
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error
