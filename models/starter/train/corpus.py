"""The unlabelled texts the student is distilled on: training texts and cheap variations of them."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

from data import read_moderation, read_pictures
from labelled import apart_from, held_out, written_rows
from rules import SENTENCES
from wordnet import examples

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = 25_000  # of WordNet's
IMAGE_TEMPLATES = (
    "{}", "a photo of {}", "a picture of a {}", "a blurry photo of a {}", "a close-up of a {}",
    "an image showing {}", "a scene with {}", "An ordinary photo of {}.", "this is a {}",
)  # fmt: skip
KINDS_OF_TEXT = (
    "A post", "A message", "A comment", "A text", "A tweet", "A question", "An image", "A review",
    "A person", "Someone", "The author", "A screenshot", "A meme", "A story", "An advertisement",
)  # fmt: skip
ACTS = (
    "that insults", "that threatens", "that praises", "that mocks", "that describes",
    "that asks about", "that criticises", "that dehumanises", "that defends", "about",
    "that jokes about", "that calls for violence against", "that reports on", "that celebrates",
    "that warns about", "that sells", "that offers", "that encourages", "that explains how to use",
    "that harasses", "that spreads rumours about", "that advertises", "that complains about",
    "that supports", "that discusses", "expressing hatred of", "expressing love for",
)  # fmt: skip
SUBJECTS = (
    "women", "men", "immigrants", "refugees", "Muslims", "Jews", "Christians", "Hindus",
    "black people", "white people", "Asian people", "gay people", "trans people", "a politician",
    "disabled people", "a neighbour", "a colleague", "children at school", "old people",
    "an ethnic group", "a religion", "a nationality", "a celebrity", "a football team",
    "suicide", "self-harm", "cutting yourself", "an eating disorder", "depression", "murder",
    "a shooting", "terrorism", "war", "a bomb", "explosives", "guns", "knives", "weapons",
    "illegal drugs", "alcohol", "cigarettes", "smoking", "gambling", "sex", "nudity", "dating",
    "a bank account", "a password", "a parcel delivery", "a prize", "a lottery", "cryptocurrency",
    "an airdrop", "an investment with guaranteed returns", "a crypto wallet", "a seed phrase",
    "a giveaway", "a loan", "a tax refund", "gift cards", "tech support", "account recovery",
    "phishing", "a fake website", "a link to click", "spam", "malware", "hacking", "stolen cards",
    "fire", "a burning building", "a car accident", "a protest", "the police", "blood",
    "the weather", "cooking", "sports", "music", "a film", "travel", "family", "pets", "work",
    "software", "the news", "an election", "health", "vaccines", "a virus", "school", "a receipt",
    "a licence plate", "an identity card", "a home address", "a phone number", "personal data",
)  # fmt: skip
REASONS = (
    "", "", "", " because of their religion", " because of their race", " because of their gender",
    " because of their sexual orientation", " because of a disability", " in a friendly way",
    " in graphic detail", " with slurs", " for fun", " in a news report", " to make money",
    " without any harm intended", " and asks the reader to act now", " in everyday life",
    " as a joke", " and asks for help", " in a neutral, factual way", " and hopes they die",
)  # fmt: skip


def build(root: Path, general_words: list[str], wordnet: Path, barred: list[str], seed: int = 20) -> list[str]:
    """All distinct texts, longest variations included, in a fixed order; none of a text held out or barred."""
    rng = random.Random(seed)
    moderation = [row["text"] for row in read_moderation(root)]
    pictures = read_pictures(root)
    captions = [t for p in pictures if p.captioned for t in p.texts]
    names = sorted({t for p in pictures if not p.captioned for t in p.texts})
    texts = [text for text in moderation if not held_out(text)] + captions
    texts += [template.format(name) for name in names for template in IMAGE_TEMPLATES]
    texts += [piece for text in moderation for piece in _pieces(text, rng)]
    texts += [_joined(moderation, captions, rng) for _ in range(9000)]
    texts += _word_texts(general_words, rng)
    texts += _prompts(rng, 16000)
    texts += rng.sample(examples(wordnet), EXAMPLES)
    texts += [row.text for row in apart_from(written_rows(), barred)]
    texts += [text for filled in SENTENCES.values() for text in filled]
    return list(dict.fromkeys(t.strip() for t in texts if t.strip()))


def _pieces(text: str, rng: random.Random) -> list[str]:
    """At most one sentence or half of a longer text, so that fragments are known too."""
    words = text.split()
    if len(words) < 16 or rng.random() < 0.5:
        return []
    sentences = [s for s in re.split(r"(?<=[.!?])\s+", text) if len(s.split()) >= 4]
    if len(sentences) > 1:
        piece = rng.choice(sentences)
    else:
        half = len(words) // 2
        start = rng.randrange(len(words) - half)
        piece = " ".join(words[start : start + half])
    return [] if held_out(text) else [piece]


def _joined(moderation: list[str], captions: list[str], rng: random.Random) -> str:
    """Two to four texts in one, for long posts of mixed content; nothing where one is held out."""
    parts = [rng.choice(moderation) for _ in range(rng.randint(1, 3))] + [rng.choice(captions)]
    rng.shuffle(parts)
    joined = rng.choice((" ", "\n", ". ")).join(parts)
    return "" if any(map(held_out, parts)) else joined


def _word_texts(words: list[str], rng: random.Random) -> list[str]:
    """Words of the vocabulary alone, in a frame, and several together."""
    texts = list(words)
    for word in words:
        kind, act = rng.choice(KINDS_OF_TEXT), rng.choice(ACTS)
        texts.append(rng.choice((f"{kind} {act} {word}.", f"{kind} about {word}.", f"a {word}")))
        texts.append(" ".join(rng.sample(words, rng.randint(2, 9))))
    return texts


def _prompts(rng: random.Random, count: int) -> list[str]:
    """Sentences in the manner of policy prompts."""
    return [
        f"{rng.choice(KINDS_OF_TEXT)} {rng.choice(ACTS)} {rng.choice(SUBJECTS)}"
        f"{rng.choice(('', '', ' and ' + rng.choice(SUBJECTS)))}{rng.choice(REASONS)}."
        for _ in range(count)
    ]
