"""From posts to what encoders take: texts cut to the limit, attachments decoded, failures named."""

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from moderator.cache.media import MediaCache
from moderator.disguises import undisguised
from moderator.errors import MediaError, ModeratorError
from moderator.media.formats import is_video
from moderator.media.prepare import MediaDecoder
from moderator.ocr.base import CHANNEL as OCR
from moderator.pictures import Album, Picture, Use
from moderator.plain_text import plain
from moderator.posts import Media, Post
from moderator.sentences import sentences
from moderator.verdicts import ModalityReport

log = logging.getLogger(__name__)


class LoadedPost(NamedTuple):
    """A post and the bytes of its attachments, or why there are none, in the post's order."""

    post: Post
    attachments: tuple[bytes | ModeratorError, ...] = ()
    received: float = 0.0  # time.perf_counter() when it came in

    @property
    def media(self) -> Iterator[tuple[Media, bytes | ModeratorError]]:
        """The attachments that were loaded, with what they are said to be."""
        return zip(self.post.media, self.attachments, strict=False)

    @property
    def size(self) -> int:
        """Bytes of its attachments."""
        return sum(len(content) for content in self.attachments if isinstance(content, bytes))


@dataclass(frozen=True)
class ReadingLimits:
    """How much of one post is read. What lies beyond is reported and sends the post to review."""

    max_text_characters: int
    max_pixels: int  # decoded for one post
    max_decode_seconds: float = 30.0  # of one post; the attachment under way is waited for
    smooth_frames: bool = False  # of animations and videos what lasts counts, not the worst frame
    text_sentences: bool = False  # each sentence also by itself, so that none hides another


class Quote(NamedTuple):
    """What is written in an attachment of a post, or another reading of it."""

    owner: int  # the post's place in the batch
    label: str  # of the attachment
    text: str
    seconds: float | None = None  # of an animation or a video: where in it
    as_written: bool = True  # else as people read it, or one sentence of it


@dataclass
class Inputs:
    """A batch taken apart by channel."""

    texts: list[str] = field(default_factory=list)
    text_owners: list[int] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)  # each once
    quotes: list[Quote] = field(default_factory=list)  # in the posts' order
    uses: list[Use] = field(default_factory=list)  # of pictures by posts, in the posts' order
    reports: list[list[ModalityReport]] = field(default_factory=list)  # for each post

    def fail(self, post: int, channel: str, error: ModeratorError, media: str | None) -> None:
        """Say in the verdict that one part of the post could not be read."""
        self.reports[post].append(
            ModalityReport(
                channel=channel, status="failed", media=media, code=error.code, reason=str(error)
            )
        )

    def cut(
        self, post: int, channel: str, code: str, reason: str, media: str | None = None
    ) -> None:
        """Say in the verdict that only the beginning of something was read."""
        self.reports[post].append(
            ModalityReport(
                channel=channel, status="truncated", media=media, code=code, reason=reason
            )
        )


def read(
    posts: Sequence[LoadedPost],
    limits: ReadingLimits,
    decoder: MediaDecoder | None,
    seen: MediaCache | None = None,
) -> Inputs:
    """Take a batch apart. Bad media is reported, never raised, and harms no other post."""
    inputs = Inputs()
    attachments = [pair for post in posts for pair in post.media]
    album = Album(attachments, decoder, seen)
    for owner, loaded in enumerate(posts):
        inputs.reports.append([])
        read_text(inputs, owner, loaded.post.text, limits)
        _read_media(inputs, owner, loaded, limits, album)
    inputs.pictures = album.pictures
    return inputs


def read_text(inputs: Inputs, owner: int, text: str | None, limits: ReadingLimits) -> None:
    """Take up a post's text: as it is shown, as people read it, and its sentences if limits say."""
    most = limits.max_text_characters
    written = (text or "")[:most]
    shown = plain(written)  # which may be longer: one character of some is many letters
    for seen in _readings(written, shown[:most], limits):
        inputs.texts.append(seen)
        inputs.text_owners.append(owner)
    characters = max(len(text or ""), len(shown))
    if characters > most:
        inputs.cut(owner, "text", "text_too_long", f"read {most:,} of {characters:,} characters")


def _readings(written: str, shown: str, limits: ReadingLimits) -> Iterator[str]:
    """A text as it is shown, and then what else may be read in it: the highest score counts.

    That is what a disguise hides, and, if the limits say so, each sentence by itself.
    """
    alone = sentences(shown) if limits.text_sentences else []
    for seen in (shown, undisguised(written), *alone):
        if seen and not seen.isspace():
            yield seen


def _read_written(inputs: Inputs, use: Use, limits: ReadingLimits) -> None:
    written = use.picture.written
    if written is None:
        return
    for text, seconds in written.writings:
        shown = plain(text)[: limits.max_text_characters]
        for number, seen in enumerate(_readings(text, shown, limits)):
            inputs.quotes.append(Quote(use.owner, use.label, seen, seconds, number == 0))
    if (unread := written.unread) is None:
        return
    if unread.failed:
        log.warning("what is written in an attachment was not read: %s", unread.reason)
        error = MediaError(unread.code, unread.reason)
        inputs.fail(use.owner, OCR, error, use.label)
    else:
        inputs.cut(use.owner, OCR, unread.code, unread.reason, use.label)


def _truncation(content: bytes | ModeratorError) -> tuple[str, str]:
    """Code and reason of an attachment that was read in part."""
    if isinstance(content, bytes) and is_video(content):
        return "video_truncated", "only a part of the video could be decoded; that was read"
    return "image_truncated", "its file ends early; what is there was read"


def _read_media(
    inputs: Inputs, owner: int, loaded: LoadedPost, limits: ReadingLimits, album: Album
) -> None:
    media, contents = loaded.post.media, loaded.attachments
    pixels, began = 0, time.monotonic()
    for place, (item, content) in enumerate(loaded.media):
        if pixels > limits.max_pixels:
            inputs.cut(owner, "image", "too_many_pixels", f"read {place} of {len(media)} images")
            return
        if place and time.monotonic() - began > limits.max_decode_seconds:
            reason = f"read {place} of {len(media)} images in {limits.max_decode_seconds:g} s"
            inputs.cut(owner, "image", "decoding_too_slow", reason)
            return
        label = item.id or str(place)
        try:
            picture = album.picture(item, content)
        except ModeratorError as error:
            inputs.fail(owner, item.channel, error, label)
            continue
        pixels += picture.pixels
        use = Use(owner, label, picture)
        inputs.uses.append(use)
        _read_written(inputs, use, limits)
        if picture.truncated:
            inputs.cut(owner, "image", *_truncation(content), label)
    if len(media) > len(contents):
        reason = f"read {len(contents)} of {len(media)} attachments"
        inputs.cut(owner, "image", "too_many_media", reason)
