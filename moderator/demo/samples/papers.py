"""Pictures of paper and screens: receipts, charts, a phone, a drawing, plain gradients."""

import random

from PIL import Image, ImageDraw

from moderator.demo.samples.canvas import HEIGHT, WIDTH, Colour, vertical, wood, write

_INK: Colour = (40, 40, 48)
_GOODS = ("Bread", "Milk 1 l", "Apples", "Coffee", "Cheese", "Rice", "Tomatoes", "Soap", "Tea")


def receipt(rng: random.Random) -> Image.Image:
    """A till receipt on a table."""
    image = wood(rng)
    draw = ImageDraw.Draw(image)
    draw.rectangle([196, 16, 460, 470], fill=(90, 64, 42))
    draw.rectangle([188, 8, 452, 464], fill=(250, 249, 244))
    write(draw, (240, 22), "CORNER SHOP", 24, _INK)
    total = 0
    for place, goods in enumerate(rng.sample(_GOODS, 7)):
        cents = rng.randrange(80, 900)
        total += cents
        y = 76 + place * 34
        write(draw, (206, y), goods, 20, _INK)
        write(draw, (380, y), f"{cents / 100:.2f}", 20, _INK)
    draw.line([(206, 322), (436, 322)], fill=_INK, width=3)
    write(draw, (206, 334), "TOTAL", 26, _INK)
    write(draw, (360, 334), f"{total / 100:.2f}", 26, _INK)
    write(draw, (224, 410), "Thank you!", 22, _INK)
    return image


def phone_scam(rng: random.Random) -> Image.Image:
    """A phone that shows a text message with a suspicious link."""
    image = vertical((70, 76, 92), (40, 44, 56))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle([180, 6, 460, 474], 34, fill=(12, 12, 14))
    draw.rounded_rectangle([192, 20, 448, 460], 22, fill=(244, 245, 248))
    sender, lines = rng.choice(_MESSAGES)
    write(draw, (212, 34), sender, 22, _INK)
    draw.line([(192, 70), (448, 70)], fill=(206, 208, 214), width=2)
    draw.rounded_rectangle([204, 86, 428, 104 + 28 * len(lines)], 16, fill=(222, 224, 232))
    for place, line in enumerate(lines):
        link = (30, 90, 200) if "." in line and " " not in line else _INK
        write(draw, (216, 94 + place * 28), line, 20, link)
    draw.rounded_rectangle([204, 414, 436, 446], 16, fill=(255, 255, 255), outline=(200, 200, 206))
    return image


_MESSAGES = (
    (
        "YOUR BANK",
        (
            "URGENT: your",
            "account is locked.",
            "Verify your card",
            "and PIN here:",
            "bank-safe.example",
        ),
    ),
    (
        "PARCEL",
        (
            "Your parcel is on",
            "hold. Pay the fee",
            "of 1.99 within",
            "24 hours:",
            "parcel-fee.example",
        ),
    ),
    (
        "PRIZE TEAM",
        (
            "You have WON a",
            "new phone! Claim",
            "your prize now,",
            "only 3 left:",
            "win-now.example",
        ),
    ),
)


def bar_chart(rng: random.Random) -> Image.Image:
    """Bars on a white page."""
    image, draw = _page("Sales by month")
    for place, month in enumerate("JFMAMJJA"):
        x, height = 92 + place * 64, rng.randrange(60, 300)
        tone: Colour = (70, 120 + place * 10, 190)
        draw.rectangle([x, 420 - height, x + 42, 420], fill=tone)
        write(draw, (x + 14, 428), month, 20, _INK)
    return image


def line_chart(rng: random.Random) -> Image.Image:
    """Two curves on a white page."""
    image, draw = _page("Value over time")
    for colour, drift in (((206, 70, 60), -9), ((50, 130, 90), -14)):
        y, points = 380.0, []
        for x in range(80, 600, 16):
            y = min(410.0, max(80.0, y + drift * rng.uniform(-1.4, 2.2)))
            points.append((x, y))
        draw.line(points, fill=colour, width=5, joint="curve")
    return image


def _page(title: str) -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("RGB", (WIDTH, HEIGHT), (252, 252, 252))
    draw = ImageDraw.Draw(image)
    write(draw, (70, 16), title, 30, _INK)
    for y in range(120, 420, 60):
        draw.line([(70, y), (610, y)], fill=(222, 224, 228), width=2)
    draw.line([(70, 70), (70, 420), (610, 420)], fill=_INK, width=3)
    return image, draw


def gradient(rng: random.Random) -> Image.Image:
    """A plain run of two colours."""

    def colour() -> Colour:
        return rng.randrange(256), rng.randrange(256), rng.randrange(256)

    image = vertical(colour(), colour())
    return image.rotate(90, expand=True).resize((WIDTH, HEIGHT)) if rng.randrange(2) else image


def childs_drawing(rng: random.Random) -> Image.Image:
    """A house, a sun and people, drawn with crayons."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (253, 252, 246))
    draw = ImageDraw.Draw(image)
    crayon: tuple[Colour, ...] = ((220, 60, 50), (50, 110, 200), (240, 170, 40), (150, 80, 180))
    _scribble(draw, rng, (0, 400, WIDTH, 470), (90, 170, 80))
    left, top, right, bottom = 110, 210, 310, 410
    roof = [(left - 24, top), ((left + right) // 2, 110), (right + 24, top), (left - 24, top)]
    walls = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
    _wobbly(draw, rng, walls, rng.choice(crayon))
    _wobbly(draw, rng, roof, rng.choice(crayon))
    _wobbly(draw, rng, [(190, 410), (190, 320), (240, 320), (240, 410)], (120, 80, 50))
    draw.ellipse([500, 30, 590, 120], outline=(244, 190, 40), width=9)
    _scribble(draw, rng, (515, 48, 575, 102), (250, 210, 70))
    for x in range(370, 560, 80):
        _person(draw, x, rng.randrange(300, 340), rng.choice(crayon))
    return image


def _person(draw: ImageDraw.ImageDraw, x: int, y: int, colour: Colour) -> None:
    draw.ellipse([x - 20, y - 20, x + 20, y + 20], outline=colour, width=6)
    draw.arc([x - 10, y - 8, x + 10, y + 10], 20, 160, fill=colour, width=3)
    draw.line([(x, y + 20), (x, y + 68)], fill=colour, width=6)
    draw.line([(x - 28, y + 34), (x + 28, y + 34)], fill=colour, width=6)
    draw.line([(x - 20, y + 100), (x, y + 68), (x + 20, y + 100)], fill=colour, width=6)


def _wobbly(
    draw: ImageDraw.ImageDraw, rng: random.Random, points: list[tuple[int, int]], colour: Colour
) -> None:
    for _ in range(2):
        shaken = [(x + rng.uniform(-5, 5), y + rng.uniform(-5, 5)) for x, y in points]
        draw.line(shaken, fill=colour, width=6, joint="curve")


def _scribble(
    draw: ImageDraw.ImageDraw, rng: random.Random, box: tuple[int, int, int, int], colour: Colour
) -> None:
    left, top, right, bottom = box
    points = [
        (x, (top if place % 2 else bottom) + rng.uniform(-8, 8))
        for place, x in enumerate(range(left, right, 7))
    ]
    draw.line(points, fill=colour, width=5)
