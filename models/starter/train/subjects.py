"""The subjects that training separates, each with prompts in a dozen wordings to draw a rule from.

The prompts (subjects.txt) are no policy's and no evaluation's: sentences in the voice of the post, which
may hold slots of `words.py`, and plain descriptions. The names of subjects are ours and never embedded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sections import read_sections


@dataclass(frozen=True)
class Subject:
    """What a rule about it may say is not wanted, and what comes near and is fine."""

    violates: tuple[str, ...]
    allows: tuple[str, ...]


FINE = (
    "A kind reply to a friend.", "Somebody tells what they did at the weekend.", "An ordinary chat about {everyday}.",
    "A short notice about an event in town.", "A calm remark about a film.", "Advice on a household problem.",
    "I baked a cake for my neighbours.", "A report on science or sports.", "See you tomorrow at the office.",
)  # fmt: skip

_PROMPTS = read_sections(Path(__file__).with_suffix(".txt"))
SUBJECTS = {name: Subject(bad, _PROMPTS["allows"][name]) for name, bad in _PROMPTS["violates"].items()}

#: A sentence that says the first also says the others; every other subject it does not say.
IMPLIES: dict[str, tuple[str, ...]] = {
    "contempt_threat": ("contempt", "threat", "violent"),
    "threat": ("violent",),
    "fight": ("violent",),
    "wounds": ("fight", "violent"),
}
#: Not known either way: a threat may be told as a fight, an insult may be contempt, and so on.
UNSURE: dict[str, tuple[str, ...]] = {
    "contempt": ("insult", "rude", "sexist", "violent"),
    "contempt_threat": ("insult", "rude", "sexist", "fight", "misdeed"),
    "insult": ("rude", "sexist"),
    "threat": ("fight", "insult", "rude", "misdeed", "wounds"),
    "fight": ("threat", "wounds"),
    "wounds": ("threat",),
    "sexual": ("rude", "sexist", "advert"),
    "despair": ("threat", "fight", "wounds", "insult", "violent"),
    "fraud": ("advert",),
    "advert": ("fraud", "sexual"),
    "misdeed": ("threat", "contempt", "fraud", "fight", "despair", "violent"),
}
