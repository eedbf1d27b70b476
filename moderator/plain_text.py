"""Text as people see it: what looks the same is the same, what is not seen is gone."""

import re
import unicodedata
from typing import Final

# Blank to the eye but a letter or a control character, so no tokenizer takes them for spaces.
_BLANKS: Final = re.compile("[\x0b\x0c\x1c-\x1f\x85\u115f\u1160\u2800\u3164\uffa0]")
# Format characters: zero-width, bidirectional, soft hyphens, byte-order marks, tags, those of
# hieroglyphs, shorthand and music, and two vowels of Khmer that are never drawn; and controls.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]"
)


def plain(text: str) -> str:
    """NFKC (full-width, mathematical, ligatured letters to plain ones) without what is not seen.

    Source: Unicode Standard Annex 15; the characters are those of the general category Cf that are
    not drawn, and the variation selectors, which change no meaning that an encoder of ours knows.
    """
    seen = _UNSEEN.sub("", _BLANKS.sub(" ", text))
    return seen if seen.isascii() else unicodedata.normalize("NFKC", seen)
