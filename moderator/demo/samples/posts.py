"""The sample posts of the demo: a made-up day on a made-up service."""

import random
from datetime import UTC, datetime, timedelta
from itertools import chain, cycle
from typing import Any, Final, Literal, NamedTuple

from PIL import Image

from moderator.demo.samples.everyday import EVERYDAY, LOOKALIKES
from moderator.demo.samples.faults import FAULTS, as_json, attachment
from moderator.demo.samples.offences import OFFENCES
from moderator.demo.samples.pictures import PICTURES, draw_picture
from moderator.demo.samples.topics import Deck, Topic, fill
from moderator.demo.samples.uploads import upload

Kind = Literal["everyday", "offence", "look-alike", "broken"]

_START: Final = datetime(2026, 5, 4, 7, 30, tzinfo=UTC)
_SHARES: Final[tuple[tuple[Kind, float], ...]] = (
    ("broken", 0.05),
    ("look-alike", 0.05),
    ("offence", 0.20),
)  # the rest is everyday
_SURFACES: Final = ("feed", "feed", "feed", "comment", "comment", "comment", "listing", "listing")
_ILLUSTRATED: Final = 0.6  # of the posts whose topic has pictures
_VARIANTS: Final = 3
_EVERY_EMPTY: Final = 24  # one everyday post in so many says and shows nothing
_EVERY_SILENT: Final = 11  # and one in so many is a picture without words


class Sample(NamedTuple):
    """A message for the posts topic."""

    id: str
    value: bytes  # the JSON of a post, or something broken
    what: str  # a few words for a person


class Draft(NamedTuple):
    """A sample, and what it is meant to be."""

    sample: Sample
    kind: Kind
    rule: str = ""  # policy/rule that an offence is meant to cross
    is_post: bool = True


def sample_posts(count: int, seed: int = 7) -> list[Sample]:
    """Varied posts: the same for the same count and seed.

    About 70 in 100 are harmless, 20 are meant to cross a rule of the sample policies, 5 look as if
    they did, and 5 are broken. None is larger than 90 KB; 240 have under 6 MB.
    """
    return [draft.sample for draft in drafts(count, seed)]


def drafts(count: int, seed: int = 7) -> list[Draft]:
    """The posts of `sample_posts` together with what each is meant to be."""
    rng = random.Random(seed)  # noqa: S311 - variety, not secrecy
    writer = _Writer(rng)
    return [writer.write(kind, f"demo-{place:04}") for place, kind in enumerate(_kinds(count, rng))]


def _kinds(count: int, rng: random.Random) -> list[Kind]:
    kinds: list[Kind] = []
    for kind, share in _SHARES:
        kinds += [kind] * round(count * share)
    kinds += ["everyday"] * (count - len(kinds))
    rng.shuffle(kinds)
    return kinds


class _Writer:
    """Writes one post after the other, and repeats a topic, a sentence or a fault late."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._surfaces = Deck((*_SURFACES, "kids", "kids", "none"), rng)
        self._everyday = {name: Deck(topics, rng) for name, topics in EVERYDAY.items()}
        self._lookalikes = Deck(LOOKALIKES, rng)
        self._offences = Deck(OFFENCES, rng)
        topics = (*chain.from_iterable(EVERYDAY.values()), *LOOKALIKES, *OFFENCES)
        self._templates = {topic: Deck(topic.templates, rng) for topic in topics}
        self._pictures = {topic: Deck(topic.pictures, rng) for topic in topics}
        self._album: dict[str, list[Image.Image]] = {}
        self._faults = cycle(FAULTS)
        self._written = 0

    def write(self, kind: Kind, post_id: str) -> Draft:
        if kind == "broken":
            fault = next(self._faults)
            value = fault.make(post_id, self._rng)
            return Draft(Sample(post_id, value, fault.what), kind, is_post=fault.is_post)
        if kind == "offence":
            topic = self._offences.draw()
            return Draft(self._post(post_id, topic), kind, topic.rule)
        if kind == "look-alike":
            return Draft(self._post(post_id, self._lookalikes.draw()), kind)
        return Draft(self._ordinary(post_id), kind)

    def _ordinary(self, post_id: str) -> Sample:
        self._written += 1
        topic = self._everyday[self._surfaces.draw()].draw()
        if self._written % _EVERY_EMPTY == 0:
            return self._sample(post_id, topic._replace(what="empty"), "", "")
        if self._written % _EVERY_SILENT == 0 and topic.pictures:
            picture = self._pictures[topic].draw()
            return self._sample(post_id, topic._replace(what="no words"), "", picture)
        return self._post(post_id, topic)

    def _post(self, post_id: str, topic: Topic) -> Sample:
        text = fill(self._templates[topic].draw(), self._rng)
        picture = ""
        if topic.pictures and self._rng.random() < _ILLUSTRATED:
            picture = self._pictures[topic].draw()
        return self._sample(post_id, topic, text[0].upper() + text[1:], picture)

    def _picture(self, name: str) -> Image.Image:
        """Of each picture there are a few; drawing is most of the work."""
        drawn = self._album.setdefault(name, [])
        if len(drawn) < _VARIANTS:
            drawn.append(draw_picture(name, self._rng))
            return drawn[-1]
        return self._rng.choice(drawn)

    def _sample(self, post_id: str, topic: Topic, text: str, picture: str) -> Sample:
        place = int(post_id.rpartition("-")[2])
        post: dict[str, Any] = {"id": post_id, "author": f"user-{self._rng.randrange(90)}"}
        if topic.surface:
            post["surface"] = topic.surface
        if text:
            post |= {"text": text, "lang": "en"}
        what = f"{topic.surface or 'no surface'}: {topic.what}"
        if picture:
            made = upload(self._picture(picture), self._rng)
            post["media"] = [attachment(made)]
            what += f", with {PICTURES[picture]}" + (f" ({made.quirk})" if made.quirk else "")
        post["created_at"] = (_START + timedelta(seconds=41 * place)).isoformat()
        return Sample(post_id, as_json(post), what)
