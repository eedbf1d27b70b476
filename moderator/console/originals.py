"""Posts as they were sent, read again from Kafka; else as much of them as the console keeps.

What Kafka does not have any longer is not left out: an attachment without its bytes is one that is
unreadable, so that no post is taken for its text alone.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from moderator.console.records import KeptPost
from moderator.errors import PostError, TransientError
from moderator.posts import Author, Media, Post, decode_post
from moderator.settings import Settings
from moderator.stream.clients import make_consumer, started

_KAFKA_SECONDS: Final = 10.0
_NEAR: Final = 200  # records that are quicker read than jumped over


async def original(settings: Settings, kept: KeptPost) -> Post:
    """The post that was sent. Raises TransientError."""
    (found,) = await originals(settings, [kept])
    return found


async def originals(
    settings: Settings, kept: Sequence[KeptPost], *, all_of_it: bool = True
) -> list[Post]:
    """The posts that were sent, in the same order. Raises TransientError.

    `all_of_it`: also what no model reads, such as `meta`; else posts that the console keeps as far
    as models read them are not read again.
    """
    asked = [post for post in kept if all_of_it or _lacks_something(post)]
    found = await _from_kafka(settings, asked) if asked else {}
    return [found.get(post.digest) or as_kept(post) for post in kept]


def as_kept(kept: KeptPost) -> Post:
    """What the console keeps of a post; an attachment that it does not have is unreadable."""
    media = [
        Media(id=item.id, type=item.type, url=item.url)
        if item.url is not None
        else Media(id=item.id, type=item.type, data=b"")
        for item in kept.media
    ]
    if kept.more_media:
        media.append(Media(data=b""))  # one is enough to say that not all of it was read
    return Post(
        id=kept.id,
        text=kept.text,
        media=tuple(media),
        author=Author(id=kept.author, tier=kept.tier) if kept.author or kept.tier else None,
        surface=kept.surface,
        lang=kept.lang,
    )


def _lacks_something(kept: KeptPost) -> bool:
    cut = kept.characters > len(kept.text or "")
    return cut or kept.more_media > 0 or any(item.url is None for item in kept.media)


async def _from_kafka(settings: Settings, kept: Sequence[KeptPost]) -> dict[str, Post]:
    """By digest, those that Kafka still has. Raises TransientError."""
    found: dict[str, Post] = {}
    consumer = make_consumer(settings, group=None)
    try:
        async with asyncio.timeout(_KAFKA_SECONDS), started(consumer):
            for partition in sorted({post.partition for post in kept}):
                place = TopicPartition(settings.posts_topic, partition)
                mine = sorted((p for p in kept if p.partition == partition), key=lambda p: p.offset)
                await _read(consumer, place, mine, settings, found)
    except (KafkaError, TimeoutError) as error:
        raise TransientError(f"Kafka is away ({type(error).__name__}); try again") from error
    return found


async def _read(
    consumer: Any,
    place: TopicPartition,
    kept: Sequence[KeptPost],
    settings: Settings,
    found: dict[str, Post],
) -> None:
    """One partition's posts, in the order of their offsets."""
    consumer.assign([place])
    (first,) = (await consumer.beginning_offsets([place])).values()
    (end,) = (await consumer.end_offsets([place])).values()
    position = -1
    for post in (post for post in kept if first <= post.offset < end):
        if not 0 <= post.offset - position <= _NEAR:
            consumer.seek(place, post.offset)
        record = await consumer.getone(place)
        while record.offset < post.offset:
            record = await consumer.getone(place)
        position = record.offset + 1
        read = _decoded(record.value, settings)
        if read is not None and read.digest.hex() == post.digest:
            found[post.digest] = read


def _decoded(value: bytes | None, settings: Settings) -> Post | None:
    limits = {"max_bytes": settings.max_post_bytes, "max_meta_bytes": settings.max_meta_bytes}
    try:
        return decode_post(value, **limits)
    except PostError:  # the topic was made anew, and something else stands there now
        return None
