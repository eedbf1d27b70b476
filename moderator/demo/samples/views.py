"""Pictures of places: skies, mountains, houses, the sea, a fire at night."""

import random

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from moderator.demo.samples.canvas import (
    HEIGHT,
    WIDTH,
    Colour,
    blend,
    glow,
    ridge,
    smooth_noise,
    to_image,
    vertical,
)


def sunset(rng: random.Random) -> Image.Image:
    """A low sun over hills."""
    image = vertical((44, 38, 92), (196, 84, 96), (250, 168, 84), (255, 214, 140))
    sun = (rng.randrange(150, 490), rng.randrange(270, 330))
    glow(image, sun, 130, (255, 205, 120))
    glow(image, sun, 42, (255, 248, 214))
    draw = ImageDraw.Draw(image)
    for layer, tone in enumerate(((122, 66, 84), (76, 44, 68), (32, 22, 40))):
        draw.polygon(ridge(rng, 340 + layer * 45, 34 - layer * 6), fill=tone)
    return image


def mountains(rng: random.Random) -> Image.Image:
    """Peaks with snow behind a meadow."""
    image = vertical((94, 150, 214), (186, 214, 238), (226, 236, 240))
    for layer in range(3):
        _peaks(image, rng, layer)
    draw = ImageDraw.Draw(image)
    draw.polygon(ridge(rng, 410, 14), fill=(86, 132, 66))
    for _ in range(26):
        _fir(draw, rng.randrange(WIDTH), rng.randrange(400, 470), rng.randrange(18, 42))
    return image


def _peaks(image: Image.Image, rng: random.Random, layer: int) -> None:
    draw = ImageDraw.Draw(image)
    rock = blend((150, 168, 192), (78, 88, 104), layer / 2)
    for x in range(-60, WIDTH + 120, 190 - layer * 20):
        peak = (x + rng.randrange(-30, 60), 130 + layer * 70 + rng.randrange(60))
        half = rng.randrange(150, 210)
        foot = 460
        draw.polygon([(peak[0] - half, foot), peak, (peak[0] + half, foot)], fill=rock)
        shade = blend(rock, (40, 50, 70), 0.3)
        draw.polygon([(peak[0] + 20, foot), peak, (peak[0] + half, foot)], fill=shade)
        _snow(draw, peak, half / (foot - peak[1]))


def _snow(draw: ImageDraw.ImageDraw, peak: tuple[int, int], slope: float) -> None:
    x, y = peak
    edge = [(dx, 46 + (i % 2) * 18) for i, dx in enumerate((-0.8, -0.4, 0.0, 0.4, 0.8))]
    zigzag = [(x + dx * slope * down, y + down) for dx, down in edge]
    draw.polygon([peak, *reversed(zigzag)], fill=(244, 248, 252))


def _fir(draw: ImageDraw.ImageDraw, x: int, y: int, size: int) -> None:
    for step in range(3):
        top, wide = y - size + step * size // 4, size // 5 + step * size // 9
        bottom = top + size // 2
        draw.polygon([(x, top), (x - wide, bottom), (x + wide, bottom)], fill=(36, 78, 52))


def houses(rng: random.Random) -> Image.Image:
    """A street of houses under a clear sky."""
    image = vertical((120, 176, 226), (214, 230, 240))
    draw = ImageDraw.Draw(image)
    walls: tuple[Colour, ...] = ((222, 196, 150), (204, 122, 98), (160, 178, 156), (232, 224, 206))
    x = -rng.randrange(60)
    while x < WIDTH:
        width, top = rng.randrange(120, 180), rng.randrange(170, 240)
        _house(draw, (x, top, x + width, 400), rng.choice(walls), rng)
        x += width + rng.randrange(2, 14)
    draw.rectangle([0, 400, WIDTH, 428], fill=(176, 172, 164))
    draw.rectangle([0, 428, WIDTH, HEIGHT], fill=(92, 92, 98))
    for dash in range(0, WIDTH, 80):
        draw.rectangle([dash, 450, dash + 40, 455], fill=(226, 224, 210))
    return image


def _house(
    draw: ImageDraw.ImageDraw, box: tuple[int, int, int, int], wall: Colour, rng: random.Random
) -> None:
    left, top, right, bottom = box
    roof = rng.choice(((128, 58, 46), (92, 72, 66), (70, 74, 88)))
    draw.rectangle(box, fill=wall)
    peak = ((left + right) // 2, top - rng.randrange(40, 80))
    draw.polygon([(left - 8, top), peak, (right + 8, top)], fill=roof)
    for y in range(top + 18, bottom - 90, 58):
        for x in range(left + 16, right - 30, 40):
            draw.rectangle([x, y, x + 24, y + 34], fill=(246, 244, 236))
            draw.rectangle([x + 3, y + 3, x + 21, y + 31], fill=(94, 122, 148))
    door = rng.randrange(left + 18, right - 46)
    draw.rectangle([door, bottom - 62, door + 32, bottom], fill=blend(roof, (20, 40, 20), 0.4))


def beach(rng: random.Random) -> Image.Image:
    """Sand, sea and a parasol."""
    image = vertical((96, 178, 236), (206, 234, 246))
    draw = ImageDraw.Draw(image)
    for y in range(220, 330):
        draw.line(
            [(0, y), (WIDTH, y)], fill=blend((28, 110, 160), (120, 206, 208), (y - 220) / 110)
        )
    for _ in range(60):
        x, y = rng.randrange(WIDTH), rng.randrange(232, 322)
        draw.line([(x, y), (x + rng.randrange(10, 50), y)], fill=(206, 236, 238), width=2)
    draw.polygon(ridge(rng, 338, 12), fill=(232, 208, 158))
    x, y = rng.randrange(160, 480), rng.randrange(250, 290)
    draw.line([(x, y), (x + 24, y + 160)], fill=(240, 240, 236), width=7)
    stripe = rng.choice(((214, 66, 58), (40, 110, 180), (236, 160, 40)))
    for part in range(6):
        fill = stripe if part % 2 else (250, 248, 240)
        draw.pieslice([x - 100, y - 54, x + 100, y + 70], 180 + part * 30, 210 + part * 30, fill)
    draw.rectangle([x - 80, y + 138, x + 10, y + 162], fill=stripe)
    return image


def night_sky(rng: random.Random) -> Image.Image:
    """Stars and a moon over dark trees."""
    image = vertical((8, 12, 34), (22, 32, 72), (46, 56, 104))
    glow(image, (rng.randrange(120, 520), rng.randrange(60, 150)), 30, (240, 238, 214))
    draw = ImageDraw.Draw(image)
    for _ in range(220):
        x, y, size = rng.randrange(WIDTH), rng.randrange(340), rng.choice((1, 1, 2, 3))
        draw.ellipse([x, y, x + size, y + size], fill=(230, 232, 250))
    draw.polygon(ridge(rng, 400, 20), fill=(10, 14, 24))
    for _ in range(22):
        x, size = rng.randrange(WIDTH), rng.randrange(50, 130)
        draw.polygon(
            [(x, 410 - size), (x - size // 5, 430), (x + size // 5, 430)], fill=(6, 10, 18)
        )
    return image


def fire(rng: random.Random) -> Image.Image:
    """Flames out of a dark house at night."""
    image = vertical((10, 8, 14), (44, 20, 16))
    draw = ImageDraw.Draw(image)
    left = rng.randrange(90, 190)
    draw.rectangle([left, 210, left + 320, HEIGHT], fill=(26, 18, 18))
    draw.polygon([(left - 20, 214), (left + 160, 110), (left + 340, 214)], fill=(20, 14, 14))
    for x in (left + 40, left + 210):
        draw.rectangle([x, 260, x + 70, 350], fill=(176, 84, 26))
    flames = _flames(rng, left - 60, left + 380)
    lit = np.asarray(image, np.float64)
    return to_image(lit + flames).filter(ImageFilter.GaussianBlur(2))


def _flames(
    rng: random.Random, left: int, right: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """(HEIGHT, WIDTH, 3) of light: tongues of noise that thin out towards the top and the sides."""
    tall = smooth_noise(rng, 16, WIDTH, HEIGHT * 2)
    rows = (np.arange(HEIGHT) * 1.2).astype(int)
    tongues = 0.65 * tall[rows] + 0.35 * smooth_noise(rng, 40, WIDTH, HEIGHT)
    up = np.linspace(-0.35, 0.5, HEIGHT)[:, None]
    across = np.abs(np.linspace(0, WIDTH, WIDTH) - (left + right) / 2) / ((right - left) / 2)
    heat = np.clip((tongues + up - 0.46 - 0.6 * across[None, :] ** 3) * 1.8, 0, 1.0)
    return np.stack([heat * 300, heat**1.8 * 215, heat**4 * 110], axis=2)
