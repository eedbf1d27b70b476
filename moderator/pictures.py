"""The pictures of a batch: each is decoded once, however many posts carry it, or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import PIL

from moderator.cache.media import MediaCache, Seen
from moderator.encoders.base import ImageEncoder, Matrix, Pixels, Space
from moderator.errors import InferenceError, MediaError, ModeratorError
from moderator.media.decode import DecodeLimits, views
from moderator.media.tiles import tiles
from moderator.posts import Media

#: Raise it when `views` or `tiles` show something else of the same bytes.
_VIEWS: Final = 1


@dataclass
class Picture:
    """What is seen of one attachment's bytes."""

    digest: str  # sha256 of the bytes
    pixels: int  # decoded for it
    views: Sequence[Pixels]  # to be encoded; none if it was seen before
    vectors: Matrix | None = None  # (views, dimensions) unit rows of those that could be encoded
    errors: list[InferenceError] = field(default_factory=list)  # of the others


class Use(NamedTuple):
    """A post shows a picture."""

    owner: int  # the post's place in the batch
    label: str  # of the attachment
    picture: Picture


class Album:
    """Shows the pictures of one batch."""

    def __init__(
        self,
        attachments: Sequence[tuple[Media, bytes | ModeratorError]],
        limits: DecodeLimits,
        encoder: ImageEncoder | None,
        seen: MediaCache | None,
    ) -> None:
        """`attachments`: all of the batch, so that the cache is asked once."""
        self._limits = limits
        self._encoder = encoder
        contents = [
            content
            for media, content in attachments
            if encoder and media.modality == "image" and isinstance(content, bytes)
        ]
        self._digests = {
            content: hashlib.sha256(content).hexdigest() for content in dict.fromkeys(contents)
        }
        asked = [self._digests[content] for content in contents]
        self._seen: Mapping[str, Seen] = seen.get(asked) if seen else {}
        self._pictures: dict[str, Picture] = {}

    @property
    def pictures(self) -> list[Picture]:
        """Those shown, each once."""
        return list(self._pictures.values())

    def picture(self, media: Media, content: bytes | ModeratorError) -> Picture:
        """What is to be seen of an attachment. Raises ModeratorError when that is nothing."""
        if media.modality != "image" or self._encoder is None:
            raise MediaError("unsupported_media", f"the models in use cannot read {media.type!r}")
        if isinstance(content, ModeratorError):
            raise content
        digest = self._digests[content]
        if digest not in self._pictures:
            self._pictures[digest] = self._look(digest, content, self._encoder)
        return self._pictures[digest]

    def _look(self, digest: str, content: bytes, encoder: ImageEncoder) -> Picture:
        if known := self._seen.get(digest):
            return Picture(digest, known.pixels, (), known.vectors)
        prepared: list[Pixels] = []
        pixels = 0
        for view in views(content, self._limits, encoder.side):
            pixels += view.width * view.height
            prepared += [encoder.prepare(tile) for tile in tiles(view)]
        return Picture(digest, pixels, prepared)


def remember(pictures: Sequence[Picture], seen: MediaCache) -> None:
    """Keep what was encoded now, and only if all of it was."""
    seen.put(
        {
            picture.digest: Seen(picture.vectors, picture.pixels)
            for picture in pictures
            if picture.views and picture.vectors is not None and not picture.errors
        }
    )


def media_scope(space: Space, limits: DecodeLimits) -> str:
    """Name all that decides, beside its bytes, what a space's encoder makes of an attachment."""
    said = (space.digest, limits, _VIEWS, PIL.__version__)
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()
