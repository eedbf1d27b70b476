"""A map of recent posts and rules, and what lies near a post."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.projection import plane
from moderator.authoring.store import Store
from moderator.encoders.base import Matrix, Vector
from moderator.policy.compile import CompiledRules

_LEAST = 3  # posts that make a map


@dataclass(frozen=True)
class Atlas:
    """Posts with their place on the map; those without an embedding in the space are not on it."""

    places: NDArray[np.intp]  # (points,) among the store's posts
    points: NDArray[np.float32]  # (points, 2)
    vectors: Matrix  # (points, dimensions) unit rows
    by_channel: Mapping[str, Matrix]  # (points, dimensions) unit rows; zeros where it has none
    channels: tuple[str, ...]  # (points,) which channels each was read in, such as `text+image`
    rules: tuple[str, ...]
    rule_points: NDArray[np.float32]  # (rules, 2)

    def nearest(self, place: int, count: int) -> list[int]:
        """The posts nearest to one of the store in the whole space, itself the first."""
        found = np.flatnonzero(self.places == place)
        if not len(found):
            return []
        anchors = np.stack([rows[found[0]] for rows in self.by_channel.values()])
        # As near as their nearest parts are: a caption and a picture may have little in common.
        each = [(rows @ anchors.T).max(axis=1) for rows in self.by_channel.values()]
        cosines = np.maximum.reduce(each)
        cosines[found[0]] = np.inf
        return [int(self.places[row]) for row in np.argsort(-cosines, kind="stable")[:count]]

    def central(self, places: Sequence[int]) -> list[int]:
        """Those of the places that are on the map, the most typical of them first."""
        rows = np.flatnonzero(np.isin(self.places, np.array(places, np.intp)))
        if not len(rows):
            return []
        cosines = self.vectors[rows] @ self.vectors[rows].mean(axis=0)
        return [int(self.places[row]) for row in rows[np.argsort(-cosines, kind="stable")]]


def draw(store: Store, rules: CompiledRules) -> Atlas | None:
    """Draw the space that most posts were read in; None with fewer than three of them.

    Texts and images lie in two clouds of their own (the modality gap, Liang et al. 2022), and a map
    would show nothing but that. So each channel is centred before it is drawn.
    """
    chosen = _space(store)
    centres, parts = {}, {}
    for name in chosen:
        if len(store.vectors[name]):
            centres[name], parts[name] = _centred(store, name)
    read_in = [
        [name for name, rows in parts.items() if rows[place].any()]
        for place in range(len(store.posts))
    ]
    places = np.array([place for place, names in enumerate(read_in) if names], np.intp)
    if len(places) < _LEAST:
        return None
    parts = {name: rows[places] for name, rows in parts.items()}
    vectors = _unit(np.sum(list(parts.values()), axis=0))
    seen = plane(vectors)
    names, prompts = _rules(rules, chosen, centres)
    return Atlas(
        places,
        seen.place(vectors),
        vectors,
        parts,
        tuple("+".join(read_in[place]) for place in places.tolist()),
        names,
        seen.place(prompts) if names else np.zeros((0, 2), np.float32),
    )


def _space(store: Store) -> list[str]:
    """The channels of the space with the most readings."""
    digests = dict.fromkeys(store.spaces.values())
    by_space = {d: [n for n, other in store.spaces.items() if other == d] for d in digests}
    return max(by_space.values(), key=lambda names: sum(len(store.owners[n]) for n in names))


def _centred(store: Store, channel: str) -> tuple[Vector, Matrix]:
    """A channel's mean, and each post's own direction from there; zeros for those without one."""
    vectors = store.vectors[channel].astype(np.float32)
    centre = vectors.mean(axis=0)
    total = np.zeros((len(store.posts), vectors.shape[1]), np.float32)
    np.add.at(total, store.owners[channel], vectors - centre)
    return centre, _unit(total)


def _unit(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)


def _rules(
    rules: CompiledRules, channels: Sequence[str], centres: Mapping[str, Vector]
) -> tuple[tuple[str, ...], Matrix]:
    """Rules that are sentences, each at the mean of its violating prompts."""
    names, found = [], []
    for column, name in enumerate(rules.ids):
        for channel in channels:
            compiled = rules.channels.get(channel)
            if compiled is None or not len(compiled.violates[column]):
                continue
            prompts = compiled.prompt_vectors[
                compiled.violates[column]
            ]  # sentences: they are texts
            centre = prompts.mean(axis=0) - centres.get(
                "text", compiled.prompt_vectors.mean(axis=0)
            )
            names.append(name)
            found.append(centre / max(float(np.linalg.norm(centre)), 1e-12))
            break
    return tuple(names), np.array(found, np.float32)
