"""From posts to what encoders take: texts cut to the limit, attachments decoded, failures named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from moderator.disguises import undisguised
from moderator.encoders.base import Pixels
from moderator.errors import MediaError, ModeratorError
from moderator.media.prepare import MediaDecoder, Prepared
from moderator.plain_text import plain
from moderator.posts import Media, Post
from moderator.verdicts import ModalityReport

_SEEN: Final = ("image", "video")  # what an image encoder can judge


class LoadedPost(NamedTuple):
    """A post and the bytes of its attachments, or why there are none, in the post's order."""

    post: Post
    attachments: tuple[bytes | ModeratorError, ...] = ()
    received: float = 0.0  # time.perf_counter() when it came in

    @property
    def size(self) -> int:
        """Bytes of its attachments."""
        return sum(len(content) for content in self.attachments if isinstance(content, bytes))


@dataclass(frozen=True)
class ReadingLimits:
    """How much of one post is read. What lies beyond is reported and sends the post to review."""

    max_text_characters: int
    max_pixels: int  # decoded for one post
    smooth_frames: bool = False  # of animations and videos what lasts counts, not the worst frame


@dataclass
class Inputs:
    """A batch taken apart by channel."""

    texts: list[str] = field(default_factory=list)
    text_owners: list[int] = field(default_factory=list)
    images: list[Pixels] = field(default_factory=list)
    image_owners: list[int] = field(default_factory=list)
    image_labels: list[str] = field(default_factory=list)
    image_seconds: list[float | None] = field(default_factory=list)  # into an animation or video
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
    posts: Sequence[LoadedPost], limits: ReadingLimits, decoder: MediaDecoder | None
) -> Inputs:
    """Take a batch apart. Bad media is reported, never raised, and harms no other post."""
    inputs = Inputs()
    for owner, loaded in enumerate(posts):
        inputs.reports.append([])
        _read_text(inputs, owner, loaded.post.text, limits)
        _read_media(inputs, owner, loaded, limits, decoder)
    return inputs


def _read_text(inputs: Inputs, owner: int, text: str | None, limits: ReadingLimits) -> None:
    written = (text or "")[: limits.max_text_characters]
    # The second reading of a disguised text has the same owner: its higher score counts.
    for seen in (plain(written), undisguised(written)):
        if seen and not seen.isspace():
            inputs.texts.append(seen)
            inputs.text_owners.append(owner)
    if text and len(text) > limits.max_text_characters:
        reason = f"read {limits.max_text_characters:,} of {len(text):,} characters"
        inputs.cut(owner, "text", "text_too_long", reason)


def _read_media(
    inputs: Inputs,
    owner: int,
    loaded: LoadedPost,
    limits: ReadingLimits,
    decoder: MediaDecoder | None,
) -> None:
    media, contents = loaded.post.media, loaded.attachments
    pixels = 0
    for place, (item, content) in enumerate(zip(media, contents, strict=False)):
        if pixels > limits.max_pixels:
            inputs.cut(owner, "image", "too_many_pixels", f"read {place} of {len(media)} images")
            return
        label = item.id or str(place)
        try:
            seen = _prepare(item, content, decoder)
        except ModeratorError as error:
            inputs.fail(owner, item.modality, error, label)
            continue
        pixels += seen.decoded_pixels
        inputs.images += [look.pixels for look in seen.looks]
        inputs.image_owners += [owner] * len(seen.looks)
        inputs.image_labels += [label] * len(seen.looks)
        inputs.image_seconds += [look.seconds for look in seen.looks]
        if seen.truncated:
            reason = "its file ends early; what is there was read"
            inputs.cut(owner, "image", "image_truncated", reason, label)
    if len(media) > len(contents):
        reason = f"read {len(contents)} of {len(media)} attachments"
        inputs.cut(owner, "image", "too_many_media", reason)


def _prepare(
    item: Media, content: bytes | ModeratorError, decoder: MediaDecoder | None
) -> Prepared:
    """Everything to be seen of one attachment: of its bytes, whatever it is said to be."""
    if item.modality not in _SEEN or decoder is None:
        raise MediaError("unsupported_media", f"the models in use cannot read {item.type!r}")
    if isinstance(content, ModeratorError):
        raise content
    return decoder.prepare(content)
