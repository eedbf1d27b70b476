"""Where new policies come from: files that change, or the topic of publications."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from moderator.errors import PolicyError, TransientError
from moderator.policy.bundle import unpack
from moderator.policy.files import policy_files
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet
from moderator.settings import Settings
from moderator.stream.clients import until_it_works
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

_Fingerprint = tuple[tuple[str, int, int, int], ...]


class PolicyWatch:
    """Offers to the live policies what files or the topic say, until it is cancelled."""

    def __init__(self, settings: Settings, live: LivePolicies, read: Sequence[Path] = ()) -> None:
        """`read` is every file that the policies in force depend on."""
        self._settings = settings
        self._files = FileWatch(settings.policies, read)
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


class FileWatch:
    """Whether the files of a policy set have changed, by their times and sizes."""

    def __init__(self, paths: Sequence[Path], read: Sequence[Path] = ()) -> None:
        self._paths = paths
        self._besides = set(read)  # what policies include, and calibrations
        self._seen = self._now()
        self._pending: _Fingerprint | None = None

    def load(self) -> PolicySet:
        """Load the files as they are, and remember which they were. Raises PolicyError."""
        try:
            policies = load_policies(self._paths)
        except PolicyError as error:
            self._besides |= {problem.path for problem in error.problems}
            self._seen = self._now()
            raise
        self._besides = set(policies.read)
        self._seen = self._now()
        return policies

    def have_changed(self) -> bool:
        """True once what has changed stays as it is from one look to the next.

        A file that is being written may be valid half-way, with half of its rules.
        """
        now = self._now()
        if now == self._seen:
            self._pending = None
            return False
        if now != self._pending:
            self._pending = now
            return False
        self._seen, self._pending = now, None
        return True

    def _now(self) -> _Fingerprint:
        try:
            files = {*policy_files(self._paths), *self._besides}
        except OSError:
            files = set(self._besides)
        return tuple(_stat(path) for path in sorted(files))


def _stat(path: Path) -> tuple[str, int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return str(path), 0, 0, 0
    return str(path), found.st_mtime_ns, found.st_size, found.st_ino
