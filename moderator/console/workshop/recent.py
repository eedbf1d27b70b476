"""The newest posts with their embeddings, in memory; what is new is embedded when somebody asks."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.authoring.store import Store
from moderator.console.records import KeptPost, post_key
from moderator.embedder import Embedder
from moderator.posts import Media, Post
from moderator.reading import LoadedPost, Quote


class _Embedded(NamedTuple):
    kept: KeptPost
    post: Post  # attachments without their bytes
    vectors: Mapping[str, NDArray[np.float16]]  # by channel, (readings, dimensions)
    unread: bool
    quotes: tuple[Quote, ...]  # what is written in its pictures


class RecentPosts:
    """At most so many posts, by key. One thread at a time embeds and reads them."""

    def __init__(self, embedder: Embedder, most: int) -> None:
        self._embedder = embedder
        self._most = most
        self._known: OrderedDict[str, _Embedded] = OrderedDict()  # oldest first
        self._store: Store | None = None

    def missing(self, posts: Sequence[KeptPost]) -> list[KeptPost]:
        """Of the posts, those that are new or were sent again since; in their order."""
        return [post for post in posts[-self._most :] if not self._knows(post)]

    def embed(self, kept: Sequence[KeptPost], loaded: Sequence[LoadedPost]) -> None:
        """Embed posts. One of which nothing can be read is kept without embeddings."""
        inputs, readings = self._embedder.embed(loaded)
        for place, (record, (post, *_)) in enumerate(zip(kept, loaded, strict=True)):
            vectors = {
                name: found.vectors[found.rows(place)].astype(np.float16)
                for name, found in readings.items()
            }
            bare = tuple(Media(id=item.id, type=item.type, data=b"") for item in post.media)
            self._known.pop(record.key, None)
            self._known[record.key] = _Embedded(
                record,
                msgspec.structs.replace(post, media=bare),
                vectors,
                bool(inputs.reports[place]),
                tuple(quote for quote in inputs.quotes if quote.owner == place),
            )
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        self._store = None

    def snapshot(self) -> Store:
        """What is embedded so far, to be judged, searched and drawn."""
        if self._store is None:
            self._store = self._joined(list(self._known.values()))
        return self._store

    def kept(self, place: int) -> KeptPost:
        """What the console keeps of a post of the latest snapshot."""
        return self._known[post_key(self.snapshot().posts[place].id)].kept

    def _knows(self, post: KeptPost) -> bool:
        known = self._known.get(post.key)
        return known is not None and _version(known.kept) == _version(post)

    def _joined(self, known: Sequence[_Embedded]) -> Store:
        readings = {}
        for name, space in self._embedder.channels.items():
            empty = np.zeros((0, space.dimensions), np.float16)
            counts = [len(each.vectors[name]) for each in known]
            vectors = np.concatenate([empty, *(each.vectors[name] for each in known)])
            readings[name] = (vectors, np.repeat(np.arange(len(known)), counts))
        spaces = {name: space.digest for name, space in self._embedder.channels.items()}
        unread = np.array([each.unread for each in known], np.bool_)
        quotes = [
            quote._replace(owner=place) for place, each in enumerate(known) for quote in each.quotes
        ]
        return Store.of([each.post for each in known], readings, spaces, unread, quotes)


def _version(post: KeptPost) -> tuple[int, int, int]:
    return post.partition, post.offset, post.at
