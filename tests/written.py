"""Pictures with text in them, drawn with Pillow's own font, and a decoder that is told the text."""

import io
from dataclasses import replace

from PIL import Image, ImageDraw, ImageFont

from moderator.encoders.fake import fake_space
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import Prepared, preparation_for
from moderator.ocr.base import Written


def page(text: str, points: int = 40, size: tuple[int, int] = (640, 320)) -> Image.Image:
    """Dark letters on a light ground."""
    image = Image.new("RGB", size, (245, 240, 230))
    font = ImageFont.load_default(points)
    ImageDraw.Draw(image).multiline_text((24, 24), text, fill=(20, 20, 40), font=font)
    return image


def png(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


class Says:
    """A decoder that finds the same written in every picture; counts the pictures."""

    def __init__(self, written: Written) -> None:
        encoder = fake_space().image
        assert encoder is not None
        self._prepare = preparation_for(encoder, DecodeLimits())
        self._written = written
        self.prepared = 0

    def prepare(self, content: bytes) -> Prepared:
        self.prepared += 1
        return replace(self._prepare(content), written=self._written)

    def close(self) -> None: ...
