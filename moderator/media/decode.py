"""Untrusted bytes to pixels: one accepted format, bounded before any decompression."""

import io
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from PIL import Image, ImageFile
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.ExifTags import Base as ExifTag
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from moderator.errors import MediaError
from moderator.media.formats import FormatName, gif_frames, jpeg_scans, sniff

# The reader of the one format found is called by name. `Image.open` would add the process-wide
# MAX_IMAGE_PIXELS, which any other library may set, and readers nobody asked for (MPO).
_READERS: Final[Mapping[FormatName, type[ImageFile.ImageFile]]] = MappingProxyType(
    {
        "JPEG": JpegImageFile,
        "PNG": PngImageFile,
        "GIF": GifImageFile,
        "WebP": WebPImageFile,
        "AVIF": AvifImageFile,
        "BMP": BmpImageFile,
    }
)

# EXIF 2.32, tag 0x0112, and what brings the picture upright.
_UPRIGHT: Final[Mapping[object, Image.Transpose]] = MappingProxyType(
    {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
)

_PILLOW_WARNINGS: Final = ("ignore", None, Warning, re.compile(r"PIL\."), 0)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one upload may ask of a worker; all of it is read from headers before decompression.

    `max_pixels` is width x height of the picture, `max_side_pixels` the longer side, `max_frames`
    the frames of an animation, `max_scans` the passes of a progressive JPEG. Decoding at
    `max_pixels` takes about 8 bytes a pixel for a moment, 16 with transparency.

    `frames` of an animation or a video are looked at. With `read_truncated`, of a file that ends
    early what is there is read, and reported as such.
    """

    max_pixels: int = 50_000_000
    max_side_pixels: int = 32_768
    max_frames: int = 2_000
    max_scans: int = 100
    frames: int = 8
    read_truncated: bool = False


def decode(content: bytes, limits: DecodeLimits, target_pixels: int | None = None) -> Image.Image:
    """Decode an upload into an upright RGB image, fully loaded, without metadata.

    The route is that of the reference CLIP pipeline (`transformers.image_utils.load_image`): turn
    by EXIF, then `convert("RGB")`. The models were trained on it and the golden pixels hold it, so
    it is followed where it is crude: alpha and palette transparency are dropped, not composited
    (`views` shows them). In one thing it is left: of 16-bit gray the high byte is kept, where the
    reference clips at 255, which would let anybody hide a picture from the models by making it
    white to them alone. Of an animation the first frame is returned. EXIF that cannot be read
    counts as none, as in browsers.

    `target_pixels` is the shortest side wanted later: a JPEG is then decoded at the smallest of
    1/1, 1/2, 1/4, 1/8 that keeps twice that, several times faster, under 0.3 levels away.

    Raises:
        MediaError: `media_empty`, `not_an_image`, `format_refused`, `image_too_large`,
            `image_truncated` or `image_corrupt`. Nothing of Pillow's gets out.
    """
    with opened(content, limits, target_pixels) as (image, _):
        return upright_rgb(image, orientation_of(image))


@contextmanager
def opened(
    content: bytes, limits: DecodeLimits, target_pixels: int | None
) -> Iterator[tuple[ImageFile.ImageFile, bool]]:
    """The image, loaded, and whether its file ends early.

    Whatever Pillow raises inside the block becomes a MediaError.
    """
    name = sniff(content)
    _check_structure(content, name, limits)
    _silence_pillow()
    try:
        with _READERS[name](io.BytesIO(content)) as image:
            check_size(image.size, getattr(image, "n_frames", 1) if name != "GIF" else 1, limits)
            if name == "JPEG" and target_pixels is not None:
                image.draft(None, (2 * target_pixels, 2 * target_pixels))
            yield image, _load(image, lenient=limits.read_truncated)
    except MediaError:
        raise
    except Exception as err:  # Pillow raises over a dozen types on hostile bytes
        raise _media_error(name, err) from err


def _load(image: ImageFile.ImageFile, *, lenient: bool) -> bool:
    """Load the pixels; True if, being lenient, only the first of them were there."""
    try:
        image.load()
    except OSError as err:
        # Pillow's own LOAD_TRUNCATED_IMAGES is one for all threads, and does not tell. What was
        # decoded before the end stays in the image; without tiles, it takes that for everything.
        if not lenient or "truncated" not in str(err).lower() or image.width * image.height == 0:
            raise
        image.tile = []
        image.load()
        return True
    return False


def _check_structure(content: bytes, name: FormatName, limits: DecodeLimits) -> None:
    if name == "GIF" and gif_frames(content, limits.max_frames) > limits.max_frames:
        raise MediaError("image_too_large", f"the GIF has more than {limits.max_frames} frames")
    if name == "JPEG" and jpeg_scans(content, limits.max_scans) > limits.max_scans:
        raise MediaError("image_too_large", f"the JPEG has more than {limits.max_scans} scans")
    if name == "WebP" and int.from_bytes(content[4:8], "little") + 8 > len(content):
        raise MediaError("image_truncated", f"the WebP ends early, at {len(content)} bytes")


def check_size(size: tuple[int, int], frames: int, limits: DecodeLimits) -> None:
    """Raises MediaError `image_too_large`."""
    width, height = size
    if width * height > limits.max_pixels or max(size) > limits.max_side_pixels:
        raise MediaError(
            "image_too_large",
            f"the image is {width} x {height}; at most {limits.max_pixels} pixels and "
            f"{limits.max_side_pixels} a side are decoded",
        )
    if frames > limits.max_frames:
        raise MediaError(
            "image_too_large", f"{frames} frames, more than the {limits.max_frames} accepted"
        )


def upright_rgb(image: ImageFile.ImageFile, turn: Image.Transpose | None) -> Image.Image:
    """The current frame as `decode` returns it."""
    # Transparency and profiles live in `info`: without them `convert` has only colours to convert.
    # Put back, because what composes the next frame of a GIF looks there for the transparency.
    info, image.info = image.info, {}
    try:
        shown = _eight_bits(image)
        return (shown if turn is None else shown.transpose(turn)).convert("RGB")
    finally:
        image.info = info


def _eight_bits(image: Image.Image) -> Image.Image:
    """Scale 16-bit gray as viewers do, value >> 8; `convert` would clip it to white."""
    if image.mode != "I;16":
        return image
    return Image.frombytes("L", image.size, image.tobytes()[1::2])  # little-endian: high bytes


def orientation_of(image: Image.Image) -> Image.Transpose | None:
    """What brings the picture upright, by its EXIF."""
    # Pillow's own `exif_transpose` also writes the EXIF anew, and fails on tags it cannot write.
    try:
        value = image.getexif().get(ExifTag.Orientation)
    except Exception:  # noqa: BLE001 - a broken TIFF directory must not lose the picture
        return None
    return _UPRIGHT.get(value) if isinstance(value, int) else None


def _media_error(name: FormatName, err: Exception) -> MediaError:
    if isinstance(err, MemoryError | Image.DecompressionBombError):
        return MediaError("image_too_large", f"the {name} needs too much memory")
    detail = f"{type(err).__name__}: {err}"[:200]
    if isinstance(err, EOFError) or "truncated" in detail.lower():
        return MediaError("image_truncated", f"the {name} ends early ({detail})")
    return MediaError("image_corrupt", f"the {name} cannot be decoded ({detail})")


def _silence_pillow() -> None:
    # Pillow warns of odd metadata, which here is daily business. `catch_warnings` would be the tidy
    # way, but before Python 3.14 it is not safe in threads and may leave filters behind.
    if _PILLOW_WARNINGS not in warnings.filters:
        warnings.filterwarnings("ignore", module=_PILLOW_WARNINGS[3].pattern)
