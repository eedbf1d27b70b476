"""The console's recent posts with their embeddings, brought up to date when a page asks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from moderator.authoring.workbench import Workbench
from moderator.console.bench import Bench
from moderator.console.originals import originals
from moderator.console.records import KeptPost
from moderator.console.state import State
from moderator.console.workshop.recent import RecentPosts
from moderator.policy.compile import CompiledRules
from moderator.settings import Settings

T = TypeVar("T")

MOST_POSTS: Final = 2_000
_AT_ONCE: Final = 32  # posts between which others get their turn at the models


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
        posts = await originals(self._settings, kept, all_of_it=False)
        loaded = await asyncio.to_thread(bench.loader.load, posts, time.perf_counter())
        await self._bench.run(lambda *_: recent.embed(kept, loaded))
