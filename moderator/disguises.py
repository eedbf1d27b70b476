"""A second reading of texts that are written to be read by people and not by filters.

Letters that only look like Latin ones, floods of accents, digits for letters, letters spaced out,
text that is stored backwards and shown forwards. The original is never changed: what is undone
here is read beside it, and the higher score of the two counts.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from moderator.plain_text import plain

# One of these is in every text that uses a trick. Several quick searches, not one with `|`:
# ordinary English is spared all the rest for some 10 microseconds a hundred characters.
_SUSPICIOUS: Final = (
    re.compile("[^\x00-\x7f‘’“”–—…•·£€©®°]"),  # noqa: RUF001 - typography is no disguise
    re.compile(
        "[0134578@$!|+*~^]"
        "(?:(?:(?<=[A-Za-z].)|(?<=[A-Za-z][0-9@$!].))[A-Za-z]|(?<![0-9].)[A-Za-z]{3})"
    ),
    re.compile("[A-Za-z]{2}[A-Za-z034578@$][034578@$](?![0-9A-Za-z])"),
    re.compile(
        "(?<![A-Za-z0-9])[A-Za-z]"
        r"[ \n\r\t.,*_/|~•·-]{1,3}[A-Za-z0-9@$!][ \n\r\t.,*_/|~•·-]{1,3}[A-Za-z0-9@$!]"
    ),
)
# Arabic ligatures of whole phrases: NFKC makes up to 18 letters of one, which hide no Latin ones.
_PHRASES: Final = re.compile("[\ufdf0-\ufdff]")
_OVERRIDE: Final = re.compile("\u202e([^\u202a-\u202e\n]*)\u202c?")
# The blocks of combining marks that belong to no script in particular: accents, strokes, circles.
_MARKS: Final = re.compile("[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")
_CATEGORIES_OF_MARKS: Final = frozenset({"Mn", "Me"})  # such as stand on a letter, or around it
_ACCENTED: Final = re.compile("[À-ÖØ-öø-ɏ\u1e00-\u1eff]")
_LETTER: Final = re.compile(r"[^\W\d_]")
_WORD: Final = re.compile(r"[^\W\d_]+")
# Letters whose form NFKC keeps: small capitals, accented and boxed ones, and those of flags.
_NAMED: Final = re.compile(
    "(?:LATIN (?:SMALL|CAPITAL) LETTER|LATIN LETTER SMALL CAPITAL|REGIONAL INDICATOR SYMBOL LETTER"
    "|NEGATIVE (?:SQUARED|CIRCLED) LATIN CAPITAL LETTER) ([A-Z])(?: WITH .*)?"
)
_LEET: Final = str.maketrans("0134578@$!|+", "oieastbasilt")
_INSERTED: Final = re.compile(r"(?<=[A-Za-z])[*~^]+(?=[A-Za-z])")
# Possessive, and only where a word begins: runs of digits without a letter would be tried from each
# of their places to the end, in time that grows with the square, and `re` lets nobody else run.
_LEET_WORD: Final = re.compile(r"(?<![0-9A-Za-z@$!|+])[0-9@$!|+]*+[A-Za-z][0-9A-Za-z@$!|+]*")
_LEET_INSIDE: Final = re.compile(r"(?<=[A-Za-z])[0134578@$!|+]{1,3}(?=[A-Za-z])")
_LEET_START: Final = re.compile("^[0134578$!](?=[A-Za-z]{3})")
_LEET_END: Final = re.compile(r"(?:(?<=[A-Za-z]{3})[034578@$]|(?<=[A-Za-z]{2})[034578@$]{2})$")
_DOMAIN: Final = re.compile(r"[\w-]*\.\w")
_SPACED: Final = re.compile(
    r"(?<![A-Za-z0-9])[A-Za-z]"
    r"(?:[ \n\r\t.,*_\-/|~•·]{1,3}[A-Za-z0134578@$!](?![A-Za-z0-9])){2,}"
)
_BETWEEN: Final = re.compile(r"[ \n\r\t.,*_\-/|~•·]+")
_BLANK: Final = re.compile(r"[ \n\r\t]")
_WORD_LETTERS: Final = 2.5  # fewer in the mean: what looked like gaps between words was noise


def undisguised(text: str) -> str | None:
    """What a person would read of `text` if it is disguised, as `plain` gives it; else None.

    Texts that use no trick cost a few searches.
    """
    if not any(trick.search(text) for trick in _SUSPICIOUS):
        return None
    seen = plain(text)
    shown = plain(_OVERRIDE.sub(lambda run: run[1][::-1], _PHRASES.sub(" ", text)))
    shown = _without_marks(_MARKS.sub("", shown))
    if not shown.isascii():
        shown = _WORD.sub(_as_latin, _symbols(shown))
    shown = _INSERTED.sub("", shown)
    shown = _SPACED.sub(_joined, shown)
    shown = _LEET_WORD.sub(_without_leet, shown)
    return None if shown == seen or _only_accents(seen, shown) else shown


def _only_accents(seen: str, shown: str) -> bool:
    """Whether only accents differ, on letters as few as in languages that are written with them."""
    if len(_ACCENTED.findall(seen)) * 3 > len(_LETTER.findall(seen)):
        return False
    bare = "".join(_latin(letter) or letter for letter in _MARKS.sub("", seen))
    return bare == "".join(_latin(letter) or letter for letter in shown) and not any(
        _is_disguise(letter) for letter in seen
    )


def _is_disguise(letter: str) -> bool:
    """Whether a character stands for a Latin letter and is no letter of an alphabet itself."""
    if letter.isascii() or _ACCENTED.match(letter):
        return False
    return _MARKS.match(letter) is not None or _latin(letter) is not None


def _without_marks(text: str) -> str:
    """Latin letters without the marks of other scripts: vowels of Thai, signs of Hebrew."""
    if text.isascii():
        return text
    kept, latin = [], False
    for character in text:
        if unicodedata.category(character) in _CATEGORIES_OF_MARKS:
            if latin:
                continue
        else:
            latin = character.isascii() and character.isalpha()
        kept.append(character)
    return "".join(kept)


def _symbols(text: str) -> str:
    """Letters in boxes and flags, which are no letters to Unicode, as letters."""
    return "".join(
        character if character.isalnum() else _latin(character) or character for character in text
    )


def _as_latin(match: re.Match[str]) -> str:
    """A word with its look-alikes replaced, unless it is a word of another script.

    Every letter of it must have a Latin look-alike, or some must be Latin already: no honest word
    mixes alphabets.
    """
    word = match[0]
    if word.isascii():
        return word
    letters = [letter if letter.isascii() else _latin(letter) for letter in word]
    if None in letters and not any(letter.isascii() for letter in word):
        return word
    return "".join(
        latin if latin is not None else letter for latin, letter in zip(letters, word, strict=True)
    )


@lru_cache(maxsize=4096)
def _latin(character: str) -> str | None:
    """The ASCII letter that `character` looks like, by its name or by Unicode's confusables."""
    if character.isascii():
        return None
    if named := _NAMED.fullmatch(unicodedata.name(character, "")):
        capital = "SMALL LETTER" not in named[0]
        return named[1] if capital else named[1].lower()
    # Imported by the first text that needs it: its tables take 60 ms to read.
    from confusable_homoglyphs.confusables import confusables_data  # noqa: PLC0415

    for candidate in confusables_data.get(character, ()):
        if len(candidate["c"]) == 1 and candidate["c"].isascii() and candidate["c"].isalpha():
            return str(candidate["c"])
    return None


def _joined(match: re.Match[str]) -> str:
    """Letters with something between them as words: what parts words is wider, or has a blank.

    Where that would leave hardly a word longer than two letters, everything is one word.
    """
    gaps = _BETWEEN.findall(match[0])
    blank = [_BLANK.search(gap) is not None for gap in gaps]
    if any(blank) and not all(blank):
        parts = blank
    else:
        shortest = min(map(len, gaps))
        parts = [len(gap) > shortest for gap in gaps]
    letters = len(gaps) + 1
    if letters < _WORD_LETTERS * (sum(parts) + 1):
        parts = [False] * len(gaps)
    kept = iter(gap if part else "" for gap, part in zip(gaps, parts, strict=True))
    return _BETWEEN.sub(lambda _: next(kept), match[0])


def _without_leet(match: re.Match[str]) -> str:
    word = match[0]
    e_mail = "@" in word and _DOMAIN.match(match.string, match.end())
    if word.isalpha() or e_mail:
        return word
    for place in (_LEET_INSIDE, _LEET_START, _LEET_END):
        word = place.sub(lambda run: run[0].translate(_LEET), word)
    return word
