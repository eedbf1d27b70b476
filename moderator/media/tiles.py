"""Long images in parts: encoders cut out the centre square, and would not see the rest."""

import math
from collections.abc import Iterator
from typing import Final

from PIL import Image

from moderator.errors import MediaError

_LONG: Final = 1.5  # photographs; what lies beyond their centre square is a sixth on either side
_TOO_LONG: Final = 8.0


def tiles(image: Image.Image) -> Iterator[Image.Image]:
    """The image as it is, or if its sides are more than 3 to 2, squares that cover it.

    Raises MediaError `image_too_long` from 8 to 1 on.
    """
    short, long = sorted(image.size)
    if long > _TOO_LONG * short:
        raise MediaError(
            "image_too_long", f"the image is {image.width} x {image.height}, more than 8 to 1"
        )
    if long <= _LONG * short:
        yield image
        return
    yield from squares(image, math.ceil(long / short))


def squares(image: Image.Image, count: int) -> Iterator[Image.Image]:
    """So many squares, two at least, of the short side, evenly from one end to the other."""
    short, long = sorted(image.size)
    for place in range(count):
        start = round(place * (long - short) / (count - 1))
        if image.width == long:
            yield image.crop((start, 0, start + short, short))
        else:
            yield image.crop((0, start, short, start + short))
