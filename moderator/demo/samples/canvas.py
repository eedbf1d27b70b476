"""Brushes for the pictures: skies, noise, soft shapes. All drawn at twice the size, then halved."""

import random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

Colour = tuple[int, int, int]
WIDTH, HEIGHT = 640, 480


def blend(top: Colour, bottom: Colour, share: float) -> Colour:
    """A colour between two."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(top, bottom, strict=True))
    return red, green, blue


def vertical(*stops: Colour) -> Image.Image:
    """A picture that runs through colours from top to bottom."""
    places, rows = np.linspace(0, 1, len(stops)), np.linspace(0, 1, HEIGHT)
    table = np.array(stops, np.float64)
    column = np.stack([np.interp(rows, places, table[:, band]) for band in range(3)], axis=1)
    return to_image(column[:, None, :]).resize((WIDTH, HEIGHT))


def to_image(pixels: NDArray[np.float64]) -> Image.Image:
    """(height, width, 3), clipped to 0..255."""
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


def smooth_noise(rng: random.Random, cells: int, width: int, height: int) -> NDArray[np.float64]:
    """(height, width) of soft random blobs between 0 and 1, about `cells` across."""
    rows = max(2, round(cells * height / width))
    seeds = bytes(rng.randrange(256) for _ in range(cells * rows))
    small = Image.frombytes("L", (cells, rows), seeds)
    large = small.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float64) / 255


def grain(image: Image.Image, rng: random.Random, strength: float = 8.0) -> Image.Image:
    """Uneven light and fine grain, as on a photo."""
    width, height = image.size
    light = smooth_noise(rng, 5, width, height) - 0.5
    fine = np.random.default_rng(rng.randrange(2**32)).normal(0, strength / 4, (height, width))
    pixels = np.asarray(image, np.float64) + (light * 2 * strength + fine)[..., None]
    return to_image(pixels)


def wood(rng: random.Random, colour: Colour = (150, 105, 66)) -> Image.Image:
    """A table top of planks."""
    width, height = WIDTH // 2, HEIGHT // 2
    streaks = np.arange(height)[:, None] / 11 + smooth_noise(rng, 3, width, height) * 6
    tone = np.sin(streaks * 5) * 9 + smooth_noise(rng, 60, width, height) * 14
    image = to_image(np.array(colour, np.float64) + tone[..., None]).resize((WIDTH, HEIGHT))
    draw = ImageDraw.Draw(image)
    for y in range(rng.randrange(60, 110), HEIGHT, 120):
        draw.line([(0, y), (WIDTH, y)], fill=blend(colour, (20, 10, 0), 0.6), width=3)
    return image


def shadow(image: Image.Image, points: list[tuple[float, float]], shift: int = 12) -> None:
    """Darken `image` softly under a shape."""
    mask = Image.new("L", image.size, 0)
    moved = [(x + shift, y + shift) for x, y in points]
    ImageDraw.Draw(mask).polygon(moved, fill=120)
    image.paste((20, 15, 10), mask=mask.filter(ImageFilter.GaussianBlur(10)))


def glow(image: Image.Image, centre: tuple[int, int], radius: int, colour: Colour) -> None:
    """A soft light."""
    mask = Image.new("L", image.size, 0)
    x, y = centre
    ImageDraw.Draw(mask).ellipse([x - radius, y - radius, x + radius, y + radius], fill=190)
    image.paste(colour, mask=mask.filter(ImageFilter.GaussianBlur(radius / 2)))


def ridge(rng: random.Random, height: float, roughness: float) -> list[tuple[float, float]]:
    """The outline of hills, closed at the bottom of the picture."""
    heights = [height + rng.uniform(-roughness, roughness) for _ in range(9)]
    xs = np.arange(0, WIDTH + 8, 8)
    ys = np.interp(xs, np.linspace(0, WIDTH, 9), heights)
    jitter = [rng.uniform(-roughness, roughness) / 12 for _ in xs]
    outline = [(float(x), float(y + j)) for x, y, j in zip(xs, ys, jitter, strict=True)]
    return [*outline, (WIDTH, HEIGHT), (0, HEIGHT)]


def write(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, fill: Colour
) -> None:
    """Text in the font that comes with Pillow."""
    draw.text(at, text, fill=fill, font=ImageFont.load_default(size))


def turned(
    points: list[tuple[float, float]], degrees: float, centre: tuple[float, float]
) -> list[tuple[float, float]]:
    """A shape around (0, 0), turned and moved to `centre`."""
    angle = np.deg2rad(degrees)
    cos, sin = float(np.cos(angle)), float(np.sin(angle))
    return [(x * cos - y * sin + centre[0], x * sin + y * cos + centre[1]) for x, y in points]
