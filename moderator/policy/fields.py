"""The kinds of value that stand in a policy, each with what to say when it is something else.

Every check ends in a sentence for the author of the policy.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    StringConstraints,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import InitErrorDetails
from typing_extensions import TypedDict  # pydantic takes no other before Python 3.12

from moderator.policy.faults import PLAIN, WANTED, fault, sentence, validate
from moderator.policy.problems import show, unknown

MAX_PROMPT_CHARACTERS = 400
"""Longer prompts say several things at once, and text encoders cut them off."""


def kind(what: str) -> WrapValidator:
    """Say ``what`` is wanted where a value is not of the type."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        try:
            return handler(value)
        except ValidationError:
            message = f"must be {what}, not {show(value)}{_hint(what, value)}"
            raise sentence(WANTED, message) from None

    return WrapValidator(check)


def _hint(what: str, value: object) -> str:
    """Say what to do about the slips that are made most."""
    wants_text = "text" in what
    match value:
        case bool() | int() | float() if wants_text:
            return "; put it in quotes"
        case str() if not wants_text and value.replace(".", "", 1).isdecimal():
            return "; remove the quotes"
        case 0 | 1 if "between" in what and not isinstance(value, bool):
            return "; no post ever scores 0 or 1 exactly"
        case int() | float() if "between" in what and 1 < value < 100:  # noqa: PLR2004 - percent
            return f"; {value} percent is {value / 100:g}"
        case _:
            return ""


def choice(noun: str, known: Sequence[str]) -> WrapValidator:
    """Say which words there are where a value is none of them."""

    def check(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        if isinstance(value, str) and value not in known:
            raise sentence(PLAIN, unknown(noun, value, known))
        try:
            return handler(value)
        except ValidationError:
            message = f"must be one of {', '.join(known)}, not {show(value)}"
            raise sentence(WANTED, message) from None

    return WrapValidator(check)


def _check_prompt(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    match value:
        case None:
            message = "an empty prompt; write a sentence or remove the line"
        case str() if not value.strip():
            message = "an empty prompt; write a sentence or remove the line"
        case str() if len(value.strip()) > MAX_PROMPT_CHARACTERS:
            message = (
                f"a prompt of {len(value.strip())} characters; "
                f"{MAX_PROMPT_CHARACTERS} are the most, so make two of it"
            )
        case str():
            return handler(value)
        case _:
            quotes = "; put it in quotes" if isinstance(value, bool | int | float) else ""
            message = f"a prompt must be text, not {show(value)}{quotes}"
    raise sentence(PLAIN, message)


def _distinct(what: str) -> WrapValidator:
    """Refuse an item that stands in a list twice; letter case does not make a difference."""

    def check(items: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        return validate(items, handler, _repeated(what, items))

    return WrapValidator(check)


def _repeated(what: str, items: object) -> Iterator[InitErrorDetails]:
    first: dict[str, int] = {}
    for position, item in enumerate(items if isinstance(items, list | tuple) else ()):
        word = item.strip().casefold() if isinstance(item, str) else ""
        earlier = first.setdefault(word, position)
        if word and earlier != position:
            message = f"the same {what} as item {earlier + 1} of this list; remove one of them"
            yield fault(message, position)


def _share(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Read `5%` as 0.05."""
    if isinstance(value, str) and _PERCENT.fullmatch(value.strip()):
        value = float(value.strip().rstrip("%")) / 100
    return handler(value)


def _seconds(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    """Read `15m` as 900."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        value = float(found[1]) * _SECONDS[found[2]]
    return handler(value)


def _version(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    whole_number = isinstance(value, int) and not isinstance(value, bool)
    return handler(str(value) if whole_number else value)


_PERCENT = re.compile(r"[0-9]+(\.[0-9]+)? ?%")
_DURATION = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([smhd])")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SLUG = r"^[a-z0-9]+([-_][a-z0-9]+)*$"


class Use(TypedDict):
    """Stands among prompts for a list of the file's `prompts`; written out before validation."""

    use: Annotated[str, Field(description="The name of a list under `prompts`.")]


Text = Annotated[
    str,
    StringConstraints(strict=True, strip_whitespace=True, min_length=1),
    kind("text"),
]
Name = Annotated[
    str,
    StringConstraints(strict=True, pattern=_SLUG, max_length=64),
    kind("text of small letters, digits and single hyphens, such as `hate-speech`"),
]
Version = Annotated[Text, WrapValidator(_version, json_schema_input_type=str | int)]
_Sentence = Annotated[
    str,
    StringConstraints(
        strict=True, strip_whitespace=True, min_length=1, max_length=MAX_PROMPT_CHARACTERS
    ),
]
Prompt = Annotated[_Sentence, WrapValidator(_check_prompt, json_schema_input_type=_Sentence | Use)]
Prompts = Annotated[tuple[Prompt, ...], _distinct("prompt")]
Names = Annotated[tuple[Name, ...], Field(min_length=1), _distinct("name")]

Probability = Annotated[
    float, Field(strict=True, gt=0, lt=1, allow_inf_nan=False), kind("a number between 0 and 1")
]
Share = Annotated[
    float,
    Field(strict=True, gt=0, lt=1, allow_inf_nan=False),
    kind("a share such as 5%"),
    WrapValidator(_share, json_schema_input_type=float | str),
]
Seconds = Annotated[
    float,
    Field(strict=True, gt=0, allow_inf_nan=False),
    kind("a time such as 90s, 15m or 2h"),
    WrapValidator(_seconds, json_schema_input_type=float | str),
]
Count = Annotated[int, Field(strict=True, gt=0), kind("a whole number above 0")]
Weight = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False), kind("a number above 0")]

SEVERITIES = ("low", "medium", "high", "critical")
Severity = Annotated[Literal["low", "medium", "high", "critical"], choice("severity", SEVERITIES)]
FUSIONS = ("max", "weighted", "noisy_or", "learned")
Fusion = Annotated[Literal["max", "weighted", "noisy_or", "learned"], choice("fusion", FUSIONS)]

CHANNELS = ("text", "image", "ocr")
"""What the models read; `keywords` is a channel too, but it reads no model."""
READ = ("text", "image")
"""What a rule reads that does not say."""
PROMPTED = {"text": "text", "image": "image", "ocr": "text"}
"""By channel the key of a rule under which it may have prompts of its own."""


def all_read(channels: Sequence[str]) -> tuple[str, ...]:
    """What a rule with these channels reads: who reads texts reads those in pictures as well.

    So the rules of yesterday judge what a meme says from the day its text is read.
    """
    return tuple(dict.fromkeys((*channels, *(("ocr",) if "text" in channels else ()))))


KEYWORDS = "keywords"
FUSED = (*CHANNELS, KEYWORDS)
BESIDE_HEAD = frozenset({"ocr", KEYWORDS})
"""What a learned fusion has no weight for, as few posts have it: the higher one counts."""
Channel = Annotated[
    str,
    StringConstraints(strict=True),
    choice("channel", CHANNELS),
    # A plain string to its users: spaces may read more channels than a policy can name.
    WithJsonSchema({"enum": list(CHANNELS), "type": "string"}),
]
Channels = Annotated[tuple[Channel, ...], Field(min_length=1), _distinct("channel")]
FusedChannel = Annotated[
    str,
    StringConstraints(strict=True),
    choice("channel", FUSED),
    WithJsonSchema({"enum": list(FUSED), "type": "string"}),
]
