"""A first draft from posts, whatever people wrote in them."""

import pytest

from moderator.console.workshop.seed import draft_from
from moderator.errors import InputError
from moderator.policy.load import load_draft


@pytest.mark.parametrize(
    "text",
    [
        "quotes \" and \\ and ' and : # - {}",
        "two\nlines\r\nand\ta tab",
        "\x00\x07\x1b[31mcontrol\x7f\x85",
        "emoji 👩‍👩‍👧 and 日本語 and עברית",
        "\u202eoverridden\u2066\ufeff\u2028",
        "\ud800 half of a pair",
        "*alias &anchor !tag %directive @at `tick",
        "x" * 5000,
    ],
)
def test_any_text_makes_a_draft_that_loads(text: str) -> None:
    draft = draft_from([text, "another"], [text + " near"])
    ((_, rule),) = list(load_draft(draft))
    assert rule.mode == "shadow"
    assert len(rule.violates) == 2


def test_each_text_once_and_no_more_than_a_rule_begins_with() -> None:
    texts = ["Buy now", "buy  NOW", *(f"text {number}" for number in range(20))]
    ((_, rule),) = list(load_draft(draft_from(texts)))
    assert rule.violates[:2] == ("Buy now", "text 0")
    assert len(rule.violates) == 8


def test_posts_without_texts_begin_no_rule() -> None:
    with pytest.raises(InputError, match="choose others"):
        draft_from(["", "  \n"])
