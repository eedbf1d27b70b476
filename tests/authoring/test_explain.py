"""A verdict made plain: what moved it and what would have flipped it."""

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
    assert any(flip.startswith("it would pass without “") for flip in fire.flips)
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
