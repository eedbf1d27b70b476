"""Terms and patterns in texts, all rules' at once, in time linear in the text.

Terms are found by Aho and Corasick's automaton (CACM 18(6), 1975), patterns by sets of RE2, so a
thousand rules cost little more than one, and no pattern can be made to run for long.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import re2
from ahocorasick_rs import AhoCorasick, Implementation

from moderator.errors import PolicyError
from moderator.plain_text import plain
from moderator.policy.keywords import Keyword, pattern_options

_BLANKS: Final = re.compile(r"\s+")
# Stands at the end of every searched text and in every set: a set that does not find it has run
# out of memory, which RE2 tells to no one else.
_SENTINEL: Final = "\x00"
_PATTERNS_PER_SET: Final = 500
_SET_BYTES: Final = 64 * 2**20


class Entry(NamedTuple):
    """A keyword and the rule it belongs to."""

    column: int
    keyword: Keyword
    excuses: bool  # it stands under `except`


@dataclass
class Hits:
    """What was found in a batch: the surest keyword for each post and rule."""

    fires: dict[tuple[int, int], Keyword] = field(default_factory=dict)  # (post, column)
    excuses: dict[tuple[int, int], Keyword] = field(default_factory=dict)
    media: dict[tuple[int, int], str] = field(default_factory=dict)  # of those in a picture

    def add(self, post: int, entry: Entry, media: str | None = None) -> None:
        """Keep a keyword, unless one as sure is known; `media`: the attachment it stands in."""
        found = self.excuses if entry.excuses else self.fires
        cell = post, entry.column
        known = found.get(cell)
        if known is not None and entry.keyword.score <= known.score:
            return
        found[cell] = entry.keyword
        if not entry.excuses:
            self.media.pop(cell, None)
            if media is not None:
                self.media[cell] = media


class KeywordIndex:
    """The keywords of all rules. Threads may share one."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        """Raises PolicyError when the patterns are too much for RE2 together."""
        terms: dict[str, list[Entry]] = {}
        patterns: dict[str, list[Entry]] = {}
        for entry in entries:
            keyword = entry.keyword
            if keyword.term is not None:
                terms.setdefault(spelt(keyword.term), []).append(entry)
            elif keyword.pattern is not None:
                patterns.setdefault(keyword.pattern, []).append(entry)
        self._terms = list(terms.items())
        self._automaton = AhoCorasick(list(terms), implementation=Implementation.ContiguousNFA)
        self._sets = [
            _PatternSet(list(patterns.items())[start : start + _PATTERNS_PER_SET])
            for start in range(0, len(patterns), _PATTERNS_PER_SET)
        ]

    def find(
        self, texts: Sequence[str], owners: Sequence[int], media: Sequence[str | None] = ()
    ) -> Hits:
        """Search texts, each of the post that `owners` says, in the attachment that `media` says.

        Without `media` none of them stands in an attachment.
        """
        hits = Hits()
        for text, post, label in zip(texts, owners, media or [None] * len(texts), strict=True):
            spaced = _BLANKS.sub(" ", plain(text))
            for entry in self._terms_in(spaced.casefold()):
                hits.add(post, entry, label)
            for patterns in self._sets:
                for entry in patterns.found_in(spaced):
                    hits.add(post, entry, label)
        return hits

    def _terms_in(self, text: str) -> Iterable[Entry]:
        if not self._terms:
            return
        for number, start, end in self._automaton.find_matches_as_indexes(text, overlapping=True):
            if _stands_alone(text, start, end):
                yield from self._terms[number][1]


class _PatternSet:
    """Patterns that are looked for together."""

    def __init__(self, patterns: list[tuple[str, list[Entry]]]) -> None:
        self._entries = [entries for _, entries in patterns]
        self._alone = [re2.compile(pattern, options=pattern_options()) for pattern, _ in patterns]
        self._set = re2.Set.SearchSet(pattern_options(_SET_BYTES))
        try:
            for pattern, _ in patterns:
                self._set.Add(pattern)
            self._sentinel = self._set.Add(_SENTINEL)
            self._set.Compile()
        except re2.error as error:
            raise PolicyError(
                f"the patterns under `keywords` are too much together ({error}); "
                "make repetitions such as {1,200} shorter"
            ) from error

    def found_in(self, text: str) -> Iterable[Entry]:
        found = self._set.Match(text.replace(_SENTINEL, " ") + _SENTINEL) or ()
        if self._sentinel not in found:
            found = [n for n, pattern in enumerate(self._alone) if pattern.search(text)]
        for number in found:
            if number != self._sentinel:
                yield from self._entries[number]


def spelt(term: str) -> str:
    """A term as it is looked for: plain letters, no letter case, single blanks."""
    return _BLANKS.sub(" ", plain(term)).strip().casefold()


def _stands_alone(text: str, start: int, end: int) -> bool:
    """Whether what was found is not the middle of a longer word."""
    before = start > 0 and _same_word(text[start - 1], text[start])
    after = end < len(text) and _same_word(text[end - 1], text[end])
    return not before and not after


def _same_word(left: str, right: str) -> bool:
    """Whether two letters that touch belong to one word; scripts without blanks do not tell."""
    return _spaced(left) and _spaced(right)


def _spaced(letter: str) -> bool:
    return letter.isalnum() and unicodedata.category(letter) != "Lo"
