"""A glance at a picture: may there be text in it at all? Milliseconds, before a look of 350.

Text is strokes side by side: along a row of pixels the brightness goes up and down again within a
few pixels, over and over for the length of a word. Skies, faces, walls and blank pictures have
nothing of the kind. Leaves, hair and gravel have, and are looked at in vain; so that little is
missed, whatever may be a word of one size or another is let through. `tests/bench/ocr.py` measures
what that spares and what it costs.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_SIDES: Final = (512, 256, 128)  # pixels, the longer one, or up to twice that: small letters first
_CELL: Final = 8  # pixels
_IN_A_ROW: Final = 3  # cells that a word fills at least, at one of these sizes
_EDGE: Final = 12  # levels of brightness from a pixel to the next
_EDGES: Final = 5  # up, and as many down, in each of those cells


def may_have_text(image: Image.Image) -> bool:
    """False where nothing looks like a word, upright or on its side, of whatever colour."""
    if image.width * image.height == 0:
        return False
    for side in _SIDES:
        if max(image.size) >= 2 * side:
            image = image.reduce(max(image.size) // side)
        # Each colour by itself: red on green of the same brightness is text, too.
        for channel in image.split():
            levels = np.asarray(channel, np.int16)
            if _has_word(levels) or _has_word(levels.T):
                return True
    return False


def _has_word(levels: NDArray[np.int16]) -> bool:
    """Whether cells side by side are full of edges; (height, width)."""
    steps = np.diff(levels, axis=1)
    rows, columns = steps.shape[0] // _CELL, steps.shape[1] // _CELL
    if not rows or columns < _IN_A_ROW:
        return _has_word(np.pad(levels, ((0, _CELL), (0, _IN_A_ROW * _CELL)), mode="edge"))
    steps = steps[: rows * _CELL, : columns * _CELL]
    cells = np.minimum(_counts(steps > _EDGE), _counts(steps < -_EDGE))
    full = cells >= _EDGES
    return bool(
        np.logical_and.reduce(
            [full[:, start : columns - _IN_A_ROW + 1 + start] for start in range(_IN_A_ROW)]
        ).any()
    )


def _counts(edges: NDArray[np.bool_]) -> NDArray[np.intp]:
    """(height, width) to how many there are in each cell."""
    rows, columns = edges.shape[0] // _CELL, edges.shape[1] // _CELL
    cells: NDArray[np.intp] = edges.reshape(rows, _CELL, columns, _CELL).sum(axis=(1, 3))
    return cells
