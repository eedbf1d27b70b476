"""Long images are seen from end to end."""

import pytest
from PIL import Image

from moderator.errors import MediaError
from moderator.media.tiles import tiles


@pytest.mark.parametrize("size", [(100, 100), (150, 100), (90, 120), (1, 1)])
def test_an_image_of_ordinary_shape_is_left_whole(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size)
    assert list(tiles(image)) == [image]


@pytest.mark.parametrize(
    "size", [(160, 90), (301, 100), (100, 301), (151, 100), (800, 100), (50, 333)]
)
def test_a_long_image_is_covered_by_squares(size: tuple[int, int]) -> None:
    image = Image.new("L", size, 0)
    for place in range(max(size)):  # every line along the long side has a number of its own
        image.paste(place % 256, _line(size, place))
    squares = list(tiles(image))
    assert {square.size for square in squares} == {(min(size), min(size))}
    seen = {value for square in squares for value in square.getcolors(100_000) or ()}
    assert {colour for _, colour in seen} == {place % 256 for place in range(max(size))}


@pytest.mark.parametrize("size", [(801, 100), (1, 30_000)])
def test_an_image_too_long_to_cover_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(MediaError, match="more than 8 to 1") as refused:
        list(tiles(Image.new("L", size)))
    assert refused.value.code == "image_too_long"


def _line(size: tuple[int, int], place: int) -> tuple[int, int, int, int]:
    width, height = size
    return (place, 0, place + 1, height) if width > height else (0, place, width, place + 1)
