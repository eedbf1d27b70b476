"""Pictures as files, in the formats and with the quirks that uploads have."""

import io
import random
from collections.abc import Callable
from typing import Final, NamedTuple

from PIL import Image
from PIL.ExifTags import Base as ExifTag

MAX_BYTES: Final = 60_000
"""The embedded broker keeps about 5 MB per partition, so pictures are small."""

_SIDEWAYS: Final = 6  # EXIF 2.32, tag 0x0112: turn by 90 degrees to the right to see it upright


class Upload(NamedTuple):
    """A picture file."""

    content: bytes
    type: str  # MIME
    quirk: str = ""  # what is unusual about it


def upload(image: Image.Image, rng: random.Random) -> Upload:
    """Encode a picture in a format drawn at random, smaller until it fits MAX_BYTES."""
    encode = rng.choice(FORMATS)
    made = encode(image)
    while len(made.content) > MAX_BYTES:
        image = image.resize((image.width * 3 // 4, image.height * 3 // 4))
        made = encode(image)
    return made


def _jpeg(image: Image.Image) -> Upload:
    return Upload(_saved(image, "JPEG", quality=82), "image/jpeg")


def _progressive_jpeg(image: Image.Image) -> Upload:
    return Upload(_saved(image, "JPEG", quality=75, progressive=True), "image/jpeg")


def _sideways_jpeg(image: Image.Image) -> Upload:
    """Stored on its side, with the EXIF tag that says so, as phones do."""
    exif = Image.Exif()
    exif[ExifTag.Orientation] = _SIDEWAYS
    turned = image.transpose(Image.Transpose.ROTATE_90)
    return Upload(_saved(turned, "JPEG", quality=82, exif=exif), "image/jpeg", "EXIF rotation")


def _cmyk_jpeg(image: Image.Image) -> Upload:
    return Upload(_saved(image.convert("CMYK"), "JPEG", quality=80), "image/jpeg", "CMYK")


def _gray_jpeg(image: Image.Image) -> Upload:
    return Upload(_saved(image.convert("L"), "JPEG", quality=82), "image/jpeg", "gray")


def _png(image: Image.Image) -> Upload:
    return Upload(_saved(image, "PNG"), "image/png")


def _palette_png(image: Image.Image) -> Upload:
    return Upload(_saved(image.quantize(64), "PNG"), "image/png", "palette")


def _alpha_png(image: Image.Image) -> Upload:
    """Faded out towards the right."""
    faded = image.resize((image.width // 2, image.height // 2))
    faded.putalpha(Image.linear_gradient("L").rotate(90).resize(faded.size))
    return Upload(_saved(faded, "PNG"), "image/png", "alpha")


def _deep_png(image: Image.Image) -> Upload:
    """16 bits a pixel, gray."""
    small = image.convert("L").resize((image.width // 2, image.height // 2))
    deep = small.convert("I").point(lambda value: value * 256).convert("I;16")
    return Upload(_saved(deep, "PNG"), "image/png", "16 bit")


def _webp(image: Image.Image) -> Upload:
    return Upload(_saved(image, "WEBP", quality=78), "image/webp")


def _gif(image: Image.Image) -> Upload:
    return Upload(_saved(image.quantize(48), "GIF"), "image/gif")


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


FORMATS: Final[tuple[Callable[[Image.Image], Upload], ...]] = (
    *(_jpeg,) * 5,  # most of what people upload
    *(_webp,) * 3,
    _progressive_jpeg,
    *(_sideways_jpeg,) * 2,
    _cmyk_jpeg,
    _gray_jpeg,
    *(_png,) * 2,
    _palette_png,
    _alpha_png,
    _deep_png,
    *(_gif,) * 2,
)
