"""The topic of reviews, read from its beginning to its end."""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from moderator.errors import StartupError, TransientError
from moderator.reviews import Labels, Review, labelled
from moderator.settings import Settings
from moderator.stream.clients import existing_topics, make_consumer, started

_SECONDS: Final = 30.0  # without a message before the end


class Exported(NamedTuple):
    """What became of the reviews."""

    reviews: int
    posts: int
    contested: int  # labels on which reviewers disagree
    unknown: set[str]  # rules that the policies do not have


async def export_labels(settings: Settings, rules: Collection[str], file: Path) -> Exported:
    """Write labels of these rules, a line for each post.

    Raises TransientError for the broker, StartupError for the topic and the file.
    """
    reviews = await read_reviews(settings)
    lines, contested = labelled(reviews)
    unknown = {rule for line in lines for rule in line.labels if rule not in rules}
    known = [
        Labels(line.post, {rule: label for rule, label in line.labels.items() if rule in rules})
        for line in lines
    ]
    kept = [line for line in known if line.labels]
    content = b"".join(msgspec.json.encode(line) + b"\n" for line in kept)
    try:
        await asyncio.to_thread(file.write_bytes, content)
    except OSError as error:
        raise StartupError(f"{file}: cannot be written: {error.strerror}") from error
    return Exported(len(reviews), len(kept), contested, unknown)


async def read_reviews(settings: Settings) -> list[Review]:
    """All that the topic holds now, the oldest first. Raises TransientError and StartupError."""
    topic = settings.reviews_topic
    if topic not in await existing_topics(settings):
        raise StartupError(f"{settings.kafka} has no topic {topic}: nothing has been decided yet")
    found: list[tuple[int, Review]] = []
    consumer = make_consumer(settings, topic, group=None)
    async with started(consumer):
        ends = await consumer.end_offsets(consumer.assignment())
        left = {place for place, end in ends.items() if await consumer.position(place) < end}
        while left:
            try:
                async with asyncio.timeout(_SECONDS):
                    batch = await consumer.getmany(timeout_ms=1000)
            except TimeoutError as error:
                raise TransientError(f"{settings.kafka} does not answer") from error
            for record in (record for records in batch.values() for record in records):
                try:
                    review = msgspec.json.decode(record.value or b"", type=Review)
                except (msgspec.DecodeError, UnicodeDecodeError):
                    continue  # somebody else's message
                found.append((record.timestamp, review))
            left = {place for place in left if await consumer.position(place) < ends[place]}
    return [review for _, review in sorted(found, key=lambda pair: pair[0])]
