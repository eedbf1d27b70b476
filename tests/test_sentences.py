"""Sentences of texts."""

import time
from dataclasses import replace

import pytest

from moderator.reading import LoadedPost, read
from moderator.sentences import sentences
from tests.builders import LIMITS, a_post, a_screener, screen_one


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One harmless sentence stands here.", []),
        (
            "The weather is lovely today. Send me your card number!",
            ["The weather is lovely today.", "Send me your card number!"],
        ),
        (
            "No. Never. You will pay for this. Bye.",
            ["No. Never. You will pay for this.", "Bye."],
        ),
        (
            "a list of things\nanother list of things",
            ["a list of things", "another list of things"],
        ),
        (
            "今天天气很好我们去公园吧。请把你的密码发给我谢谢\uff01",
            ["今天天气很好我们去公园吧。", "请把你的密码发给我谢谢\uff01"],
        ),
        ("", []),
    ],
)
def test_a_text_of_several_sentences_is_taken_apart(text: str, found: list[str]) -> None:
    assert sentences(text) == found


def test_of_many_sentences_none_is_left_out() -> None:
    text = " ".join(f"This is sentence number {n}." for n in range(1000))
    found = sentences(text)
    assert len(found) <= 128
    assert " ".join(found) == text


def test_no_text_takes_long() -> None:
    began = time.perf_counter()
    for text in (" " * 20_000, "." * 20_000, ". " * 10_000, "\n" * 20_000, "。" * 20_000):
        sentences(text)
    assert time.perf_counter() - began < 2


def test_a_harmless_sentence_hides_nothing_where_sentences_are_read() -> None:
    harmless = "the quiet garden behind our house is full of ripe tomatoes and old roses"
    post = a_post("1", f"{harmless}. red fire red fire.")
    assert screen_one(post, a_screener()).action == "allow"
    limits = replace(LIMITS, text_sentences=True)
    assert screen_one(post, a_screener(limits=limits)).action == "block"
    inputs = read([LoadedPost(post.post)], limits, None)
    assert len(inputs.texts) == 3
    assert inputs.text_owners == [0, 0, 0]
