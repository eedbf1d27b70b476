"""Posts with their embeddings in one file, so that policies are compared without running encoders.

An `.npz` of plain arrays: vectors as float16 (1e-3 of a cosine, below what a score shows), which
post each belongs to, what is written in pictures, and the posts as JSON lines without the bytes of
their attachments. It holds what people wrote: keep it as you keep posts.
"""

import json
import zipfile
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Space
from moderator.errors import StartupError
from moderator.posts import Media, Post
from moderator.reading import Quote
from moderator.scoring.score import Readings

_NO_STORE = (
    EOFError,
    KeyError,
    ValueError,
    TypeError,
    msgspec.DecodeError,
    zipfile.BadZipFile,
)
CHUNK = 4096
"""Posts scored at a time: a few MB for each hundred rules."""


@dataclass(frozen=True)
class Store:
    """Embedded posts."""

    posts: tuple[Post, ...]
    vectors: Mapping[str, NDArray[np.float16]]  # by channel, (readings, dimensions)
    owners: Mapping[str, NDArray[np.intp]]  # by channel, (readings,) the post each reads, ascending
    spaces: Mapping[str, str]  # by channel, the digest of its space
    unread: NDArray[np.bool_]  # (posts,) those of which a part could not be read
    quotes: tuple[Quote, ...] = ()  # what is written in pictures, in the posts' order

    @classmethod
    def of(
        cls,
        posts: Sequence[Post],
        readings: Mapping[str, tuple[NDArray[np.floating], NDArray[np.intp]]],
        spaces: Mapping[str, str],
        unread: NDArray[np.bool_] | None = None,
        quotes: Iterable[Quote] = (),
    ) -> "Store":
        """Put embeddings together with their posts."""
        return cls(
            tuple(map(_without_bytes, posts)),
            {name: vectors.astype(np.float16) for name, (vectors, _) in readings.items()},
            {name: owners.astype(np.intp) for name, (_, owners) in readings.items()},
            dict(spaces),
            np.zeros(len(posts), np.bool_) if unread is None else unread,
            tuple(quotes),
        )

    def save(self, path: Path) -> None:
        """Write the file, whole or not at all. Raises StartupError."""
        lines = b"\n".join(map(msgspec.json.encode, self.posts))
        arrays: dict[str, NDArray[Any]] = {
            "posts": np.frombuffer(lines, np.uint8),
            "spaces": np.frombuffer(json.dumps(dict(self.spaces)).encode(), np.uint8),
            "unread": self.unread,
            "quotes": np.frombuffer(msgspec.json.encode(self.quotes), np.uint8),
        }
        for name in self.spaces:
            arrays[f"vectors.{name}"] = self.vectors[name]
            arrays[f"owners.{name}"] = self.owners[name]
        partial = path.with_name(path.name + ".partial")
        try:
            with partial.open("wb") as file:
                np.savez(file, **arrays)  # type: ignore[arg-type]  # the stub takes them for options
            partial.replace(path)
        except OSError as error:
            raise StartupError(f"{path}: cannot be written: {error.strerror}") from error

    @classmethod
    def load(cls, path: Path) -> "Store":
        """Read a file that `save` wrote. Raises StartupError."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                spaces = json.loads(arrays["spaces"].tobytes())
                return cls(
                    tuple(_posts(arrays["posts"].tobytes())),
                    {name: arrays[f"vectors.{name}"] for name in spaces},
                    {name: arrays[f"owners.{name}"] for name in spaces},
                    spaces,
                    arrays["unread"],
                    msgspec.json.decode(arrays["quotes"].tobytes(), type=tuple[Quote, ...]),
                )
        except OSError as error:
            raise StartupError(f"{path}: cannot be read: {error.strerror or error}") from error
        except _NO_STORE as error:
            raise StartupError(
                f"{path}: not a store of embeddings ({error}); write it with `policy embed`"
            ) from error

    def check(self, channels: Mapping[str, Space]) -> None:
        """Raises StartupError when the store was made in other spaces."""
        now = {name: space.digest for name, space in channels.items()}
        if dict(self.spaces) != now:
            raise StartupError(
                "the store of embeddings was made with other models; run `policy embed` again"
            )

    def only(self, kept: NDArray[np.bool_]) -> "Store":
        """Some of the posts; `kept`: (posts,)."""
        place = np.cumsum(kept) - 1  # of those that are kept
        rows = {name: kept[owners] for name, owners in self.owners.items()}
        return Store(
            tuple(post for post, keep in zip(self.posts, kept, strict=True) if keep),
            {name: vectors[rows[name]] for name, vectors in self.vectors.items()},
            {name: place[owners[rows[name]]] for name, owners in self.owners.items()},
            self.spaces,
            self.unread[kept],
            tuple(
                quote._replace(owner=int(place[quote.owner]))
                for quote in self.quotes
                if kept[quote.owner]
            ),
        )

    def chunks(self) -> Iterator[slice]:
        """Where some posts at a time stand."""
        for start in range(0, len(self.posts), CHUNK):
            yield slice(start, min(start + CHUNK, len(self.posts)))

    def readings(self, where: slice) -> dict[str, Readings]:
        """Those of some posts, as float32."""
        found = {}
        for name, owners in self.owners.items():
            first, last = np.searchsorted(owners, (where.start, where.stop))
            vectors = self.vectors[name][first:last].astype(np.float32)
            found[name] = Readings(vectors, owners[first:last] - where.start)
        return found

    def written(self, where: slice) -> list[Quote]:
        """What is written in the pictures of some posts."""
        first, last = (
            bisect_left(self.quotes, place, key=attrgetter("owner"))
            for place in (where.start, where.stop)
        )
        found = self.quotes[first:last]
        return [quote._replace(owner=quote.owner - where.start) for quote in found]


def _without_bytes(post: Post) -> Post:
    """The post with attachments that are only named: rules may ask which kinds it had."""
    media = tuple(Media(id=item.id, type=item.type, data=b"") for item in post.media)
    return msgspec.structs.replace(post, media=media)


def _posts(lines: bytes) -> Iterator[Post]:
    decoder = msgspec.json.Decoder(Post)
    return (decoder.decode(line) for line in lines.splitlines())
