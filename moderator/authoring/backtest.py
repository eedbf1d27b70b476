"""The last days of the posts topic, and the verdicts that were published of them."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.authoring.archive import Kept
from moderator.errors import PostError, StartupError, TransientError
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.stream.clients import existing_topics, make_consumer, started
from moderator.verdicts import Verdict, decode_verdict, read_in_full

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SILENCE_SECONDS = 30.0


def parse_since(text: str) -> timedelta:
    """Read `90m`, `12h`, `7d` or `2w`. Raises StartupError."""
    match = re.fullmatch(r"(\d{1,5})([mhdw])", text)
    if match is None:
        raise StartupError(f"--since {text}: give a number and m, h, d or w, such as 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


async def read_topics(
    settings: Settings, since: timedelta, most: int, progress: Callable[[int], None]
) -> list[Kept]:
    """Posts since then, at most so many of the newest, each with its last verdict if it has one.

    Messages that are no posts are passed over: they have dead letters, not verdicts. Raises
    TransientError.
    """
    start_ms = int((time.time() - since.total_seconds()) * 1000)
    posts: dict[str, Post] = {}

    def take_post(record: Any) -> None:
        try:
            post = decode_post(
                record.value,
                max_bytes=settings.max_post_bytes,
                max_meta_bytes=settings.max_meta_bytes,
            )
        except PostError:
            return
        posts.pop(post.id, None)
        posts[post.id] = post
        if len(posts) > most:
            del posts[next(iter(posts))]
        progress(1)

    verdicts: dict[str, Verdict] = {}

    def take_verdict(record: Any) -> None:
        try:
            verdict = decode_verdict(record.value or b"")
        except msgspec.DecodeError:
            return
        if verdict.post_id in posts:
            verdicts[verdict.post_id] = verdict

    await _read(settings, settings.posts_topic, start_ms, take_post)
    await _read(settings, settings.verdicts_topic, start_ms, take_verdict)
    return [Kept(post, verdicts.get(name)) for name, post in posts.items()]


def read_alike(verdicts: Sequence[Verdict], unread: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(posts,) those that were read in full both times, or neither time.

    Links expire and hosts come back: what becomes of the others says nothing of the policies.
    """
    then = np.array([read_in_full(verdict) for verdict in verdicts], np.bool_)
    return np.asarray(then != unread)


async def _read(settings: Settings, topic: str, start_ms: int, take: Callable[[Any], None]) -> None:
    """Read from a time to what is the end now."""
    if topic not in await existing_topics(settings):  # to subscribe might create it
        raise TransientError(f"{settings.kafka} has no topic {topic}")
    consumer = make_consumer(settings, topic, group=None)
    async with started(consumer):
        partitions = sorted(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        starts = await consumer.offsets_for_times(dict.fromkeys(partitions, start_ms))
        left = {
            place: ends[place]
            for place in partitions
            if starts[place] is not None and starts[place].offset < ends[place]
        }
        for place in partitions:
            if place in left:
                consumer.seek(place, starts[place].offset)
            else:
                consumer.pause(place)
        await _drain(consumer, left, take)


async def _drain(consumer: Any, left: Mapping[Any, int], take: Callable[[Any], None]) -> None:
    open_ends, heard = dict(left), time.monotonic()
    while open_ends:
        fetched = await consumer.getmany(timeout_ms=1000)
        for place, records in fetched.items():
            for record in records:
                if place in open_ends and record.offset < open_ends[place]:
                    take(record)
        for place in list(open_ends):
            # The position, not the last record: transactions and compaction leave gaps.
            if await consumer.position(place) >= open_ends[place]:
                del open_ends[place]
                consumer.pause(place)
        if fetched:
            heard = time.monotonic()
        elif time.monotonic() - heard > _SILENCE_SECONDS:
            raise TransientError(f"the broker sent nothing for {_SILENCE_SECONDS:g} s")
