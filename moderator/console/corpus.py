"""The console's recent posts with their embeddings, brought up to date when a page asks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from moderator.authoring.workbench import Workbench
from moderator.console.bench import Bench
from moderator.console.records import KeptPost
from moderator.console.state import State
from moderator.console.workshop.recent import RecentPosts
from moderator.errors import PostError, TransientError
from moderator.policy.compile import CompiledRules
from moderator.posts import Author, Media, Post, decode_post
from moderator.settings import Settings
from moderator.stream.clients import make_consumer, started

T = TypeVar("T")

MOST_POSTS: Final = 2_000
_AT_ONCE: Final = 32  # posts between which others get their turn at the models
_KAFKA_SECONDS: Final = 10.0
_NEAR: Final = 200  # records that are quicker read than jumped over


class Corpus:
    """The newest posts, embedded as far as there was time."""

    def __init__(self, settings: Settings, state: State, bench: Bench) -> None:
        self._settings = settings
        self._state = state
        self._bench = bench
        self._recent: RecentPosts | None = None
        self._refreshing = asyncio.Lock()

    async def refresh(self, seconds: float) -> int:
        """Embed what is new for about so long, the newest first; how many posts remain.

        Raises TransientError where Redis or Kafka is away, StartupError without models.
        """
        async with self._refreshing:
            deadline = time.monotonic() + seconds
            recent = await self._bench.run(self._made)
            kept = (await self._state.recent_posts(MOST_POSTS))[::-1]
            missing = recent.missing(kept)
            while missing:
                await self._embed(recent, missing[-_AT_ONCE:])
                del missing[-_AT_ONCE:]
                if time.monotonic() > deadline:
                    break
            return len(missing)

    async def run(self, work: Callable[[RecentPosts, Workbench, CompiledRules], T]) -> T:
        """Have the models' thread do something with the posts. Raises what it does."""
        return await self._bench.run(
            lambda bench, rules: work(self._made(bench, rules), bench, rules)
        )

    def made(self, bench: Workbench) -> RecentPosts:
        """The posts; for work that runs on the models' thread."""
        if self._recent is None:
            self._recent = RecentPosts(bench.embedder, MOST_POSTS)
        return self._recent

    def _made(self, bench: Workbench, _: CompiledRules) -> RecentPosts:
        return self.made(bench)

    async def _embed(self, recent: RecentPosts, kept: Sequence[KeptPost]) -> None:
        """Fetch attachments beside the models' thread, which must not wait for strangers' hosts."""
        bench = await self._bench.run(lambda bench, _: bench)
        carried = [post for post in kept if any(item.url is None for item in post.media)]
        whole = await whole_posts(self._settings, carried) if carried else {}
        posts = [whole.get(post.key) or _as_post(post) for post in kept]
        loaded = await asyncio.to_thread(bench.loader.load, posts, time.perf_counter())
        await self._bench.run(lambda *_: recent.embed(kept, loaded))


def _as_post(kept: KeptPost) -> Post:
    """What the console keeps of a post; an attachment that Kafka lost is one that is unreadable."""
    author = Author(id=kept.author, tier=kept.tier) if kept.author or kept.tier else None
    return Post(
        id=kept.id,
        text=kept.text,
        media=tuple(
            Media(id=item.id, type=item.type, url=item.url)
            if item.url is not None
            else Media(id=item.id, type=item.type, data=b"")
            for item in kept.media
        ),
        author=author,
        surface=kept.surface,
        lang=kept.lang,
    )


async def whole_posts(settings: Settings, kept: Sequence[KeptPost]) -> dict[str, Post]:
    """By key, the posts as they are in Kafka; without those it does not keep any longer.

    Raises TransientError.
    """
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
        if read is not None and read.id == post.id:
            found[post.key] = read


def _decoded(value: bytes | None, settings: Settings) -> Post | None:
    limits = {"max_bytes": settings.max_post_bytes, "max_meta_bytes": settings.max_meta_bytes}
    try:
        return decode_post(value, **limits)
    except PostError:  # the topic was made anew, and something else stands there now
        return None
