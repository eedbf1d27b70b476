"""Pages: long pictures in pieces that are read one by one, and boxes in the order people read."""

import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from moderator.media.tiles import squares

_LONG: Final = 2.0  # a picture longer than so many times its short side is read in pieces
_OVERLAP: Final = 0.15  # of a piece with the next, so that a line is whole in one of them
_SAME_ROW: Final = 0.5  # of a box's height: how far its middle may be from that of its row


class Placed(NamedTuple):
    """A line of text and the box it stands in."""

    quad: NDArray[np.float32]  # (4, 2) corners
    text: str


def pieces(image: Image.Image) -> Iterator[Image.Image]:
    """The image as it is, or, if it is long, squares that cover it and overlap."""
    short, long = sorted(image.size)
    if long <= _LONG * short:
        yield image
        return
    yield from squares(image, math.ceil((long - short) / ((1 - _OVERLAP) * short)) + 1)


def as_text(lines: Sequence[Placed]) -> str:
    """Rows from top to bottom, the boxes of a row from left to right."""
    rows: list[list[tuple[float, str]]] = []
    middle = -math.inf  # of the row under way
    for line in sorted(lines, key=lambda line: float(line.quad[:, 1].mean())):
        high = float(np.ptp(line.quad[:, 1]))
        centre = float(line.quad[:, 1].mean())
        if not rows or centre - middle > _SAME_ROW * high:
            rows.append([])
            middle = centre
        rows[-1].append((float(line.quad[:, 0].min()), line.text))
    return "\n".join(" ".join(text for _, text in sorted(row)) for row in rows)
