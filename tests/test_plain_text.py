"""What looks the same reads the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderator.plain_text import plain

WIDE = "".join(chr(ord(letter) + 0xFEE0) for letter in "scam")
BOLD = "".join(chr(0x1D41A + ord(letter) - ord("a")) for letter in "scam")


@pytest.mark.parametrize(
    "disguised",
    [
        *(WIDE, BOLD, "s\u200bc\u200ba\u200bm", "\ufeffscam", "sc\u00adam", "s\u17b4cam"),
        *("sc\U0001bca0am", "sca\U0001d173m", "s\U00013430cam", "sc\x0eam"),
    ],
)
def test_a_disguised_word_is_the_word(disguised: str) -> None:
    assert plain(disguised) == "scam"


@pytest.mark.parametrize(
    "blank", ["\u3164", "\u2800", "\u115f", "\u3000", "\u00a0", *"\v\f\x1c\x1f\x85"]
)
def test_what_looks_like_a_space_is_one(blank: str) -> None:
    assert plain(f"send{blank}money").split() == ["send", "money"]


@pytest.mark.parametrize(
    "text", ["Hello, World!\n\tTabs and lines stay.", "na\u00efve caf\u00e9", ""]
)
def test_plain_text_stays_as_it_is(text: str) -> None:
    assert plain(text) == text


@given(st.text())
def test_a_second_pass_changes_nothing(text: str) -> None:
    assert plain(plain(text)) == plain(text)
