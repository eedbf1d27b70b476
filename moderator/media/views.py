"""Everything a viewer may see of an upload, as images."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeAlias

from PIL import Image, ImageFile
from PIL.GifImagePlugin import GifImageFile

from moderator.errors import MediaError
from moderator.media.decode import DecodeLimits, opened, orientation_of, upright_rgb
from moderator.media.formats import gif_frames
from moderator.media.profile import as_its_gamma_shows, as_its_profile_shows

_Info: TypeAlias = Mapping[str | tuple[int, int], Any]  # Pillow's, from the file's head
_OPAQUE: Final = 255
_ANIMATION_PIXELS: Final = 4  # times `max_pixels`, over all frames
_UNTIMED_SECONDS: Final = 0.1  # what browsers show a frame without a duration for


class View(NamedTuple):
    """One image to be judged, RGB."""

    image: Image.Image
    seconds: float | None = None  # of an animation or a video: where in it
    truncated: bool = False  # the file ends early, and this is what there is


def views(content: bytes, limits: DecodeLimits, target_pixels: int | None = None) -> Iterator[View]:
    """`decode`'s image, then what else an image hides.

    Of an animation `limits.frames` frames are a sample, evenly spread from the first to the last,
    and each is seen as a still image would be.

    What an image with transparency looks like depends on what is behind it, and its hidden colours
    can be anything: a picture drawn in the alpha channel alone would be invisible to a model that
    gets the colours, as the reference pipeline does. So it is also seen on white and on black.
    Where a colour profile or a gamma changes a picture beyond what they are for, both are seen.

    Raises MediaError as `decode` does.
    """
    with opened(content, limits, target_pixels) as (image, truncated):
        turn = orientation_of(image)
        info = dict(image.info)
        for seconds in _times(image, content, limits):
            for shown in _shown(image, turn, info):
                yield View(shown, seconds, truncated)


def _shown(
    image: ImageFile.ImageFile,
    turn: Image.Transpose | None,
    info: _Info,
) -> Iterator[Image.Image]:
    """The current frame as it is stored, and as else it may be shown; upright, 8-bit RGB."""
    stored = upright_rgb(image, turn)
    yield stored
    if shown := _coloured(stored, info):
        yield shown
    if not image.has_transparency_data:
        return
    transparent = image.convert("RGBA")
    if transparent.getchannel("A").getextrema()[0] == _OPAQUE:
        return
    for behind in ("white", "black"):
        shown = Image.new("RGB", transparent.size, behind)
        shown.paste(transparent, mask=transparent)
        yield shown if turn is None else shown.transpose(turn)


def _coloured(stored: Image.Image, info: _Info) -> Image.Image | None:
    """As a browser shows the colours, if that is another picture. A profile rules out a gamma."""
    profile, gamma = info.get("icc_profile"), info.get("gamma")
    if isinstance(profile, bytes):
        return as_its_profile_shows(stored, profile)
    if isinstance(gamma, float) and "srgb" not in info:
        return as_its_gamma_shows(stored, gamma)
    return None


def _times(
    image: ImageFile.ImageFile, content: bytes, limits: DecodeLimits
) -> Iterator[float | None]:
    """Go from frame to frame of the sample, saying when each is shown; None for a still image.

    Reaching a frame may decode all that lie before it.
    """
    is_gif = isinstance(image, GifImageFile)
    frames = gif_frames(content, limits.max_frames) if is_gif else getattr(image, "n_frames", 1)
    if frames == 1:
        yield None
        return
    if frames * image.width * image.height > _ANIMATION_PIXELS * limits.max_pixels:
        raise MediaError("image_too_large", f"{frames} frames of {image.width} x {image.height}")
    seconds = 0.0
    sample = spread(frames, limits.frames)
    for place in range(frames):
        image.seek(place)
        lasts = float(image.info.get("duration") or 0) / 1000
        if place in sample:
            image.load()
            yield round(float(image.info.get("timestamp", seconds * 1000)) / 1000, 3)
        seconds += lasts or _UNTIMED_SECONDS


def spread(count: int, budget: int) -> frozenset[int]:
    """At most `budget` of `count` places, evenly from the first to the last."""
    budget = min(count, budget)
    if budget == 1:
        return frozenset({0})
    return frozenset(round(step * (count - 1) / (budget - 1)) for step in range(budget))
