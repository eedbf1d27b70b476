"""The newest posts with their embeddings, in memory; what is new is embedded when somebody asks."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.authoring.store import Store
from moderator.authoring.workbench import Workbench
from moderator.posts import Media, Post


class _Embedded(NamedTuple):
    digest: bytes  # of the post it was made of
    post: Post  # attachments without their bytes
    vectors: Mapping[str, NDArray[np.float16]]  # by channel, (readings, dimensions)
    unread: bool


class RecentPosts:
    """At most so many posts. For one thread at a time, but for `snapshot`."""

    def __init__(self, bench: Workbench, most: int) -> None:
        self._bench = bench
        self._most = most
        self._kept: OrderedDict[str, _Embedded] = OrderedDict()  # oldest first
        self._store: Store | None = None

    def take(self, posts: Sequence[Post], at_once: int) -> int:
        """Embed up to `at_once` of the posts that are not known yet, newest last; how many remain.

        A post that cannot be read is kept without embeddings.
        """
        newest = posts[-self._most :]
        missing = [post for post in newest if not self._knows(post)]
        some = missing[-at_once:]
        if some:
            self._embed(some)
        return len(missing) - len(some)

    def snapshot(self) -> Store:
        """What is embedded so far, to be judged, searched and drawn."""
        if self._store is None:
            self._store = self._joined(list(self._kept.values()))
        return self._store

    def _knows(self, post: Post) -> bool:
        known = self._kept.get(post.id)
        return known is not None and known.digest == post.digest

    def _embed(self, posts: Sequence[Post]) -> None:
        corpus = self._bench.embed_all(posts, lambda _: None)
        for place, post in enumerate(posts):
            vectors = {
                name: found.vectors[found.rows(place)].astype(np.float16)
                for name, found in corpus.readings.items()
            }
            bare = tuple(Media(id=item.id, type=item.type, data=b"") for item in post.media)
            self._kept.pop(post.id, None)
            self._kept[post.id] = _Embedded(
                post.digest,
                msgspec.structs.replace(post, media=bare),
                vectors,
                bool(corpus.unread[place]),
            )
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        self._store = None

    def _joined(self, kept: Sequence[_Embedded]) -> Store:
        readings = {}
        for name, space in self._bench.channels.items():
            empty = np.zeros((0, space.dimensions), np.float16)
            counts = [len(each.vectors[name]) for each in kept]
            vectors = np.concatenate([empty, *(each.vectors[name] for each in kept)])
            readings[name] = (vectors, np.repeat(np.arange(len(kept)), counts))
        spaces = {name: space.digest for name, space in self._bench.channels.items()}
        unread = np.array([each.unread for each in kept], np.bool_)
        return Store.of([each.post for each in kept], readings, spaces, unread)
