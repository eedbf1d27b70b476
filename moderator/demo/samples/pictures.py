"""The sample pictures by name, all drawn here: nothing of anybody else's is shipped."""

import random
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from PIL import Image

from moderator.demo.samples import objects, papers, views
from moderator.demo.samples.canvas import HEIGHT, WIDTH, grain

_DRAWN: Final[tuple[tuple[str, Callable[[random.Random], Image.Image]], ...]] = (
    ("a sunset", views.sunset),
    ("mountains", views.mountains),
    ("houses", views.houses),
    ("a beach", views.beach),
    ("stars at night", views.night_sky),
    ("a house on fire", views.fire),
    ("a knife", objects.knife),
    ("a cigarette", objects.cigarette),
    ("pills", objects.pills),
    ("cards and chips", objects.playing_cards),
    ("a chopping board", objects.kitchen),
    ("a cup of coffee", objects.coffee),
    ("a pizza", objects.pizza),
    ("flowers", objects.flowers),
    ("a cartoon cat", objects.cat),
    ("a lamp", objects.lamp),
    ("a table", objects.table),
    ("books", objects.book),
    ("a bicycle", objects.bicycle),
    ("a receipt", papers.receipt),
    ("a phone with a scam text", papers.phone_scam),
    ("a bar chart", papers.bar_chart),
    ("a line chart", papers.line_chart),
    ("a colour gradient", papers.gradient),
    ("a child's drawing", papers.childs_drawing),
)
_DRAWERS: Final = MappingProxyType({draw.__name__: draw for _, draw in _DRAWN})
PICTURES: Final[Mapping[str, str]] = MappingProxyType({d.__name__: words for words, d in _DRAWN})
"""Name to a few words for people."""


def draw_picture(name: str, rng: random.Random) -> Image.Image:
    """Draw one of PICTURES, 320 x 240 RGB, a little different each time."""
    large = _DRAWERS[name](rng)
    small = large.resize((WIDTH // 2, HEIGHT // 2), Image.Resampling.BOX)
    return small if _DRAWERS[name].__module__ == papers.__name__ else grain(small, rng)
