"""A verdict made plain: what moved it and what would have flipped it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from moderator.app import build_limits, build_loader
from moderator.authoring.attribution import GRID, regions, without, words
from moderator.authoring.explain import explain
from moderator.authoring.explain_text import lines_of, quote_lines
from moderator.authoring.workbench import Workbench
from moderator.cache.memory import MemoryCache
from moderator.embedder import Embedder
from moderator.encoders.base import Vector
from moderator.encoders.fake import fake_space
from moderator.ocr.base import Writing, Written
from moderator.ocr.space import space_of_writing
from moderator.settings import Settings
from tests.authoring.conftest import Load
from tests.builders import a_post, a_rule, picture
from tests.written import Says


def direction_to(text: str) -> Vector:
    return np.asarray(fake_space().text.encode([text]).vectors[0])


def test_the_word_that_carries_the_meaning_has_the_largest_effect() -> None:
    found = words("we saw a red lantern there", fake_space(), direction_to("red"))
    assert max(found, key=lambda word: word.effect).text == "red"
    assert [word.text for word in found] == ["we", "saw", "a", "red", "lantern", "there"]


def test_a_long_text_is_taken_apart_in_runs_of_words() -> None:
    text = " ".join(f"w{number}" for number in range(100)) + " red"
    found = words(text, fake_space(), direction_to("red"))
    assert len(found) <= 64
    assert "red" in max(found, key=lambda word: word.effect).text


@pytest.mark.parametrize("text", ["", "   "])
def test_a_text_without_words_has_none(text: str) -> None:
    assert words(text, fake_space(), direction_to("red")) == []


def test_what_is_left_without_words_is_never_empty() -> None:
    assert without("red fire", [(0, 3)]) == "fire"
    assert without("red", [(0, 3)]) == " "


def test_the_region_that_makes_an_image_red_is_where_the_map_is_red() -> None:
    pixels = np.zeros((8, 8, 3), np.uint8)
    pixels[:, :] = (100, 30, 30)
    pixels[0, 0] = (255, 0, 0)
    found = regions(pixels, fake_space(), direction_to("red"))
    assert found.effects.shape == (GRID, GRID)
    assert found.picture().size == (448, 448)


def test_an_explanation_names_prompts_words_regions_and_what_would_flip_it(
    load: Load, bench: Workbench
) -> None:
    rules = bench.compile(
        load(
            a_rule("fire", violates=["red fire", "flames"], allows=["blue sea"], review_at=0.4),
            a_rule("meadow", violates=["green meadow"]),
            a_rule("sea", violates=["blue waves"]),
        )
    )
    post = a_post("1", "red fire burns", picture("red"))
    (fire, second), judged = explain(rules, post, bench, most=2)
    assert fire.score.id == "test/fire"
    assert second.score.score < second.score.review_at
    assert [near.side for near in fire.near["text"]] == ["violates"] * 2 + ["allows"]
    assert {word.text for word in fire.words} == {"red", "fire", "burns"}
    assert fire.regions is not None
    assert fire.flips[0].startswith("it would pass with `review_at` above 0.")
    assert not any("without" in flip for flip in fire.flips)  # the picture is red, too
    assert fire.flips[-1] == "its image alone would reach the review line"
    assert second.flips[0].startswith("it would reach people with `review_at` at 0.")
    assert judged.reports == [[]]


def test_words_that_flip_a_rule_really_do(load: Load, bench: Workbench) -> None:
    rules = bench.compile(load(a_rule("fire", review_at=0.4)))
    text = "red fire burns there"
    ((fire,), _) = explain(rules, a_post("1", text), bench, most=1)
    (flip,) = [flip for flip in fire.flips if "without" in flip]
    removed = [word for word in text.split() if f"“{word}”" in flip]
    left = " ".join(word for word in text.split() if word not in removed)
    judged = bench.judge(rules, [a_post("1", left)])
    assert judged.rule(0, 0).score < 0.4 <= fire.score.score


@pytest.mark.parametrize(
    "text",
    ["red fire burns there", "red fire", "r3d f1r3 hello there", "a house. Red fire. A sea."],
)
@pytest.mark.parametrize("images", [(), (picture("red"),), (picture("blue"),)])
@pytest.mark.parametrize("words", [[], ["burns"], ["hello"], ["fire"]])
@pytest.mark.parametrize("fusion", ["max", "weighted"])
def test_a_post_passes_without_the_words_it_is_said_to_pass_without(
    load: Load,
    bench: Workbench,
    text: str,
    images: tuple[bytes, ...],
    words: list[str],
    fusion: str,
) -> None:
    rules = bench.compile(load(a_rule("fire", review_at=0.4, keywords=words, fusion=fusion)))
    ((fire,), judged) = explain(rules, a_post("1", text, *images), bench, most=1)
    read = judged.decisive_text(0, 0)
    assert read is not None
    for flip in fire.flips:
        if "without" in flip:
            left = " ".join(word for word in read.split() if f"“{word}”" not in flip)
            assert bench.judge(rules, [a_post("1", left, *images)]).rule(0, 0).score < 0.4


def test_the_words_are_those_of_the_reading_that_decided(load: Load, bench: Workbench) -> None:
    rules = bench.compile(load(a_rule("fire", review_at=0.3)))
    ((fire,), judged) = explain(rules, a_post("1", "r3d f1r3 hello"), bench, most=1)
    assert judged.decisive_text(0, 0) == "red fire hello"
    assert [word.text for word in fire.words] == ["red", "fire", "hello"]
    assert fire.as_read
    assert max(fire.words, key=lambda word: word.effect).text in {"red", "fire"}
    assert any("words as people read them" in line.plain for line in lines_of(fire))
    ((plain,), _) = explain(rules, a_post("1", "red fire hello"), bench, most=1)
    assert not plain.as_read


def test_words_leave_the_sentence_that_decided_and_the_others_stay(
    load: Load, bench: Workbench
) -> None:
    limits = replace(bench.limits, text_sentences=True)
    by_sentence = replace(bench, embedder=Embedder(bench.channels, limits))
    rules = by_sentence.compile(load(a_rule("fire", violates=["red fire"], review_at=0.4)))
    text = "We walked along a quiet beach. They saw red fire there. The day was long and dull."
    ((fire,), judged) = explain(rules, a_post("1", text), by_sentence, most=1)
    assert judged.decisive_text(0, 0) == "They saw red fire there."
    assert not fire.as_read
    (flip,) = [flip for flip in fire.flips if "without" in flip]
    left = " ".join(word for word in text.split() if f"“{word}”" not in flip)
    assert by_sentence.judge(rules, [a_post("1", left)]).rule(0, 0).score < 0.4


def test_a_combination_names_its_parts_and_an_excused_post_its_exception(
    load: Load, bench: Workbench
) -> None:
    sea = a_rule("sea", violates=["blue"], mode="shadow")
    both = a_rule("both", violates=[], when={"all": ["fire"], "not": ["sea"]}, review_at=0.4)
    fire = {**a_rule("fire", review_at=0.4), "except": {"keywords": ["drill"]}}
    rules = bench.compile(load(fire, sea, both))
    found, _ = explain(rules, a_post("1", "red fire drill"), bench, most=3)
    flips = {each.score.id: each.flips for each in found}
    assert flips["test/fire"] == ("it passes, because an exception excuses it: keyword drill",)
    assert any(re.match("it is made of `fire` 0.\\d+, `sea` 0.\\d+", f) for f in flips["test/both"])
    quiet, _ = explain(rules, a_post("1", "green meadow"), bench, most=3)
    flips = {each.score.id: each.flips for each in quiet}
    assert flips["test/both"][1].startswith("or with other scores of what it is made of: `fire` 0.")


def test_a_rule_of_keywords_alone_is_not_told_to_get_nearer_prompts(
    load: Load, bench: Workbench
) -> None:
    rules = bench.compile(load(a_rule("words", violates=[], keywords=["spam"])))
    ((found,), _) = explain(rules, a_post("1", "red fire"), bench, most=1)
    assert found.flips[1] == "or with one of its keywords in the text"


def test_rules_of_other_surfaces_are_left_out(load: Load, bench: Workbench) -> None:
    rules = bench.compile(load(a_rule("fire"), surfaces=["chat"]))
    found, _ = explain(rules, a_post("1", "red fire", surface="chat"), bench, most=5)
    assert len(found) == 1


def test_lines_steer_no_terminal(load: Load, bench: Workbench) -> None:
    rules = bench.compile(load(a_rule("fire")))
    (found,), _ = explain(rules, a_post("1", "red\u001b[31m fire"), bench, most=1)
    assert all("\u001b" not in line.plain for line in lines_of(found))


def test_what_is_written_in_an_image_is_shown_and_its_words_are_weighed(load: Load) -> None:
    settings, space = Settings(), fake_space()
    channels = {"text": space, "image": space, "ocr": space_of_writing(space, "reader")}
    written = Written((Writing("we saw\nred fire"), Writing("calm sea", 1.5)))
    embedder = Embedder(channels, build_limits(settings), decoder=Says(written))
    bench = Workbench(embedder, MemoryCache(1000), build_loader(settings), callers=1)
    rules = bench.compile(load(a_rule("fire", channels=["text"])))
    (found,), judged = explain(rules, a_post("1", None, picture("blue")), bench, most=1)
    assert {word.text for word in found.words} >= {"fire"}
    assert {near.prompt for near in found.near["ocr"]} == {"red fire"}
    lines = [str(line) for quote in judged.inputs.quotes for line in quote_lines(quote)]
    assert lines == [
        "written in attachment 0:",
        "    we saw",
        "    red fire",
        "written in attachment 0 at 1.5 s:",
        "    calm sea",
    ]
