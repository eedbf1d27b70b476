"""Pictures with text in them, drawn with Pillow's own font."""

import io

from PIL import Image, ImageDraw, ImageFont


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
