"""What is taken out of a post for the encoders."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from moderator.encoders.load import load_space
from tests.builders import LIMITS, a_post, a_rule, a_screener, compiled, picture, screen_one


@pytest.mark.parametrize(("hidden", "shown"), [((0, 0, 0), "white"), ((255, 255, 255), "black")])
def test_a_picture_that_only_transparency_shows_is_seen(
    hidden: tuple[int, int, int], shown: str
) -> None:
    """The colours are all `hidden`; what a viewer sees is what lies behind them."""
    file = io.BytesIO()
    Image.new("RGBA", (16, 16), (*hidden, 0)).save(file, "PNG")
    screener = a_screener(compiled(a_rule(violates=[shown])))

    assert screen_one(a_post("1", None, file.getvalue()), screener).action == "block"


def test_an_opaque_picture_is_seen_once() -> None:
    verdict = screen_one(a_post("1", None, picture("red")))
    assert [report.status for report in verdict.modalities if report.channel == "image"] == ["read"]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_a_later_frame_of_an_animation_is_seen(kind: str) -> None:
    colours = ["blue"] * 5 + ["white"]
    frames = [Image.new("RGB", (16, 16), colour) for colour in colours]
    file = io.BytesIO()
    options = {"lossless": True} if kind == "WEBP" else {}
    frames[0].save(file, kind, save_all=True, append_images=frames[1:], duration=50, **options)
    screener = a_screener(compiled(a_rule(violates=["white"])))

    assert screen_one(a_post("1", None, file.getvalue()), screener).action == "block"


def test_the_end_of_a_long_image_is_seen() -> None:
    image = Image.new("RGB", (64, 16), "blue")
    image.paste("white", (48, 0, 64, 16))
    file = io.BytesIO()
    image.save(file, "PNG")
    screener = a_screener(compiled(a_rule(violates=["white"])))

    assert screen_one(a_post("1", None, file.getvalue()), screener).action == "block"


def test_pictures_beyond_the_pixels_of_one_post_are_reported_and_the_post_reviewed() -> None:
    screener = a_screener(limits=replace(LIMITS, max_pixels=300))  # one has 192
    assert screen_one(a_post("1", None, *[picture("green")] * 2), screener).action == "allow"
    verdict = screen_one(a_post("1", None, *[picture("green")] * 3), screener)
    assert (verdict.action, verdict.modalities[-1].code) == ("review", "too_many_pixels")


def test_a_text_without_anything_to_see_is_missing() -> None:
    verdict = screen_one(a_post("1", "\u200b\u2060 \x00"))
    assert verdict.action == "allow"
    assert (verdict.modalities[0].channel, verdict.modalities[0].status) == ("text", "missing")


@pytest.mark.parametrize(
    "text",
    [
        "\u4f60\u597d\u4e16\u754c",
        "\u041f\u0440\u0438\u0432\u0435\u0442, \u043a\u0430\u043a \u0434\u0435\u043b\u0430?",
        "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645",
    ],
)
def test_a_text_of_letters_the_encoder_does_not_know_goes_to_review(
    starter: Path, text: str
) -> None:
    space = load_space(starter)
    screener = a_screener(compiled(space=space), space=space)
    verdict = screen_one(a_post("1", text), screener)
    assert (verdict.action, verdict.modalities[-1].code) == ("review", "text_not_understood")


def test_a_foreign_name_in_a_text_that_is_understood_is_no_reason_to_look(starter: Path) -> None:
    space = load_space(starter)
    screener = a_screener(
        compiled(a_rule(threshold=0.999, review_at=0.99), space=space), space=space
    )
    text = "Dinner with \u0418\u0432\u0430\u043d and his whole family was lovely, thank you all!"
    assert screen_one(a_post("1", text), screener).action == "allow"


def test_of_a_disguised_text_the_reading_with_the_higher_score_counts() -> None:
    disguised = screen_one(a_post("1", "r\u0435d f1re"))
    plain = screen_one(a_post("1", "red fire"))
    assert (disguised.action, plain.action) == ("block", "block")
    assert disguised.rules[0].score == plain.rules[0].score
