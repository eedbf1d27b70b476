"""What is wrong with a policy file, where, and how to say it to the person who wrote the file.

A problem prints as::

    policies/community.yaml:14:5: unknown key `treshold`, did you mean `threshold`?
       14 |     treshold: 0.8
                ^^^^^^^^
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from unicodedata import east_asian_width

from moderator.errors import PolicyError

EXCERPT_CHARACTERS = 100
"""The most of a source line that is printed; a longer one is cut around the problem."""

PRINTED_PROBLEMS = 200
"""The most problems a message spells out; the rest are counted, and kept on the error."""

SHOWN_CHARACTERS = 60
"""The most of a wrong value that a message repeats."""

LISTED_WORDS = 40
"""The most known words that a message lists; no part of a policy has so many keys."""

MOST_COMPARED = 20_000
"""The most pairs of words whose spellings are compared for the suggestions of one kind."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file; line and column count from 1, length in characters.

    ``source`` is the file where it is another one than the policy's own.
    """

    line: int
    column: int
    length: int = 1
    source: "Source | None" = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. Line and column are 0 where the file as a whole is meant."""

    path: Path
    line: int
    column: int
    message: str
    excerpt: str = ""

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}:{self.column}" if self.line else str(self.path)
        return f"{where}: {self.message}" + (f"\n{self.excerpt}" if self.excerpt else "")


@dataclass(frozen=True, slots=True)
class Source:
    """A file's path and lines, to quote from."""

    path: Path
    lines: Sequence[str] = ()

    def problem(self, message: str, place: Place | None = None) -> Problem:
        """Make a problem of this file, with the line it is about where there is one."""
        if place is None:
            return Problem(self.path, 0, 0, message)
        if place.source is not None and place.source is not self:
            return place.source.problem(message, place)
        return Problem(self.path, place.line, place.column, message, self._excerpt(place))

    def _excerpt(self, place: Place) -> str:
        if not 1 <= place.line <= len(self.lines):
            return ""
        line = self.lines[place.line - 1].rstrip()
        start = place.column - 1
        cut = 0 if place.column + place.length <= EXCERPT_CHARACTERS else max(0, start - 30)
        # Cut first: in a file of one long line every problem quotes from the same.
        shown = _printable(line[cut : cut + EXCERPT_CHARACTERS])
        before = shown[: start - cut]
        marked = shown[start - cut : start - cut + place.length]
        caret = " " * _columns(before) + "^" * max(1, _columns(marked))
        return f"{place.line:>5} | {shown}\n{' ' * 8}{caret}"


def failure(problems: Iterable[Problem]) -> PolicyError:
    """Put problems into one error: each once, in the order of the files and their lines."""
    kept = tuple(dict.fromkeys(problems))
    order = {path: rank for rank, path in enumerate(dict.fromkeys(p.path for p in kept))}
    kept = tuple(sorted(kept, key=lambda p: (order[p.path], p.line, p.column)))
    parts = [str(problem) for problem in kept[:PRINTED_PROBLEMS]]
    if len(kept) > PRINTED_PROBLEMS:
        parts.append(f"... and {len(kept) - PRINTED_PROBLEMS} more problems")
    return PolicyError("\n".join(parts), kept)


class Known:
    """The words of one kind that a file may hold, to say which is meant where another stands.

    To compare spellings takes up to 30 µs a pair, so a file with thousands of names and thousands
    that are wrong would take minutes: after `MOST_COMPARED` pairs nothing is suggested.
    """

    def __init__(self, noun: str, words: Iterable[str]) -> None:
        self._noun = noun
        self._words = tuple(words)
        self._compared = 0

    def unknown(self, word: str) -> str:
        """Say that a word is not known and which one may be meant, or else which there are."""
        said = f"unknown {self._noun} `{shorten(word)}`"
        if near := self._near(word):
            return f"{said}, did you mean `{near}`?"
        hint = "; others are declared under `actions`" if self._noun == "action" else ""
        return f"{said}; known here: {self._listed()}{hint}"

    def _near(self, word: str) -> str | None:
        if self._compared >= MOST_COMPARED:
            return None
        self._compared += len(self._words)
        return did_you_mean(word, self._words)

    def _listed(self) -> str:
        more = len(self._words) - LISTED_WORDS
        listed = ", ".join(self._words[:LISTED_WORDS])
        return f"{listed} and {more:,} more" if more > 0 else listed


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """Name the known word that is nearest in spelling, if one is near."""
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return near[0] if near else None


def unknown(noun: str, word: str, known: Iterable[str]) -> str:
    """Say of one word, among few, what `Known` says of many."""
    return Known(noun, known).unknown(word)


def show(value: object) -> str:
    """Spell a value as its author wrote it: ``true``, not ``True``."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f"'{shorten(value)}'"
        case int() | float():
            return shorten(str(value))
        case dict():
            return "a mapping"
        case _:
            return "a list"


def shorten(text: str) -> str:
    """Cut a text to what a message can carry, without characters that steer a terminal."""
    text = _printable(text)
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def _columns(text: str) -> int:
    """Count the terminal columns of a text: Chinese, Japanese and Korean letters take two."""
    return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)
