"""What sample posts are written from: topics, templates with slots, and decks to draw from."""

import random
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Generic, NamedTuple, TypeVar

Item = TypeVar("Item")


class Topic(NamedTuple):
    """A kind of post: where it stands, what it says, and what pictures may go with it."""

    what: str  # for a person who reads the demo's table
    surface: str | None
    templates: tuple[str, ...]
    pictures: tuple[str, ...] = ()  # names in moderator.demo.samples.pictures
    rule: str = ""  # policy/rule that it is meant to cross; none: harmless


class Deck(Generic[Item]):
    """Draws in random order, and nothing twice before everything was drawn once."""

    def __init__(self, items: Sequence[Item], rng: random.Random) -> None:
        self._items = tuple(items)
        self._rng = rng
        self._left: list[Item] = []

    def draw(self) -> Item:
        """The next item."""
        if not self._left:
            self._left = self._rng.sample(self._items, len(self._items))
        return self._left.pop()


_SLOT: Final = re.compile(r"\{(\w+)\}")


def fill(template: str, rng: random.Random) -> str:
    """Fill each `{slot}` of a template with one of its words."""
    return _SLOT.sub(lambda match: rng.choice(SLOTS[match[1]]), template)


def _numbers(*values: int) -> tuple[str, ...]:
    return tuple(f"{value:,}" for value in values)


SLOTS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "name": ("Mia", "Jonas", "Amira", "Tomas", "Yuki", "Elena", "Kofi", "Priya", "Luca", "Zoe"),
        "town": ("Lisbon", "Ghent", "Trieste", "Bergen", "Porto", "Leeds", "Graz", "Tartu"),
        "day": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        "time": ("at seven", "at noon", "after work", "in the morning", "around five", "tonight"),
        "dish": (
            "lentil soup",
            "ramen",
            "an apple pie",
            "mushroom risotto",
            "shakshuka",
            "a sourdough loaf",
            "pumpkin curry",
            "dumplings",
        ),
        "place": (
            "the bakery by the bridge",
            "the little library",
            "the farmers' market",
            "the new swimming pool",
            "the cinema on Mill Street",
            "the repair café",
            "the botanical garden",
        ),
        "pet": ("our cat", "my dog", "the neighbour's rabbit", "our old tortoise", "the budgie"),
        "book": ("a novel about lighthouse keepers", "a history of maps", "that detective story"),
        "sport": ("bouldering", "rowing", "table tennis", "running", "volleyball", "swimming"),
        "plant": ("tomatoes", "sunflowers", "runner beans", "strawberries", "tulips"),
        "subject": ("maths", "chemistry", "French", "history", "music", "geography"),
        "film": ("the sequel", "the documentary", "that animated film", "the old western"),
        "tool": ("Python", "a spreadsheet", "the printer", "the new router", "the dishwasher"),
        "price": _numbers(5, 8, 12, 15, 20, 25, 35, 40, 60, 80, 120, 150),
        "big": _numbers(2_000, 3_500, 5_000, 8_000, 9_400, 12_000, 15_000),
        "small": _numbers(100, 150, 200, 250, 300, 400),
        "few": ("two", "three", "four", "five", "six"),
        "percent": ("15", "20", "25", "30", "40"),
        "hours": ("6", "12", "24", "48"),
        "size": ("36", "38", "41", "42", "44", "M", "L"),
        "colour": ("blue", "green", "grey", "red", "white", "dark brown", "yellow"),
        "furniture": ("oak table", "bookshelf", "armchair", "chest of drawers", "floor lamp"),
        "goods": ("phone", "laptop", "camera", "game console", "e-bike", "washing machine"),
        "toy": ("wooden train set", "box of building bricks", "dolls' house", "jigsaw puzzle"),
        "animal": ("dinosaur", "penguin", "fox", "whale", "hedgehog", "elephant"),
        "coin": ("bitcoin", "crypto", "ether"),
        "messenger": ("WhatsApp", "Telegram", "Signal"),
        "card": ("Apple", "Google Play", "Amazon", "Steam"),
        "brand": ("Rolex", "Gucci", "Louis Vuitton", "Nike"),
        "smoke": ("Marlboro", "Camel", "Lucky Strike"),
        "club": ("the home team", "our girls", "United", "the visitors"),
        "site": ("bit-win-now.example", "claim-fast.example", "secure-login.example"),
        "adjective": ("lovely", "quiet", "surprisingly good", "a bit chaotic", "wonderful"),
    }
)
