"""Letters without words."""

import pytest

from moderator.encoders.alphabets import has_other_letters, is_spelt_out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", False),
        ("caf\u00e9 \u2013 \u4f60\u597d \uc548\ub155", False),
        ("\u0418\u0432\u0430\u043d", True),
        ("\u03b1", True),
        ("\u0628", True),
        ("\u0915", True),
        ("\u0e2a", True),
    ],
)
def test_alphabets_that_are_not_latin_are_told_from_syllables_and_words(
    text: str, *, expected: bool
) -> None:
    assert has_other_letters(text) is expected


def test_a_token_of_one_letter_spells_and_one_of_several_does_not() -> None:
    text = "a \u0418\u0432\u0430\u043d"
    assert is_spelt_out(text, 2, 3)
    assert not is_spelt_out(text, 2, 6)
    assert not is_spelt_out(text, 0, 1)
