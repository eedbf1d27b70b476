"""The pictures of a batch: each is decoded once, however many posts carry it, or not at all."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Final, NamedTuple

import PIL

from moderator.cache.media import MediaCache, Seen
from moderator.encoders.base import READING_VERSION, Matrix, Space
from moderator.errors import InferenceError, MediaError, ModeratorError
from moderator.media.decode import DecodeLimits
from moderator.media.prepare import Look, MediaDecoder
from moderator.ocr.base import TextReader, Written
from moderator.posts import PICTURES, Media

#: Raise it when a decoder shows something else of the same bytes.
_VIEWS: Final = 5


@dataclass
class Picture:
    """What is seen of one attachment's bytes."""

    digest: str  # sha256 of the bytes
    pixels: int  # decoded for it
    looks: Sequence[Look]  # to be encoded; none if it was seen before
    truncated: bool = False  # its file ends early
    vectors: Matrix | None = None  # (views, dimensions) unit rows of those that could be encoded
    seconds: Sequence[float | None] = ()  # (views,) of those, where in an animation or a video
    errors: list[InferenceError] = field(default_factory=list)  # of the others
    written: Written | None = None  # in it; None where nobody reads


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
        decoder: MediaDecoder | None,
        seen: MediaCache | None,
    ) -> None:
        """`attachments`: all of the batch, so that the cache is asked once."""
        self._decoder = decoder
        contents = [
            content
            for media, content in attachments
            if decoder and media.modality in PICTURES and isinstance(content, bytes)
        ]
        self._digests = {
            content: hashlib.sha256(content).hexdigest() for content in dict.fromkeys(contents)
        }
        asked = [self._digests[content] for content in contents]
        self._seen: Mapping[str, Seen] = seen.get(asked) if seen else {}
        self._pictures: dict[str, Picture] = {}
        self._failed: dict[str, MediaError] = {}

    @property
    def pictures(self) -> list[Picture]:
        """Those shown, each once."""
        return list(self._pictures.values())

    def picture(self, media: Media, content: bytes | ModeratorError) -> Picture:
        """What is to be seen of an attachment: of its bytes, whatever it is said to be.

        Raises ModeratorError when that is nothing.
        """
        if media.modality not in PICTURES or self._decoder is None:
            raise MediaError("unsupported_media", f"the models in use cannot read {media.type!r}")
        if isinstance(content, ModeratorError):
            raise content
        digest = self._digests[content]
        if digest in self._failed:
            raise self._failed[digest].with_traceback(None)
        if digest not in self._pictures:
            try:
                self._pictures[digest] = self._look(digest, content, self._decoder)
            except MediaError as error:
                self._failed[digest] = error
                raise
        return self._pictures[digest]

    def _look(self, digest: str, content: bytes, decoder: MediaDecoder) -> Picture:
        if known := self._seen.get(digest):
            return Picture(
                digest,
                known.pixels,
                (),
                vectors=known.vectors,
                seconds=known.seconds,
                written=None if known.writings is None else Written(known.writings),
            )
        prepared = decoder.prepare(content)
        if not prepared.looks:  # else the post would count as one without pictures
            raise MediaError("nothing_seen", "the decoder found nothing to see in it")
        return Picture(
            digest,
            prepared.decoded_pixels,
            prepared.looks,
            prepared.truncated,
            written=prepared.written,
        )


def remember(pictures: Sequence[Picture], seen: MediaCache) -> None:
    """Keep what was encoded now, and only if all of it was."""
    seen.put(
        {
            picture.digest: Seen(
                picture.vectors,
                tuple(picture.seconds),
                picture.pixels,
                None if picture.written is None else picture.written.writings,
            )
            for picture in pictures
            if picture.looks
            and picture.vectors is not None
            and not picture.errors
            and not picture.truncated
            and (picture.written is None or picture.written.unread is None)
        }
    )


def media_scope(space: Space, limits: DecodeLimits, reader: TextReader | None = None) -> str:
    """Name all that decides, beside its bytes, what a space's encoder makes of an attachment."""
    said: tuple[object, ...] = (
        READING_VERSION,
        space.digest,
        limits,
        _VIEWS,
        PIL.__version__,
        _video_version(),
    )
    if reader is not None:
        said += (reader.scope,)
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()


def _video_version() -> str | None:
    try:
        return version("av")
    except PackageNotFoundError:
        return None
