"""Texts with what they say: the training share of the moderation sets, and written sentences."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from data import read_moderation
from disguise import disguise
from subjects import IMPLIES, SUBJECTS, UNSURE
from words import fill
from written import HARMFUL, NEAR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HELD_OUT_SHARE = 15  # of a hundred rows of each moderation set
WORD = r"[a-z']+"
ALIKE = 0.8  # of two texts' words together, those they share
WRITTEN = 900  # sentences per subject and side
LEADS = (
    "", "", "", "", "", "honestly, ", "lol ", "well... ", "@user ", "My opinion: ", "RT @user: ", "ok so ",
    "I'll say it: ", "Hey, ", "Update: ",
)  # fmt: skip
TAILS = (
    "", "", "", "", "", "!", "!!!", " lol", " #truth", " just saying", " :)", " URL", " Period.",
    " What do you think?", " smh",
)  # fmt: skip
SEXUAL_WORDS = re.compile(
    r"\b(sex|porn|dick|cock|pussy|tits|boobs|horny|naked|nude|suck my|blow ?job|cum|orgasm|penis|vagina|anal)\b",
    re.IGNORECASE,
)
VIOLENT_WORDS = re.compile(
    r"\b(kill|murder|shoot|shot|stab|hang|beat|rape|burn|bomb|die|death|lynch|gas|behead|execute)(ed|ing|s)?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Row:
    """A text, the set it is from, and for each subject known about it whether it says so."""

    text: str
    source: str
    says: dict[str, bool]


def held_out(text: str) -> bool:
    """Whether a moderation text is kept out of all training, for calibration; by its own digest."""
    digest = hashlib.sha256(text.strip().encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < HELD_OUT_SHARE


def moderation_rows(root: Path, *, held: bool = False) -> list[Row]:
    """The labelled sets under our subjects; those kept out where `held`."""
    return [
        Row(row["text"], row["source"], _subjects_of(row))
        for row in read_moderation(root)
        if held_out(row["text"]) == held
    ]


def _subjects_of(row: dict) -> dict[str, bool]:
    """What a set's labels say of our subjects; a harmless row says none that its set looked for."""
    labels, source, text = row["labels"], row["source"], row["text"]
    rude = any(labels.get(name) for name in ("offensive", "toxic"))
    says: dict[str, bool] = {}
    if source in {"davidson", "olid", "jigsaw", "surge"}:
        says["rude"] = rude
        if not rude:
            says |= dict.fromkeys(("insult", "contempt", "threat", "contempt_threat"), False)
    if source in {"davidson", "ethos", "hatemoji_build", "stormfront"}:
        says["contempt"] = bool(labels["hate"])
        if not labels["hate"]:
            says["contempt_threat"] = False
    if source == "edos":
        says["sexist"] = says["contempt"] = bool(labels["sexist"])
        says["contempt_threat"] = bool(labels["threat"])
    if source in {"jigsaw", "surge"} and rude:
        says["insult"] = True
    if rude or labels.get("hate") or labels.get("sexist"):
        # The sets do not tell these apart; among rows that people found offensive the words do.
        says["sexual"] = bool(SEXUAL_WORDS.search(text))
        says["threat"] = bool(VIOLENT_WORDS.search(text))
        says |= dict.fromkeys(("fraud", "despair") if not says["threat"] else ("fraud",), False)
    elif source != "sms_spam":
        says |= dict.fromkeys(("sexual", "despair", "fraud"), False)
    return says


def written_rows(seed: int = 31) -> list[Row]:
    """Every template filled many times, some disguised, some told at length among other sentences."""
    rng = random.Random(seed)
    rows = []
    for name in HARMFUL:
        yes = {name, *IMPLIES.get(name, ())}
        says = {s: s in yes for s in SUBJECTS if s in yes or s not in UNSURE.get(name, ())}
        rows += _rows(name, HARMFUL[name], says, rng)
    for name, templates in NEAR.items():
        # An insulted referee is insulted all the same.
        says = dict.fromkeys(("contempt", "contempt_threat", "sexist") if name == "others" else SUBJECTS, False)
        rows += _rows(f"near {name}", templates, says, rng)
    return rows


def _rows(source: str, templates: tuple[str, ...], says: dict[str, bool], rng: random.Random) -> list[Row]:
    def sentence() -> str:
        text = rng.choice(templates)
        if "{quoted}" in text:
            text = text.replace("{quoted}", rng.choice(HARMFUL["contempt"]).rstrip("."))
        return fill(text, rng)

    rows = []
    for _ in range(WRITTEN * (2 if "contempt" in source else 1)):
        text = sentence()
        if rng.random() < 0.3:
            text = _at_length(text, sentence, rng)
        elif rng.random() < 0.5:
            text = rng.choice(LEADS) + text + rng.choice(TAILS)
        if rng.random() < 0.12:
            text = disguise(text, rng)
        rows.append(Row(text, f"written {source}", says))
    return rows


def _at_length(text: str, another: Callable[[], str], rng: random.Random) -> str:
    """The sentence among harmless ones, now and then with more of its kind."""
    around = [fill(rng.choice(NEAR["ordinary"]), rng) for _ in range(rng.randint(1, 5))]
    around += [another() for _ in range(rng.choice((0, 0, 1, 2, 4)))]
    around.insert(rng.randrange(len(around) + 1), text)
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in around)


def apart_from(rows: list[Row], forbidden: list[str]) -> list[Row]:
    """Without rows that share four fifths of their words with a forbidden text."""
    words = CountVectorizer(binary=True, token_pattern=WORD, dtype=np.float32)
    words.fit(forbidden)
    theirs = words.transform(forbidden)
    sizes = np.asarray(theirs.sum(1)).ravel()
    kept = []
    for start in range(0, len(rows), 1000):
        some = rows[start : start + 1000]
        shared = (words.transform([r.text for r in some]) @ theirs.T).toarray()
        own = np.array([max(1, len(set(re.findall(WORD, r.text.lower())))) for r in some])
        near = (shared >= ALIKE * (own[:, None] + sizes[None, :] - shared)).any(1)
        kept += [row for row, is_near in zip(some, near, strict=True) if not is_near]
    return kept
