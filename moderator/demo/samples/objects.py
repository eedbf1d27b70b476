"""Pictures of things: on a table, on a plate, for sale, some of them unwelcome."""

import random
from itertools import pairwise

from PIL import Image, ImageDraw

from moderator.demo.samples.canvas import (
    HEIGHT,
    WIDTH,
    Colour,
    blend,
    shadow,
    turned,
    vertical,
    wood,
)

Points = list[tuple[float, float]]


def knife(rng: random.Random) -> Image.Image:
    """A pointed blade with a dark handle on a table."""
    image = wood(rng, rng.choice(((150, 105, 66), (176, 160, 140), (96, 72, 56))))
    turn, centre = rng.uniform(-35, 35), (320 + rng.randrange(-30, 30), 240)
    blade: Points = [(-40, -26), (150, -26), (215, -12), (252, 24), (-40, 26)]
    handle: Points = [(-230, -22), (-50, -26), (-40, 30), (-150, 22), (-226, 34)]
    for shape in (blade, handle):
        shadow(image, turned(shape, turn, centre))
    draw = ImageDraw.Draw(image)
    draw.polygon(turned(blade, turn, centre), fill=(196, 202, 208))
    edge: Points = [(-40, 10), (236, 12), (252, 24), (-40, 26)]
    draw.polygon(turned(edge, turn, centre), fill=(238, 242, 246))
    draw.polygon(turned(handle, turn, centre), fill=(34, 32, 34))
    guard: Points = [(-56, -40), (-38, -40), (-38, 42), (-56, 42)]
    draw.polygon(turned(guard, turn, centre), fill=(84, 84, 88))
    for x in (-200, -140, -90):
        rivet = turned([(x, 2)], turn, centre)[0]
        draw.ellipse([rivet[0] - 7, rivet[1] - 7, rivet[0] + 7, rivet[1] + 7], fill=(150, 150, 152))
    return image


def cigarette(rng: random.Random) -> Image.Image:
    """A burning cigarette and its smoke over an ashtray."""
    image = vertical((58, 54, 56), (104, 92, 84))
    turn, centre = rng.uniform(-30, -8), (310, 290)
    draw = ImageDraw.Draw(image)
    draw.ellipse([150, 300, 520, 440], fill=(40, 44, 48), outline=(130, 140, 146), width=8)
    draw.ellipse([200, 320, 470, 410], fill=(72, 74, 76))
    paper: Points = [(-100, -18), (170, -18), (170, 18), (-100, 18)]
    tip: Points = [(-200, -18), (-100, -18), (-100, 18), (-200, 18)]
    ash: Points = [(170, -18), (200, -14), (206, 8), (170, 18)]
    for shape, colour in ((paper, (242, 240, 234)), (tip, (206, 140, 70)), (ash, (236, 98, 40))):
        draw.polygon(turned(shape, turn, centre), fill=colour)
    end = turned([(200, 0)], turn, centre)[0]
    _smoke(image, end, rng)
    return image


def _smoke(image: Image.Image, start: tuple[float, float], rng: random.Random) -> None:
    mask = Image.new("L", image.size, 0)
    draw = ImageDraw.Draw(mask)
    x, y = start
    points = [(x, y)]
    while y > 0:
        x, y = x + rng.uniform(-26, 26), y - 26
        points.append((x, y))
    for place, (first, second) in enumerate(pairwise(points)):
        draw.line([first, second], fill=110 - place * 3, width=8 + place * 3)
    image.paste((214, 214, 218), mask=mask.resize((80, 60)).resize(image.size))


def pills(rng: random.Random) -> Image.Image:
    """Loose tablets and capsules."""
    image = vertical((214, 220, 226), (176, 184, 194))
    colours: tuple[Colour, ...] = (
        (248, 248, 244),
        (240, 200, 90),
        (110, 160, 214),
        (226, 120, 120),
    )
    for _ in range(46):
        x, y, size = rng.randrange(40, 600), rng.randrange(50, 430), rng.randrange(15, 24)
        colour, turn = rng.choice(colours), rng.uniform(0, 180)
        if rng.random() < 0.5:  # noqa: PLR2004 - half of them
            _tablet(image, (x, y), size, colour)
        else:
            _capsule(image, (x, y), size, (colour, (250, 250, 248)), turn)
    return image


def _tablet(image: Image.Image, at: tuple[int, int], size: int, colour: Colour) -> None:
    x, y = at
    draw = ImageDraw.Draw(image)
    draw.ellipse([x - size + 5, y - size + 6, x + size + 5, y + size + 6], fill=(140, 148, 158))
    draw.ellipse([x - size, y - size, x + size, y + size], fill=colour)
    draw.line([(x - size + 6, y), (x + size - 6, y)], fill=blend(colour, (0, 0, 0), 0.25), width=3)


def _capsule(
    image: Image.Image, at: tuple[int, int], size: int, halves: tuple[Colour, Colour], turn: float
) -> None:
    draw = ImageDraw.Draw(image)
    radius = size * 0.7
    for sign, colour in zip((-1, 1), halves, strict=True):
        end = turned([(sign * size, 0)], turn, at)[0]
        draw.line([at, end], fill=colour, width=round(radius * 2))
        box = [end[0] - radius, end[1] - radius, end[0] + radius, end[1] + radius]
        draw.ellipse(box, fill=colour)


def playing_cards(rng: random.Random) -> Image.Image:
    """A hand of cards and chips on green felt."""
    image = vertical((22, 110, 62), (14, 78, 44))
    draw = ImageDraw.Draw(image)
    for place in range(4):
        turn, centre = -24 + place * 16, (190 + place * 74, 210 + abs(place - 1.5) * 12)
        card: Points = [(-62, -92), (62, -92), (62, 92), (-62, 92)]
        draw.polygon(turned(card, turn, centre), fill=(250, 250, 246), outline=(120, 120, 120))
        ink = (200, 30, 40) if place % 2 else (24, 24, 28)
        draw.polygon(turned([(0, -38), (28, 0), (0, 38), (-28, 0)], turn, centre), fill=ink)
        for x, y in ((-44, -72), (44, 72)):
            draw.polygon(
                turned([(x, y - 9), (x + 7, y), (x, y + 9), (x - 7, y)], turn, centre), ink
            )
    for _ in range(11):
        x, y = rng.randrange(60, 580), rng.randrange(350, 440)
        _chip(draw, x, y, rng.choice(((196, 36, 44), (30, 60, 150), (24, 24, 28), (230, 170, 40))))
    return image


def _chip(draw: ImageDraw.ImageDraw, x: int, y: int, colour: Colour) -> None:
    draw.ellipse([x - 32, y - 26, x + 36, y + 38], fill=(8, 50, 28))
    draw.ellipse([x - 34, y - 32, x + 34, y + 32], fill=colour)
    for start in range(0, 360, 60):
        draw.arc([x - 34, y - 32, x + 34, y + 32], start, start + 22, fill=(244, 244, 240), width=8)
    draw.ellipse([x - 18, y - 17, x + 18, y + 17], outline=(244, 244, 240), width=3)


def kitchen(rng: random.Random) -> Image.Image:
    """A chopping board with vegetables and a small knife."""
    image = wood(rng, (206, 196, 182))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle(
        [90, 90, 560, 400], 26, fill=(190, 140, 86), outline=(150, 104, 60), width=5
    )
    for x in range(130, 330, 46):
        y = 190 + rng.randrange(-16, 16)
        draw.ellipse([x, y, x + 60, y + 60], fill=(206, 48, 40), outline=(150, 26, 24), width=4)
        draw.ellipse([x + 18, y + 18, x + 42, y + 42], fill=(230, 110, 84))
    for _ in range(24):
        x, y = rng.randrange(340, 520), rng.randrange(130, 240)
        draw.ellipse([x, y, x + 34, y + 26], fill=(70 + rng.randrange(50), 140, 60))
    draw.polygon([(200, 330), (400, 322), (440, 344), (200, 348)], fill=(220, 224, 228))
    draw.rounded_rectangle([130, 324, 206, 350], 10, fill=(120, 72, 40))
    return image


def coffee(rng: random.Random) -> Image.Image:
    """A cup of coffee from above."""
    image = wood(rng)
    draw = ImageDraw.Draw(image)
    x, y = 300 + rng.randrange(-50, 50), 240 + rng.randrange(-20, 20)
    cup = rng.choice(((246, 244, 240), (186, 206, 214), (214, 120, 96)))
    for radius, colour in ((180, (228, 224, 218)), (172, (244, 242, 238)), (118, cup)):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=colour)
    draw.ellipse([x - 102, y - 102, x + 102, y + 102], fill=(78, 44, 22))
    for step in range(5):
        size = 70 - step * 14
        tone = blend((190, 140, 90), (240, 220, 190), step / 4)
        draw.ellipse([x - size, y - size + step * 6, x + size, y + size + step * 2], fill=tone)
    draw.line([(x + 112, y), (x + 168, y - 8)], fill=cup, width=26)
    return image


def pizza(rng: random.Random) -> Image.Image:
    """A pizza on a plate."""
    image = wood(rng, (120, 90, 70))
    draw = ImageDraw.Draw(image)
    rings: tuple[tuple[int, Colour], ...] = (
        (222, (240, 240, 236)),
        (196, (206, 150, 82)),
        (174, (200, 70, 36)),
        (166, (242, 200, 96)),
    )
    for radius, colour in rings:
        draw.ellipse([320 - radius, 240 - radius, 320 + radius, 240 + radius], fill=colour)
    for _ in range(34):
        x, y = 320 + rng.gauss(0, 68), 240 + rng.gauss(0, 68)
        size, topping = rng.choice(
            ((24, (176, 42, 32)), (14, (62, 112, 48)), (12, (40, 30, 34)), (18, (250, 236, 196)))
        )
        draw.ellipse([x - size, y - size, x + size, y + size], fill=topping)
    return image


def flowers(rng: random.Random) -> Image.Image:
    """A meadow of flowers."""
    image = vertical((170, 208, 236), (150, 190, 120), (74, 128, 58), (48, 96, 44))
    draw = ImageDraw.Draw(image)
    colours: tuple[Colour, ...] = ((236, 80, 110), (250, 210, 70), (240, 240, 250), (150, 100, 210))
    for place in range(60):
        y = 190 + place * 4
        x, size = rng.randrange(WIDTH), 8 + place // 4
        draw.line([(x, y), (x + rng.randrange(-8, 8), y + 70)], fill=(44, 104, 48), width=3)
        petal = rng.choice(colours)
        for turn in range(0, 360, 60):
            px, py = turned([(size, 0)], turn, (x, y))[0]
            draw.ellipse(
                [px - size * 0.7, py - size * 0.7, px + size * 0.7, py + size * 0.7], petal
            )
        draw.ellipse(
            [x - size * 0.5, y - size * 0.5, x + size * 0.5, y + size * 0.5], (240, 190, 50)
        )
    return image


def cat(rng: random.Random) -> Image.Image:
    """A cartoon of a cat."""
    image = vertical(
        *rng.choice((((196, 224, 240), (236, 244, 248)), ((250, 226, 200), (255, 244, 230))))
    )
    draw = ImageDraw.Draw(image)
    fur: Colour = rng.choice(((230, 150, 70), (130, 130, 138), (60, 56, 60), (226, 206, 180)))
    dark = blend(fur, (20, 10, 10), 0.35)
    draw.ellipse([190, 290, 450, 560], fill=fur, outline=dark, width=5)
    for side in (-1, 1):
        ear: Points = [(side * 125, -30), (side * 118, -165), (side * 30, -105)]
        inner: Points = [(side * 110, -50), (side * 106, -134), (side * 52, -98)]
        draw.polygon(turned(ear, 0, (320, 220)), fill=fur, outline=dark)
        draw.polygon(turned(inner, 0, (320, 220)), fill=(240, 170, 170))
    draw.ellipse([180, 105, 460, 335], fill=fur, outline=dark, width=5)
    for x in (262, 378):
        draw.ellipse([x - 28, 176, x + 28, 236], fill=(200, 226, 110), outline=dark, width=4)
        draw.ellipse([x - 9, 182, x + 9, 232], fill=(20, 20, 20))
    draw.polygon([(306, 252), (334, 252), (320, 270)], fill=(226, 120, 130))
    draw.arc([282, 250, 322, 296], 10, 150, fill=dark, width=4)
    draw.arc([318, 250, 358, 296], 30, 170, fill=dark, width=4)
    for side in (-1, 1):
        for drop in (-12, 6, 24):
            draw.line([(320 + side * 60, 272), (320 + side * 190, 268 + drop)], fill=dark, width=3)
    return image


def lamp(rng: random.Random) -> Image.Image:
    """A floor lamp against a wall."""
    wall: Colour = rng.choice(((214, 208, 194), (176, 192, 186), (196, 176, 168)))
    image = vertical(wall, blend(wall, (255, 230, 180), 0.4), blend(wall, (60, 50, 40), 0.3))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 410, WIDTH, HEIGHT], fill=(132, 96, 64))
    x = rng.randrange(220, 420)
    draw.line([(x, 180), (x, 430)], fill=(48, 46, 44), width=9)
    draw.ellipse([x - 60, 420, x + 60, 446], fill=(48, 46, 44))
    shade: Points = [(x - 46, 70), (x + 46, 70), (x + 92, 190), (x - 92, 190)]
    draw.polygon(shade, fill=(252, 234, 186), outline=(190, 160, 110))
    return image


def table(rng: random.Random) -> Image.Image:
    """A table with four legs and a vase."""
    image = vertical((226, 222, 214), (206, 200, 190))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 390, WIDTH, HEIGHT], fill=(164, 150, 132))
    brown: Colour = rng.choice(((140, 90, 50), (92, 62, 44), (196, 160, 110)))
    dark = blend(brown, (0, 0, 0), 0.3)
    for x in (120, 190, 440, 505):
        draw.polygon([(x, 250), (x + 22, 250), (x + 18, 440), (x + 4, 440)], fill=dark)
    draw.polygon([(150, 205), (490, 205), (560, 250), (80, 250)], fill=brown)
    draw.rectangle([80, 250, 560, 268], fill=dark)
    draw.ellipse([285, 150, 345, 225], fill=(70, 120, 150))
    for turn in (-30, -8, 16, 38):
        tip = turned([(0, -92)], turn, (315, 156))[0]
        draw.line([(315, 156), tip], fill=(60, 120, 60), width=5)
        draw.ellipse([tip[0] - 14, tip[1] - 14, tip[0] + 14, tip[1] + 14], fill=(230, 90, 100))
    return image


def book(rng: random.Random) -> Image.Image:
    """A row of books on a shelf."""
    image = vertical((120, 92, 70), (86, 62, 46))
    draw = ImageDraw.Draw(image)
    for shelf in (230, 452):
        x = 24
        while x < WIDTH - 60:
            width, height = rng.randrange(24, 54), rng.randrange(120, 190)
            colour = (rng.randrange(40, 220), rng.randrange(40, 190), rng.randrange(40, 190))
            draw.rectangle([x, shelf - height, x + width, shelf], fill=colour)
            band = blend(colour, (255, 240, 200), 0.6)
            draw.rectangle(
                [x + 4, shelf - height + 24, x + width - 4, shelf - height + 34], fill=band
            )
            x += width + 2
        draw.rectangle([0, shelf, WIDTH, shelf + 18], fill=(150, 112, 78))
    return image


def bicycle(rng: random.Random) -> Image.Image:
    """A bicycle leaning on a wall."""
    wall: Colour = rng.choice(((206, 180, 150), (170, 186, 190), (190, 110, 90)))
    image = vertical(wall, blend(wall, (0, 0, 0), 0.2))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 400, WIDTH, HEIGHT], fill=(120, 118, 114))
    frame: Colour = rng.choice(((200, 40, 40), (30, 90, 160), (30, 120, 80), (30, 30, 34)))
    for x in (190, 450):
        draw.ellipse([x - 95, 225, x + 95, 415], outline=(28, 28, 30), width=9)
        for turn in range(0, 180, 20):
            ends = turned([(-90, 0), (90, 0)], turn, (x, 320))
            draw.line(ends, fill=(150, 150, 152), width=1)
    joints = {"back": (190, 320), "front": (450, 320), "pedal": (310, 325)}
    seat, head = (268, 200), (418, 190)
    tubes = (
        (joints["back"], seat),
        (joints["back"], joints["pedal"]),
        (seat, joints["pedal"]),
        (seat, head),
        (head, joints["pedal"]),
        (head, joints["front"]),
    )
    for tube in tubes:
        draw.line(tube, fill=frame, width=11)
    draw.line([head, (410, 150), (372, 146)], fill=(40, 40, 44), width=9)
    draw.line([(230, 190), (302, 190)], fill=(40, 30, 26), width=16)
    return image
