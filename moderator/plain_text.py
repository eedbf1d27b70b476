"""Text as people see it: what looks the same is the same, what is not seen is gone."""

import re
import unicodedata
from typing import Final

# Blank to the eye and a letter to Unicode, so no tokenizer takes them for spaces.
_BLANKS: Final = re.compile("[\u115f\u1160\u2800\u3164\uffa0]")
# Format characters: zero-width, bidirectional, soft hyphens, byte-order marks, tags; and controls.
_UNSEEN: Final = re.compile(
    "[\u00ad\u034f\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e0fff\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
)


def plain(text: str) -> str:
    """NFKC (full-width, mathematical, ligatured letters to plain ones) without what is not seen.

    Source: Unicode Standard Annex 15; the characters are those of the general category Cf and the
    variation selectors, which change no meaning that an encoder of ours knows.
    """
    if text.isascii():
        return _UNSEEN.sub("", text)
    return unicodedata.normalize("NFKC", _UNSEEN.sub("", _BLANKS.sub(" ", text)))
