"""Where new policies come from: files that change, or the topic of publications."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from moderator.errors import TransientError
from moderator.policy.bundle import unpack
from moderator.settings import Settings
from moderator.stream.clients import until_it_works
from moderator.stream.files import FileWatch
from moderator.stream.policies import LivePolicies, Offer
from moderator.stream.publications import (
    Publication,
    collect,
    ensure_topic,
    fetch,
    reading,
    up_to_end,
)

log = logging.getLogger(__name__)


class PolicyWatch:
    """Offers to the live policies what files or the topic say, until it is cancelled."""

    def __init__(self, settings: Settings, live: LivePolicies, files: FileWatch) -> None:
        """`files` loaded the policies in force."""
        self._settings = settings
        self._files = files
        self.live = live
        self._newest: bytes | None = None  # the key of the publication offered last

    async def start(self, given_up: Callable[[], bool]) -> None:
        """Put in force what the topic says, before the first post is judged."""
        if self._settings.policies_topic:
            await until_it_works("waiting for the policies", self._first, given_up)

    async def run(self) -> None:
        """Follow what changes."""
        if self._settings.policies_topic:
            await self._follow_topic()
        elif self._settings.policy_reload_seconds > 0:
            await self._follow_files()

    async def _first(self) -> None:
        await ensure_topic(self._settings)
        found: dict[bytes, Publication] = {}
        async with reading(self._settings) as consumer:
            async for records in up_to_end(consumer, self._settings):
                collect(records, found)
        candidates = [_offered(publication) for publication in reversed(found.values())]
        await asyncio.to_thread(self.live.offer_first_good, candidates)
        self._newest = next(reversed(found), None)

    async def _follow_topic(self) -> None:
        while True:
            try:
                await self._read_topic()
            except TransientError as error:
                log.warning("the policies cannot be followed: %s", error)
                await asyncio.sleep(5.0)

    async def _read_topic(self) -> None:
        """From the beginning, so that nothing is missed whatever happened; the last one counts."""
        found: dict[bytes, Publication] = {}
        async with reading(self._settings) as consumer:
            async for records in up_to_end(consumer, self._settings):
                collect(records, found)
            while True:
                newest = next(reversed(found), None)
                if newest is not None and newest != self._newest:
                    self._newest = newest
                    await asyncio.to_thread(self.live.offer, *_offered(found[newest]))
                collect(await fetch(consumer, self._settings), found)

    async def _follow_files(self) -> None:
        files = self._files
        while True:
            await asyncio.sleep(self._settings.policy_reload_seconds)
            if await asyncio.to_thread(files.have_changed):
                await asyncio.to_thread(self.live.offer, files.load, "files")


def _offered(publication: Publication) -> Offer:
    origin = f"{publication.kind} by {publication.who} at {publication.at}"
    return partial(unpack, publication.bundle), origin
