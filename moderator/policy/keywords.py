"""Exact terms and regular expressions, beside the sentences that are compared by meaning."""

from typing import Annotated, Any, Self, TypeAlias

import re2
from pydantic import AfterValidator, BeforeValidator, ModelWrapValidatorHandler, model_validator

from moderator.policy.checks import check_keyword
from moderator.policy.faults import PLAIN, sentence, validate
from moderator.policy.fields import Probability, Text
from moderator.policy.model import Model

MAX_PATTERN_CHARACTERS = 500
MAX_PATTERN_BYTES = 2**20  # of the automaton; repetitions multiply it
SURE = 0.99


def pattern_options(max_mem: int = MAX_PATTERN_BYTES) -> re2.Options:
    """RE2 as we run it: no letter case, and no lines of its own on standard error."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = max_mem
    return options


def _check_pattern(pattern: str) -> str:
    if len(pattern) > MAX_PATTERN_CHARACTERS:
        message = (
            f"a pattern of {len(pattern)} characters; {MAX_PATTERN_CHARACTERS} are the most, "
            "so make two of it"
        )
        raise sentence(PLAIN, message)
    try:
        matches_nothing = re2.compile(pattern, options=pattern_options()).search("") is not None
    except (re2.error, UnicodeEncodeError) as error:
        raise sentence(PLAIN, f"this pattern does not work: {_said(error)}") from None
    if matches_nothing:
        raise sentence(PLAIN, "this pattern also matches where nothing stands; make it longer")
    return pattern


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else error
    text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    if "(?" in text or "escape sequence" in text:
        return f"{text}; look-around and back-references are not part of RE2, which runs it"
    return text


def _from_text(value: object) -> object:
    return {"term": value} if isinstance(value, str) else value


Pattern = Annotated[Text, AfterValidator(_check_pattern)]


class Keyword(Model):
    """A term or a pattern that is enough by itself."""

    term: Text | None = None
    """Words as they stand; letter case, width and spacing make no difference."""

    pattern: Pattern | None = None
    """A regular expression in the syntax of RE2; letter case makes no difference."""

    name: Text | None = None
    """What verdicts call it; without it, the term or pattern itself."""

    score: Probability = SURE
    """How sure a hit is that the rule is broken."""

    @model_validator(mode="wrap")
    @classmethod
    def _collect(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return validate(data, handler, check_keyword(data))

    @property
    def label(self) -> str:
        """How a verdict names it."""
        return self.name or self.term or self.pattern or ""


Keywords: TypeAlias = tuple[
    Annotated[Keyword, BeforeValidator(_from_text, json_schema_input_type=str | Keyword)], ...
]
