"""Recent posts by meaning, across modalities."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.store import Store
from moderator.authoring.workbench import Workbench
from moderator.encoders.base import Matrix, Space, Vector
from moderator.posts import Media, Post
from moderator.reading import LoadedPost


class Found(NamedTuple):
    """A post and the reading of it that is nearest to what was asked."""

    place: int  # among the store's posts
    channel: str
    cosine: float
    rarity: float  # by how many spreads of ordinary content of the channel it stands out


class Asked(NamedTuple):
    """What is looked for: its direction in each channel that can be compared with it."""

    vectors: Mapping[str, Vector]

    def __bool__(self) -> bool:
        return bool(self.vectors)


def ask(bench: Workbench, text: str | None, image: bytes | None) -> Asked:
    """Embed a sentence or an image. Nothing where it could not be read. Raises InferenceError."""
    images = () if image is None else (image,)
    media = tuple(Media(data=each) for each in images)
    post = LoadedPost(Post(id="search", text=text, media=media), images)
    readings = bench.embedder.embed([post]).readings
    asked: dict[str, Vector] = {}
    for source, found in readings.items():
        if not len(found.vectors):
            continue
        mean = found.vectors.mean(axis=0)
        for channel, space in bench.channels.items():
            if space.digest == bench.channels[source].digest:
                asked[channel] = asked.get(channel, 0) + mean / np.linalg.norm(mean)
    return Asked({name: _unit(vector) for name, vector in asked.items()})


def search(store: Store, bench: Workbench, asked: Asked, most: int) -> list[Found]:
    """The posts that stand out most, each once.

    Texts lie nearer to a sentence than images of the same thing do (the modality gap, Liang et al.
    2022), so cosines of different channels cannot be ranked together. Each is standardised on the
    background sample of its channel, as margins are.
    """
    best: dict[int, Found] = {}
    for channel, vector in asked.vectors.items():
        cosines = _cosines(store.vectors[channel], vector)
        rarities = _standardised(cosines, bench.channels[channel], channel, vector)
        for row in np.argsort(-rarities, kind="stable")[: most * 4].tolist():
            place = int(store.owners[channel][row])
            found = Found(place, channel, float(cosines[row]), float(rarities[row]))
            if place not in best or best[place].rarity < found.rarity:
                best[place] = found
    return sorted(best.values(), key=lambda found: -found.rarity)[:most]


def _cosines(vectors: NDArray[np.float16], vector: Vector) -> NDArray[np.float32]:
    return np.asarray(vectors.astype(np.float32) @ vector, np.float32)


def _standardised(
    cosines: NDArray[np.float32], space: Space, channel: str, vector: Vector
) -> NDArray[np.float32]:
    background: Matrix = space.calibration[channel].background
    ordinary = background @ vector
    return np.asarray((cosines - ordinary.mean()) / max(float(ordinary.std()), 1e-6), np.float32)


def _unit(vector: Vector) -> Vector:
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12), np.float32)
