"""Letters that an encoder has tokens for, and words that it has none of."""

import re
from typing import Final

# Greek to Georgian and Ethiopic to Mongolian: scripts of letters. Not those of whole syllables or
# words, in which a token for each character is as it should be.
_OTHER_ALPHABETS: Final = re.compile("[\u0370-\u10ff\u1200-\u18ff\u1f00-\u1fff]")


def has_other_letters(text: str) -> bool:
    """Whether a text has letters of an alphabet that is not Latin."""
    return not text.isascii() and _OTHER_ALPHABETS.search(text) is not None


def is_spelt_out(text: str, start: int, end: int) -> bool:
    """Whether the token that covers `text[start:end]` is a lone letter of such an alphabet.

    A vocabulary with the letters of an alphabet and none of its words was not made from that
    alphabet's languages: its encoder gets the letters, and understands nothing.
    """
    return end - start == 1 and _OTHER_ALPHABETS.match(text, start) is not None
