"""A glance spares what cannot be text, and lets through whatever may be."""

import numpy as np
import pytest
from PIL import Image

from moderator.ocr.glance import may_have_text
from tests.written import page


@pytest.mark.parametrize("points", [16, 24, 48, 96, 180])
def test_words_of_any_size_are_let_through(points: int) -> None:
    assert may_have_text(page("Send money", points, (1080, 720)))


def test_words_on_their_side_are_let_through() -> None:
    assert may_have_text(page("Send money now").transpose(Image.Transpose.ROTATE_90))


def test_words_as_bright_as_their_ground_are_let_through() -> None:
    words = np.asarray(page("Send money now").convert("L")) < 128
    picture = np.where(words[..., None], (200, 60, 40), (40, 142, 40))
    assert may_have_text(Image.fromarray(picture.astype(np.uint8)))


def test_a_blank_picture_and_a_smooth_one_are_spared() -> None:
    slope = np.linspace(0, 255, 600).astype(np.uint8)
    assert not may_have_text(Image.new("RGB", (1200, 900), "white"))
    assert not may_have_text(Image.fromarray(np.tile(slope, (400, 1))).convert("RGB"))


@pytest.mark.parametrize("size", [(1, 1), (2, 900), (900, 3), (7, 9)])
def test_a_picture_smaller_than_a_letter_is_spared(size: tuple[int, int]) -> None:
    assert not may_have_text(Image.new("RGB", size, "red"))
