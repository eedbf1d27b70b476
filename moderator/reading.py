"""From posts to what encoders take: texts cut to the limit, attachments decoded, failures named."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from moderator.encoders.base import ImageEncoder, Pixels
from moderator.errors import MediaError, ModeratorError
from moderator.media.decode import DecodeLimits, views
from moderator.posts import Media, Post
from moderator.verdicts import ModalityReport


class LoadedPost(NamedTuple):
    """A post and the bytes of its attachments, or why there are none, in the post's order."""

    post: Post
    attachments: tuple[bytes | ModeratorError, ...] = ()
    received: float = 0.0  # time.perf_counter() when it came in


@dataclass(frozen=True)
class ReadingLimits:
    """How much of one post is read. What lies beyond is reported and sends the post to review."""

    max_text_characters: int
    max_media: int
    decode: DecodeLimits


@dataclass
class Inputs:
    """A batch taken apart by channel."""

    texts: list[str] = field(default_factory=list)
    text_owners: list[int] = field(default_factory=list)
    images: list[Pixels] = field(default_factory=list)
    image_owners: list[int] = field(default_factory=list)
    image_labels: list[str] = field(default_factory=list)
    reports: list[list[ModalityReport]] = field(default_factory=list)  # for each post

    def fail(self, post: int, channel: str, error: ModeratorError, media: str | None) -> None:
        """Say in the verdict that one part of the post could not be read."""
        self.reports[post].append(
            ModalityReport(
                channel=channel, status="failed", media=media, code=error.code, reason=str(error)
            )
        )

    def cut(self, post: int, channel: str, code: str, reason: str) -> None:
        """Say in the verdict that only the beginning of something was read."""
        self.reports[post].append(
            ModalityReport(channel=channel, status="truncated", code=code, reason=reason)
        )


def read(
    posts: Sequence[LoadedPost], limits: ReadingLimits, encoder: ImageEncoder | None
) -> Inputs:
    """Take a batch apart. Bad media is reported, never raised, and harms no other post."""
    inputs = Inputs()
    for owner, loaded in enumerate(posts):
        inputs.reports.append([])
        _read_text(inputs, owner, loaded.post.text, limits)
        _read_media(inputs, owner, loaded, limits, encoder)
    return inputs


def _read_text(inputs: Inputs, owner: int, text: str | None, limits: ReadingLimits) -> None:
    if not text or text.isspace():
        return
    inputs.texts.append(text[: limits.max_text_characters])
    inputs.text_owners.append(owner)
    if len(text) > limits.max_text_characters:
        reason = f"read {limits.max_text_characters:,} of {len(text):,} characters"
        inputs.cut(owner, "text", "text_too_long", reason)


def _read_media(
    inputs: Inputs,
    owner: int,
    loaded: LoadedPost,
    limits: ReadingLimits,
    encoder: ImageEncoder | None,
) -> None:
    media = loaded.post.media
    # Strict: an attachment that nobody loaded must not pass as one that was read.
    pairs = zip(media[: limits.max_media], loaded.attachments, strict=True)
    for place, (item, content) in enumerate(pairs):
        label = item.id or str(place)
        try:
            seen = _prepare(item, content, limits.decode, encoder)
        except ModeratorError as error:
            inputs.fail(owner, item.modality, error, label)
            continue
        inputs.images += seen
        inputs.image_owners += [owner] * len(seen)
        inputs.image_labels += [label] * len(seen)
    if len(media) > limits.max_media:
        reason = f"read {limits.max_media} of {len(media)} attachments"
        inputs.cut(owner, "image", "too_many_media", reason)


def _prepare(
    item: Media,
    content: bytes | ModeratorError,
    limits: DecodeLimits,
    encoder: ImageEncoder | None,
) -> list[Pixels]:
    if item.modality != "image" or encoder is None:
        raise MediaError("unsupported_media", f"the models in use cannot read {item.type!r}")
    if isinstance(content, ModeratorError):
        raise content
    return [encoder.prepare(view) for view in views(content, limits, encoder.side)]
