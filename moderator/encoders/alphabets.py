"""Letters that an encoder has tokens for, and words that it has none of."""

import re
import unicodedata
from typing import Final

# Greek to Georgian and Ethiopic to Mongolian: scripts of letters. Not those of whole syllables or
# words, in which a token for each character is as it should be.
_OTHER_ALPHABETS: Final = re.compile("[\u0370-\u10ff\u1200-\u18ff\u1f00-\u1fff]")

# Arrows, technical signs, boxes and bars, and all blocks that have emoji: they say little.
_SIGNS: Final = re.compile(
    "[\u00a9\u00ae\u2122\u2190-\u23ff\u2500-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d\u3297"
    "\u3299\U0001f000-\U0001f0ff\U0001f170\U0001f171\U0001f17e\U0001f17f\U0001f18e"
    "\U0001f191-\U0001faff\ufffd]"
)
_SYMBOLS: Final = frozenset({"So", "Co", "Cn"})  # categories: other symbols, private, not assigned


def is_written(character: str) -> bool:
    """Whether texts can be written in such characters: letters, Braille, letters in circles.

    Punctuation, digits, emoji and what pictures are drawn with are not.
    """
    if character.isalpha():
        return True
    return unicodedata.category(character) in _SYMBOLS and not _SIGNS.match(character)


def has_other_letters(text: str) -> bool:
    """Whether a text has letters of an alphabet that is not Latin."""
    return not text.isascii() and _OTHER_ALPHABETS.search(text) is not None


def is_spelt_out(text: str, start: int, end: int) -> bool:
    """Whether the token that covers `text[start:end]` is a lone letter of such an alphabet.

    A vocabulary with the letters of an alphabet and none of its words was not made from that
    alphabet's languages: its encoder gets the letters, and understands nothing.
    """
    return end - start == 1 and _OTHER_ALPHABETS.match(text, start) is not None
