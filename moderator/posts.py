"""A post as producers send it: the wire contract of the `posts` topic."""

import hashlib
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from moderator.errors import PostError

Id = Annotated[str, Meta(min_length=1, max_length=512)]

#: What the channel `image` reads. Which of them an attachment is its bytes say, not its type.
PICTURES: Final = frozenset({"image", "video"})
#: The channel that reports name for an attachment that nothing reads, whatever its type says.
OTHER: Final = "other"


class Media(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attachment: exactly one of `url` and `data` (base64 in JSON) holds it."""

    id: Id | None = None
    type: Annotated[
        str, Meta(max_length=100, description="`image`, or a MIME type such as `image/png`")
    ] = "image"
    url: str | None = None
    data: bytes | None = None

    def __post_init__(self) -> None:
        if (self.url is None) == (self.data is None):
            raise ValueError("an attachment has exactly one of `url` and `data`")

    @property
    def modality(self) -> str:
        """The part of the type before the slash, such as `image` or `video`."""
        return self.type.partition("/")[0].lower()

    @property
    def channel(self) -> str:
        """What reads it: one of a few names, never what a stranger wrote."""
        return "image" if self.modality in PICTURES else OTHER


class Author(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who published a post."""

    id: Id | None = None
    tier: Annotated[
        Annotated[str, Meta(max_length=64)] | None,
        Meta(description="such as new or trusted; rules may ask for it"),
    ] = None


class Post(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Something a person published. Fields it does not know are ignored, not errors."""

    id: Id
    text: str | None = None
    media: tuple[Media, ...] = ()
    author: Annotated[
        str | Author | None, Meta(description="an id, or an object with `id` and `tier`")
    ] = None
    surface: Annotated[
        str | None, Meta(description="where it appeared; decides which rules apply")
    ] = None
    lang: str | None = None
    created_at: datetime | None = None
    meta: Annotated[
        dict[str, Any] | None, Meta(description="passed through to the verdict as it is")
    ] = None

    @property
    def tier(self) -> str | None:
        """The tier of its author, where the producer says it."""
        return self.author.tier if isinstance(self.author, Author) else None

    @property
    def modalities(self) -> set[str]:
        """The channels that judge it: `text`, and `image` where something is read as a picture."""
        held = {"text"} if self.text else set()
        if any(item.modality in PICTURES for item in self.media):
            held.add("image")
        return held

    @property
    def digest(self) -> bytes:
        """32 bytes over the post's content, the same however its JSON was spaced or ordered."""
        try:
            content = _canonical.encode(self)
        except OverflowError:  # `meta` has a number of more than 64 bits, which JSON may have
            content = _canonical_json.encode(self)
        # Processors have instructions for this one; over a photograph it costs half of blake2b.
        return hashlib.sha256(content).digest()


_MAX_META_DEPTH = 64  # far below the interpreter's limit, which depends on who calls

# MessagePack holds attachments as they are: for these JSON would cost three times the hashing.
_canonical = msgspec.msgpack.Encoder(order="deterministic")
_canonical_json = msgspec.json.Encoder(order="deterministic")
_decoder = msgspec.json.Decoder(Post)


def decode_post(value: bytes | None, *, max_bytes: int, max_meta_bytes: int) -> Post:
    """Decode and validate one message value.

    Raises PostError with the code `empty`, `too_large`, `not_utf8`, `not_json`, `not_a_post` or
    `meta_too_large`; its message names the field.
    """
    if not value:
        raise PostError("empty", "the message has no value; a post is a JSON object")
    if len(value) > max_bytes:
        raise PostError(
            "too_large", f"the post has {len(value):,} bytes, the limit is {max_bytes:,}"
        )
    try:
        post = _decoder.decode(value)
    except msgspec.ValidationError as error:
        raise PostError("not_a_post", f"not a post: {error}") from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise PostError("not_json", f"not JSON: {error}") from error
    except UnicodeDecodeError as error:
        raise PostError("not_utf8", f"not UTF-8: {error}") from error
    if _deeper_than(_MAX_META_DEPTH, post.meta):
        raise PostError("meta_too_large", f"`meta` is nested more than {_MAX_META_DEPTH} deep")
    if post.meta and (size := len(msgspec.json.encode(post.meta))) > max_meta_bytes:
        raise PostError(
            "meta_too_large", f"`meta` has {size:,} bytes, the limit is {max_meta_bytes:,}"
        )
    return post


def _deeper_than(limit: int, value: object) -> bool:
    """Whether lists and objects are nested in one another more than `limit` times."""
    level = [value]
    for _ in range(limit + 1):
        inner: list[object] = []
        for item in level:
            if isinstance(item, dict):
                inner += item.values()
            elif isinstance(item, list):
                inner += item
        if not inner:
            return False
        level = inner
    return True
