"""Spellings that hide a word: digits for letters, spaces, repeats, dropped vowels, symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

LOOKALIKES = {"a": "@4", "e": "3", "i": "1!", "o": "0", "s": "$5", "t": "7+", "l": "1", "b": "8", "g": "9"}


def _leet(word: str, rng: random.Random) -> str:
    return "".join(rng.choice(LOOKALIKES[c]) if c in LOOKALIKES and rng.random() < 0.6 else c for c in word.lower())


def _spaced(word: str, rng: random.Random) -> str:
    return rng.choice((" ", ".", "-", "_")).join(word)


def _stretched(word: str, rng: random.Random) -> str:
    place = rng.randrange(len(word))
    return word[:place] + word[place] * rng.randint(3, 6) + word[place + 1 :]


def _swapped(word: str, rng: random.Random) -> str:
    place = rng.randrange(len(word) - 1)
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


def _starred(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word))
    return word[:place] + rng.choice("*#") + word[place + 1 :]


def _dropped(word: str, rng: random.Random) -> str:
    place = rng.randrange(1, len(word))
    return word[:place] + word[place + 1 :]


WAYS = (_leet, _leet, _spaced, _stretched, _swapped, _starred, _dropped)


def disguise(text: str, rng: random.Random) -> str:
    """One to three of the longer words spelt otherwise, or the whole run together."""
    words = text.split()
    if rng.random() < 0.05 and len(words) < 9:
        return "".join(words)
    long = [i for i, word in enumerate(words) if len(word) > 3 and word.isascii()]
    for place in rng.sample(long, min(len(long), rng.randint(1, 3))):
        words[place] = rng.choice(WAYS)(words[place], rng)
    return " ".join(words)
