"""Long pictures in pieces, and lines in the order people read them."""

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from moderator.ocr.layout import Placed, as_text, pieces


def placed(text: str, left: int, top: int, *, high: int = 20) -> Placed:
    right, bottom = left + 100, top + high
    corners = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return Placed(np.array(corners, np.float32), text)


def test_rows_go_down_and_boxes_of_a_row_from_left_to_right() -> None:
    lines = [placed("third", 0, 60), placed("second", 200, 4), placed("first", 0, 0)]
    assert as_text(lines) == "first second\nthird"


def test_nothing_written_is_no_text() -> None:
    assert as_text([]) == ""


def test_an_ordinary_picture_is_one_piece() -> None:
    image = Image.new("RGB", (1920, 1080))
    assert list(pieces(image)) == [image]


@pytest.mark.parametrize("size", [(300, 2400), (2400, 300), (300, 601)])
def test_pieces_of_a_long_picture_cover_it_and_overlap(size: tuple[int, int]) -> None:
    width, height = size
    marks = np.arange(max(size), dtype=np.int32).repeat(min(size)).reshape(max(size), -1)
    image = Image.fromarray(marks if height > width else marks.T)
    seen = [np.unique(np.asarray(piece)) for piece in pieces(image)]
    assert len(np.unique(np.concatenate(seen))) == max(size)
    assert all(before[-1] > after[0] for before, after in pairwise(seen))
