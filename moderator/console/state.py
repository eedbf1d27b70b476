"""Recent posts and verdicts and their counts, in Redis: bounded, shared, and there after a restart.

posts          hash   post key → KeptPost
posts:at       zset   post key by time: the oldest beyond `console_verdicts` are forgotten
entries        stream Entry, as many
actions:MINUTE hash   action → verdicts                  for three hours
rules:BUCKET   hash   rule|mode|action → verdicts        of five minutes, for 25 hours
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from moderator.console.records import Entry, KeptPost
from moderator.console.redis import PREFIX, asking

MINUTE: Final = 60
BUCKET: Final = 300  # seconds of a bucket of rules' counts
_ACTIONS_SECONDS: Final = 3 * 3600
_RULES_SECONDS: Final = 25 * 3600
_POSTS, _POSTS_AT, _ENTRIES = PREFIX + "posts", PREFIX + "posts:at", PREFIX + "entries"

_encode = msgspec.json.encode
_entry = msgspec.json.Decoder(Entry)
_post = msgspec.json.Decoder(KeptPost)


class State:
    """What all pages look at. Every method raises TransientError while Redis is away."""

    def __init__(self, redis: Any, most: int, clock: Callable[[], float] = time.time) -> None:
        """`most`: posts, and verdicts, that are kept."""
        self.redis = redis
        self._most = most
        self._clock = clock

    async def add_posts(self, posts: Sequence[KeptPost]) -> None:
        """Keep posts, and forget the oldest."""
        if not posts:
            return
        async with asking():
            await self._forget()  # before: a Redis that is full takes nothing, but gives
            pipe = self.redis.pipeline(transaction=False)
            pipe.hset(_POSTS, mapping={post.key: _encode(post) for post in posts})
            pipe.zadd(_POSTS_AT, {post.key: post.at for post in posts})
            await pipe.execute()
            await self._forget()

    async def add_entries(self, entries: Sequence[Entry]) -> None:
        """Keep verdicts for the live page, and count them."""
        if not entries:
            return
        actions, rules = _counted(entries)
        async with asking():
            pipe = self.redis.pipeline(transaction=False)
            for entry in entries:
                pipe.xadd(_ENTRIES, {b"e": _encode(entry)}, maxlen=self._most, approximate=True)
            _count(pipe, "actions", actions, _ACTIONS_SECONDS)
            _count(pipe, "rules", rules, _RULES_SECONDS)
            await pipe.execute()

    async def _forget(self) -> None:
        old = await self.redis.zrange(_POSTS_AT, 0, -self._most - 1)
        if old:
            pipe = self.redis.pipeline(transaction=False)
            pipe.hdel(_POSTS, *old)
            pipe.zrem(_POSTS_AT, *old)
            await pipe.execute()

    async def posts(self, keys: Sequence[str]) -> dict[str, KeptPost]:
        """Those that are still kept."""
        if not keys:
            return {}
        async with asking():
            found = await self.redis.hmget(_POSTS, keys)
        return {key: _post.decode(value) for key, value in zip(keys, found, strict=True) if value}

    async def recent_posts(self, count: int) -> list[KeptPost]:
        """The newest first."""
        async with asking():
            keys = await self.redis.zrevrange(_POSTS_AT, 0, count - 1)
        found = await self.posts([key.decode() for key in keys])
        return list(found.values())

    async def recent_entries(self, count: int) -> tuple[str, list[Entry]]:
        """The newest first, and the place after them in the stream."""
        async with asking():
            found = await self.redis.xrevrange(_ENTRIES, count=count)
        place = found[0][0].decode() if found else "0"
        return place, [_entry.decode(fields[b"e"]) for _, fields in found]

    async def entries_after(self, place: str, count: int) -> tuple[str, list[Entry]]:
        """What came after a place, the oldest first, and the place after it."""
        async with asking():
            found = await self.redis.xrange(_ENTRIES, min=f"({place}", count=count)
        place = found[-1][0].decode() if found else place
        return place, [_entry.decode(fields[b"e"]) for _, fields in found]

    async def action_counts(self, minutes: int) -> list[dict[str, int]]:
        """Verdicts by action of the last minutes, the oldest first; the last one is under way."""
        now = int(self._clock()) // MINUTE
        found = await self._hashes("actions", range(now - minutes + 1, now + 1))
        return [{name.decode(): int(n) for name, n in each.items()} for each in found]

    async def rule_counts(self, seconds: int) -> Counter[tuple[str, str, str]]:
        """Hits by rule, mode and action; to five minutes, for a day at most."""
        now = int(self._clock()) // BUCKET
        total: Counter[tuple[str, str, str]] = Counter()
        for each in await self._hashes("rules", range(now - seconds // BUCKET + 1, now + 1)):
            for name, count in each.items():
                rule, mode, action = name.decode().split("|")
                total[rule, mode, action] += int(count)
        return total

    async def _hashes(self, kind: str, numbers: Iterable[int]) -> list[Mapping[bytes, bytes]]:
        async with asking():
            pipe = self.redis.pipeline(transaction=False)
            for number in numbers:
                pipe.hgetall(f"{PREFIX}{kind}:{number}")
            found: list[Mapping[bytes, bytes]] = await pipe.execute()
        return found


_Counts = Counter[tuple[int, str]]


def _counted(entries: Sequence[Entry]) -> tuple[_Counts, _Counts]:
    actions: _Counts = Counter()
    rules: _Counts = Counter()
    for entry in entries:
        seconds = entry.at // 1000
        actions[seconds // MINUTE, entry.action] += 1
        for hit in entry.hits:
            rules[seconds // BUCKET, f"{hit.rule}|{hit.mode}|{hit.action}"] += 1
    return actions, rules


def _count(pipe: Any, kind: str, counts: _Counts, seconds: int) -> None:
    for (number, name), count in counts.items():
        pipe.hincrby(f"{PREFIX}{kind}:{number}", name, count)
    for number in {number for number, _ in counts}:
        pipe.expire(f"{PREFIX}{kind}:{number}", seconds)
