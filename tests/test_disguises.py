"""What is written for people and not for filters is read as people read it."""

import re
import time
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderator import disguises, reading
from moderator.app import build_core
from moderator.disguises import undisguised
from moderator.pipeline import Screener
from moderator.plain_text import plain
from moderator.settings import load_settings
from tests.bench.disguises import TRICKS, recall


@pytest.mark.parametrize(
    ("trick", "disguised"),
    [
        ("look-alikes of another alphabet", "\u0455\u0441\u0430m \u0441\u0430\u0455\u04bb"),
        ("one look-alike", "sc\u0430m cash"),
        ("small capitals", "\ua731\u1d04\u1d00\u1d0d \u1d04\u1d00\ua731\u029c"),
        ("letters in boxes", "\U0001f182\U0001f172\U0001f170\U0001f17c cash"),
        ("flags", "\U0001f1f8\U0001f1e8\U0001f1e6\U0001f1f2 cash"),
        ("a flood of accents", "s\u0338\u0322c\u0337a\u0338\u035dm\u0334 cash"),
        ("struck through", "s\u0336c\u0336a\u0336m\u0336 cash"),
        ("an accent on every letter", "\u015b\u0107\u00e5\u1e41 cash"),
        ("shown backwards", "\u202emacs\u202c cash"),
        ("shown backwards to the end", "scam \u202ehsac"),
        ("digits and signs for letters", "$c4m c@sh"),
        ("at the start and the end of a word", "5cam ca5h"),
        ("letters spaced out", "s c a m  c a s h"),
        ("letters with dots between", "s.c.a.m c.a.s.h"),
        ("letters with hyphens between", "s-c-a-m cash"),
        ("one letter a line", "s\nc\na\nm\n\nc\na\ns\nh"),
        ("lines that end as on Windows", "s\r\nc\r\na\r\nm cash"),
        ("tabs between", "s\tc\ta\tm cash"),
        ("marks that vary", "s.c-a_m c_a.s-h"),
        ("marks that vary, and a blank among them", "s.c-a_m cash"),
        ("marks within a word", "sc*am ca~sh"),
        ("full-width and spaced out", "\uff53 \uff43 \uff41 \uff4d  cash"),
        ("two tricks at once", "\u0455.c.4.m c@sh"),
    ],
)
def test_a_trick_is_undone(trick: str, disguised: str) -> None:
    read = undisguised(disguised)
    assert read is not None
    assert read.lower().split() == ["scam", "cash"]


@pytest.mark.parametrize(
    "text",
    [
        "Hello there, it's 3pm on the 17th: two friends and I had lunch for $12.50 (20% off)!",
        "Is a b enough? Not for A or B.",
        "Dear A.,\nI am on\na bus. 5 of us\tare late",
        "We will be there by 5\n\nA friend",
        "covid19, mp4, h.264 and 4k; 200mg twice a day, 10km, call +49 30 123456",
        "mail me at someone@example.com or see https://example.com/a_b",
        "na\u00efve caf\u00e9 \u00e0 la cr\u00e8me br\u00fbl\u00e9e",
        "Z\u00fcrich, S\u00e3o Paulo \u2013 \u201cquoted\u201d, don\u2019t, 5 \u20ac",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
        "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1 \u03ba\u03cc\u03c3\u03bc\u03b5",
        "\u4f60\u597d\u4e16\u754c",
        "\u0928\u092e\u0938\u094d\u0924\u0947",
        "smile \U0001f600 and a flag \U0001f3f3",
        "",
    ],
)
def test_an_honest_text_is_read_once(text: str) -> None:
    assert undisguised(text) is None


@pytest.mark.parametrize(
    "unit",
    ["a b ", "a1", "a.", "5", "$", "\u32bf", "a@-", "@", "\u00e9", "a*", "\u202e", "\u0430", "a"],
)
def test_no_text_takes_long(unit: str) -> None:
    began = time.process_time()
    undisguised("\u3250x " + unit * (20_000 // len(unit)))
    assert time.process_time() - began < 0.5


RUNS = [
    *"a5$@!|+*~^._- \n\u0301\u00e9\u0430\u202e",
    "a.",
    "a ",
    "a5",
    "5.",
    "@.",
    "a@",
    "\u338e",
    "\u32bf",
]


def processor_seconds(search: re.Pattern[str], text: str) -> float:
    def once() -> float:
        began = time.process_time()
        search.sub("", text)
        return time.process_time() - began

    return min(once() for _ in range(2))


# `_DOMAIN` is tried at a single place.
PATTERNS = [name for name, value in vars(disguises).items() if isinstance(value, re.Pattern)]


@pytest.mark.parametrize("name", [name for name in PATTERNS if name != "_DOMAIN"])
def test_no_search_takes_the_square_of_a_texts_length(name: str) -> None:
    search = vars(disguises)[name]
    for run in RUNS:
        for before, after in (("", ""), ("a", "."), ("\u3250 x ", "")):
            short, long = (f"{before}{run * (size // len(run))}{after}" for size in (2000, 32_000))
            # Sixteen times as long; the square of it would be 256 times, or seconds.
            taken = processor_seconds(search, long)
            assert taken < 0.1 or taken < 64 * processor_seconds(search, short), (run, taken)


def test_characters_that_become_many_do_not_make_a_text_long() -> None:
    text = "\u3250 x " + "\ufdfa" * 10_000 + " $c4m"
    read = undisguised(text)
    assert read is not None
    assert read.endswith(" scam")
    assert len(read) < 2 * len(text)


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("a b.c*1$@\u0430\u0301\u202e"))))
def test_every_text_has_a_second_reading_that_differs_or_none(text: str) -> None:
    read = undisguised(text)
    assert read is None or read != plain(text)


@pytest.fixture(scope="module")
def screener(starter: Path) -> Screener:
    return build_core(load_settings({"models": starter, "redis": ""})).screener


@pytest.mark.parametrize(
    "trick", ["look-alikes", "backwards", "leetspeak", "letters spaced out", "boxed letters"]
)
def test_disguised_offences_are_found_that_were_not(trick: str, screener: Screener) -> None:
    after = recall(screener, TRICKS[trick], variants=1)
    with mock.patch.object(reading, "undisguised", return_value=None):
        before = recall(screener, TRICKS[trick], variants=1)
    assert before < 0.35  # the tower was trained on some spellings, and reads a few by itself
    assert after > 0.6
