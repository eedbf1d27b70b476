"""What the YAML parser means, said to someone who writes policies and not parsers."""

import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from moderator.policy.problems import Place
from moderator.policy.yaml.nodes import DocumentError

_AT_THE_ERROR = (
    (
        "mapping values are not allowed",
        "a `:` does not fit here; check the indentation, and put text that holds `: ` in quotes",
    ),
    ("but found '-'", "this list item does not line up with the lines above"),
    ("expected <block end>", "this does not line up with, or does not belong after, what is above"),
    ("expected '<document start>'", "this line does not line up with the lines above"),
    ("unknown escape character", "a backslash in double quotes is special; use single quotes"),
    ("cannot start any token", "text cannot begin with this character; put it in quotes"),
)
_AT_ITS_BEGINNING = (
    ("could not find expected ':'", "this line has no `:` after its key"),
    ("unexpected end of stream", "this quote is never closed"),
    ("'<stream end>'", "a bracket is never closed"),
    ("expected ',' or ']'", "a list in `[ ]` needs a comma between its items and a `]` at its end"),
    (
        "expected ',' or '}'",
        "a mapping in `{ }` needs commas between its keys and a `}` at its end",
    ),
)
_LINE_ENDS = re.compile(r"\r\n|\r|\n")
_INDENTING_TAB = re.compile(r" *\t")


def split_lines(text: str) -> list[str]:
    """Split a text at the line ends that YAML 1.2 knows, so that line numbers agree."""
    return _LINE_ENDS.split(text)


def explain(error: YAMLError, text: str) -> DocumentError:
    """Turn an error of the YAML library into a sentence with a place."""
    if isinstance(error, ReaderError):
        return _bad_character(error, text)
    if not isinstance(error, MarkedYAMLError):
        return DocumentError(f"this is not valid YAML: {error}")
    said = f"{error.problem or error.context}"
    plain, begins = _meaning(said, _AT_ITS_BEGINNING), error.context_mark
    if plain is None or begins is None:
        plain, begins = _meaning(said, _AT_THE_ERROR) or said, error.problem_mark
    place = Place(begins.line + 1, begins.column + 1) if begins else None
    return _tab(text, place) or DocumentError(f"this is not valid YAML: {plain}", place)


def _meaning(said: str, meanings: tuple[tuple[str, str], ...]) -> str | None:
    return next((meaning for part, meaning in meanings if part in said), None)


def _tab(text: str, place: Place | None) -> DocumentError | None:
    lines = split_lines(text)
    if place is None or place.line > len(lines):
        return None
    tab = _INDENTING_TAB.match(lines[place.line - 1])
    if tab is None:
        return None
    message = "this line is indented with a tab; YAML takes spaces only"
    return DocumentError(message, Place(place.line, tab.end()))


def _bad_character(error: Any, text: str) -> DocumentError:
    before = split_lines(text[: error.position])
    message = f"the character U+{error.character:04X} cannot stand in a policy; remove it"
    return DocumentError(message, Place(len(before), len(before[-1]) + 1))
