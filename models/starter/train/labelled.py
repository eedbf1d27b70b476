"""Texts with what they say: the training share of the moderation sets, and written sentences."""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

import prompts as evaluation
from data import read_moderation, read_rows
from disguise import disguise
from prompts import Rule
from subjects import IMPLIES, SUBJECTS, UNSURE
from words import fill
from written import HARMFUL, NEAR

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HELD_OUT_SHARE = 15  # of a hundred rows of each moderation set
WORD = r"[a-z']+"
ALIKE = 0.8  # of two texts' words together, those they share
PLAIN, SLOTTED = 5, 20  # rows a written sentence gives: without slots all are much alike
HELD_TEMPLATES = 12  # of a hundred written sentences of each kind
SHORT_WORDS = 16  # of what surrounds a sentence told at length: longer would push it out of the window
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


_SMALL_TALK = [t for t in NEAR["ordinary"] if len(t.split()) <= SHORT_WORDS]


@dataclass(frozen=True)
class Row:
    """A text, the set it is from, and for each subject known about it whether it says so."""

    text: str
    source: str
    says: dict[str, bool]


def held_out(text: str, share: int = HELD_OUT_SHARE) -> bool:
    """Whether a text is kept out of all training, `share` of a hundred are; by its own digest."""
    digest = hashlib.sha256(text.strip().encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < share


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
        says["violent"] = says["threat"]
        says |= dict.fromkeys(("fraud", "despair") if not says["threat"] else ("fraud",), False)
    elif source != "sms_spam":
        says |= dict.fromkeys(("sexual", "despair", "fraud"), False)
    return says


def written_rows(seed: int = 31, *, held: bool = False) -> list[Row]:
    """Every written sentence filled many times, some disguised, some told at length; those kept out where `held`."""
    rng = random.Random(seed)
    rows = []
    for name in HARMFUL:
        yes = {name, *IMPLIES.get(name, ())}
        says = {s: s in yes for s in SUBJECTS if s in yes or s not in UNSURE.get(name, ())}
        rows += _rows(name, _kept(HARMFUL[name], held=held), says, rng)
    for name, templates in NEAR.items():
        # An insulted referee is insulted all the same.
        says = dict.fromkeys(("contempt", "contempt_threat", "sexist") if name == "others" else SUBJECTS, False)
        rows += _rows(f"near {name}", _kept(templates, held=held), says, rng)
    return rows


def _kept(templates: tuple[str, ...], *, held: bool) -> list[str]:
    """Those for training, or those by which it is watched: whole sentences, not fillings of one."""
    return [t for t in templates if held_out(t, HELD_TEMPLATES) == held]


def _filled(template: str, rng: random.Random) -> str:
    if "{quoted}" in template:
        template = template.replace("{quoted}", rng.choice(_kept(HARMFUL["contempt"], held=False)).rstrip("."))
    return fill(template, rng)


def _rows(source: str, templates: list[str], says: dict[str, bool], rng: random.Random) -> list[Row]:
    rows = []
    for template in (t for t in templates for _ in range(SLOTTED if "{" in t else PLAIN)):
        text = _filled(template, rng)
        if rng.random() < 0.3 and len(text.split()) <= 2 * SHORT_WORDS:
            text = _at_length(text, lambda: _filled(rng.choice(templates), rng), rng)
        elif rng.random() < 0.5:
            text = rng.choice(LEADS) + text + rng.choice(TAILS)
        if rng.random() < 0.12:
            text = disguise(text, rng)
        rows.append(Row(text, f"written {source}", says))
    return rows


def _at_length(text: str, another: Callable[[], str], rng: random.Random) -> str:
    """The sentence among harmless ones, now and then with more of its kind."""
    around = [_filled(rng.choice(_SMALL_TALK), rng) for _ in range(rng.randint(1, 5))]
    around += [another() for _ in range(rng.choice((0, 0, 1, 2)))]
    around.insert(rng.randrange(len(around) + 1), text)
    return " ".join(part if part[-1] in ".!?" else f"{part}." for part in around)


def forbidden(data: Path, policies: Path) -> list[str]:
    """Texts that training may not come near: of the evaluation sets, their rules, and the policies."""
    texts = [r["text"] for path in sorted((data / "eval" / "text").glob("*.gz")) for r in read_rows(path)]
    texts += [t for rule in vars(evaluation).values() if isinstance(rule, Rule) for t in rule.violates]
    for path in sorted(policies.glob("*.yaml")):
        lines = path.read_text(encoding="utf-8").splitlines()
        texts += [line.strip().removeprefix("- ") for line in lines if line.strip().startswith("- ")]
    return [t for t in texts if len(t) < 400]


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
