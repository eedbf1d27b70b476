"""The review queue in Redis: who waits, who looks at whom, and what can be taken back.

queue:oldest    zset  case by the time of its verdict
queue:severe    zset  the same, the most severe first
queue:cases     hash  case → Case
queue:posts     hash  case → KeptPost
queue:keys      hash  key of a post → its case; the latest, where posts have the same id
queue:decided   zset  cases that must not come back when Kafka repeats them
queue:first     hash  case → First, of those that wait for a second look
queue:left_out  count of cases that found no room
claim:CASE      the moderator who has it, for `claim_seconds`
taken:USER      list of Decided, the newest first: what can be undone, for an hour
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

import msgspec

from moderator.console.records import KeptPost, by_key, keep_verdict, post_key, post_of
from moderator.console.redis import PREFIX, asking
from moderator.console.state import State
from moderator.errors import InputError
from moderator.verdicts import REVIEW, SEVERITIES, Verdict

Order = Literal["oldest", "severe"]

_QUEUE: Final = {"oldest": PREFIX + "queue:oldest", "severe": PREFIX + "queue:severe"}
_CASES, _POSTS, _KEYS, _DECIDED, _FIRST, _LEFT_OUT = (
    f"{PREFIX}queue:{name}" for name in ("cases", "posts", "keys", "decided", "first", "left_out")
)
_SEVERITY_MS: Final = 10**13  # more than any time: severity counts first
_LOOKED_AT: Final = 200  # cases of others that are passed by in search of a free one
_UNDO_SECONDS: Final = 3600
_UNDO_MOST: Final = 50


class Case(msgspec.Struct, frozen=True):
    """A post that waits for a person."""

    id: str  # of the verdict
    at: int  # ms since 1970
    verdict: Verdict


class First(msgspec.Struct, frozen=True):
    """What the first moderator said of a case that a second one looks at."""

    reviewer: str
    decision: str
    review: str = ""  # its id


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """A decision with all that is needed to take it back."""

    review: str  # its id
    decision: str
    case: Case
    post: KeptPost | None
    first: First | None  # of the case, before this decision
    final: bool = True  # the case left the queue with it


class HeldError(InputError):
    """Another moderator has the case."""

    def __init__(self, holder: str) -> None:
        super().__init__("held", f"{holder} is looking at this post")
        self.holder = holder


class Cases:
    """The queue. Every method raises TransientError while Redis is away."""

    def __init__(
        self,
        state: State,
        *,
        most: int,
        claim_seconds: float,
        second_look: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._state = state
        self._redis = state.redis
        self._most = most
        self._claim_ms = int(claim_seconds * 1000)
        self._second_look = second_look
        self._clock = clock

    async def watch(
        self, verdicts: Sequence[tuple[Verdict, int]], posts: Sequence[KeptPost]
    ) -> None:
        """Take in what the feed read: new cases, amended ones, and posts that come late."""
        await self._fill_in(posts)
        void = [verdict.amends for verdict, _ in verdicts if verdict.amends]
        new = [
            Case(verdict.id, at, keep_verdict(verdict))
            for verdict, at in verdicts
            if verdict.action == REVIEW
        ]
        async with asking():
            if void:
                await self._drop(void)
            if not new:
                return
            decided = await self._redis.zmscore(_DECIDED, [case.id for case in new])
        new = [case for case, score in zip(new, decided, strict=True) if score is None]
        kept = await self._state.posts([post_key(case.verdict.post_id) for case in new])
        known = by_key([*posts, *kept.values()])
        async with asking():
            for case in new:
                await self._put(case, post_of(case.verdict, known))
            await self._make_room()

    async def head(
        self, order: Order, count: int
    ) -> list[tuple[Case, KeptPost | None, str | None]]:
        """The first cases, each with its post and who has it."""
        async with asking():
            ids = [each.decode() for each in await self._redis.zrange(_QUEUE[order], 0, count - 1)]
            if not ids:
                return []
            cases = await self._redis.hmget(_CASES, ids)
            posts = await self._redis.hmget(_POSTS, ids)
            holders = await self._redis.mget([_claim(each) for each in ids])
        return [
            (_case(case), _post(post), holder.decode() if holder else None)
            for case, post, holder in zip(cases, posts, holders, strict=True)
            if case
        ]

    async def counts(self) -> tuple[int, int]:
        """How many wait, and how many found no room."""
        async with asking():
            waiting = await self._redis.zcard(_QUEUE["oldest"])
            return waiting, int(await self._redis.get(_LEFT_OUT) or 0)

    async def next(self, order: Order, user: str) -> str | None:
        """Claim the first case that nobody else has; None where all are taken or none waits."""
        async with asking():
            ids = await self._redis.zrange(_QUEUE[order], 0, _LOOKED_AT - 1)
        for each in ids:
            if not await self._is_own(each.decode(), user) and await self._claim(
                each.decode(), user
            ):
                return str(each.decode())
        return None

    async def claim(self, case: str, user: str) -> tuple[Case, KeptPost | None]:
        """Take a case, or hold it for longer.

        Raises HeldError, and InputError when it is gone, or waits for a second look at what this
        moderator has decided.
        """
        if await self._is_own(case, user):
            raise InputError(
                "own", "you have decided on this post; the second look is for somebody else"
            )
        if not await self._claim(case, user):
            async with asking():
                holder = await self._redis.get(_claim(case))
            raise HeldError(holder.decode() if holder else "somebody")
        return await self.get(case)

    async def get(self, case: str) -> tuple[Case, KeptPost | None]:
        """A case and its post. Raises InputError when it is gone."""
        async with asking():
            found = await self._redis.hget(_CASES, case)
            post = await self._redis.hget(_POSTS, case)
        if found is None:
            raise InputError("gone", "this post does not wait any longer: it has been decided")
        return _case(found), _post(post)

    async def release(self, case: str, user: str) -> None:
        """Let others have it."""
        async with asking():
            holder = await self._redis.get(_claim(case))
            if holder is not None and holder.decode() == user:
                await self._redis.delete(_claim(case))

    async def first(self, case: str) -> First | None:
        """What a first moderator said, where this is a second look."""
        async with asking():
            found = await self._redis.hget(_FIRST, case)
        return msgspec.json.decode(found, type=First) if found else None

    async def done(self, decided: Decided, user: str) -> None:
        """Take a case off the queue, or leave it there for a second look."""
        case = decided.case
        final = decided.first is not None or not self._wants_second(case.id)
        decided = msgspec.structs.replace(decided, final=final)
        async with asking():
            if not final:
                said = First(user, decided.decision, decided.review)
                await self._redis.hset(_FIRST, case.id, msgspec.json.encode(said))
            else:
                await self._drop([case.id])
            pipe = self._redis.pipeline()
            pipe.delete(_claim(case.id))
            pipe.lpush(_taken(user), msgspec.json.encode(decided))
            pipe.ltrim(_taken(user), 0, _UNDO_MOST - 1)
            pipe.expire(_taken(user), _UNDO_SECONDS)
            await pipe.execute()

    async def last(self, user: str) -> Decided | None:
        """The decision that this moderator would undo.

        Raises InputError where a second look has ended the case since.
        """
        async with asking():
            found = await self._redis.lindex(_taken(user), 0)
        if found is None:
            return None
        decided = msgspec.json.decode(found, type=Decided)
        if not decided.final:
            first = await self.first(decided.case.id)
            if first is None or first.review != decided.review:
                raise InputError(
                    "too_late", "somebody else has decided on this post since, which ended it"
                )
        return decided

    async def undone(self, decided: Decided, user: str) -> None:
        """Put a case back, as it was before the decision, in the hands of who decided."""
        case = decided.case
        async with asking():
            await self._redis.zrem(_DECIDED, case.id)
            await self._put(case, decided.post)
            if decided.first is None:
                await self._redis.hdel(_FIRST, case.id)
            else:
                await self._redis.hset(_FIRST, case.id, msgspec.json.encode(decided.first))
            await self._redis.lpop(_taken(user))
        await self._claim(case.id, user)

    def _wants_second(self, case: str) -> bool:
        """By the id, so that it is the same whoever asks."""
        return int(case[:8], 16) < self._second_look * 2**32

    async def _is_own(self, case: str, user: str) -> bool:
        first = await self.first(case)
        return first is not None and first.reviewer == user

    async def _claim(self, case: str, user: str) -> bool:
        async with asking():
            if await self._redis.set(_claim(case), user, nx=True, px=self._claim_ms):
                return True
            holder = await self._redis.get(_claim(case))
            if holder is None or holder.decode() != user:
                return False
            return bool(await self._redis.pexpire(_claim(case), self._claim_ms))

    async def _fill_in(self, posts: Sequence[KeptPost]) -> None:
        if not posts:
            return
        async with asking():
            ids = await self._redis.hmget(_KEYS, [post.key for post in posts])
            waiting = [(post, case) for post, case in zip(posts, ids, strict=True) if case]
            if not waiting:
                return
            cases = await self._redis.hmget(_CASES, [case for _, case in waiting])
            for (post, case), found in zip(waiting, cases, strict=True):
                if found and post.is_of(_case(found).verdict):
                    await self._redis.hset(_POSTS, case, msgspec.json.encode(post))

    async def _put(self, case: Case, post: KeptPost | None) -> None:
        rank = SEVERITIES.index(case.verdict.severity) if case.verdict.severity else -1
        pipe = self._redis.pipeline()
        pipe.hset(_CASES, case.id, msgspec.json.encode(case))
        pipe.hset(_KEYS, post_key(case.verdict.post_id), case.id)
        if post is not None:
            pipe.hset(_POSTS, case.id, msgspec.json.encode(post))
        pipe.zadd(_QUEUE["oldest"], {case.id: case.at})
        pipe.zadd(_QUEUE["severe"], {case.id: case.at - rank * _SEVERITY_MS})
        await pipe.execute()

    async def _drop(self, cases: Sequence[str]) -> None:
        found = await self._redis.hmget(_CASES, cases)
        keys = [post_key(_case(each).verdict.post_id) for each in found if each]
        latest = await self._redis.hmget(_KEYS, keys) if keys else []
        keys = [k for k, case in zip(keys, latest, strict=True) if case and case.decode() in cases]
        pipe = self._redis.pipeline()
        if keys:
            pipe.hdel(_KEYS, *keys)
        for queue in _QUEUE.values():
            pipe.zrem(queue, *cases)
        for kept in (_CASES, _POSTS, _FIRST):
            pipe.hdel(kept, *cases)
        pipe.zadd(_DECIDED, dict.fromkeys(cases, self._clock()))
        pipe.zremrangebyrank(_DECIDED, 0, -4 * self._most - 1)
        await pipe.execute()

    async def _make_room(self) -> None:
        """The mildest, and of those the newest, are left out."""
        over = await self._redis.zcard(_QUEUE["severe"]) - self._most
        if over > 0:
            mildest = await self._redis.zrange(_QUEUE["severe"], -over, -1)
            await self._drop([each.decode() for each in mildest])
            await self._redis.incrby(_LEFT_OUT, over)


def _claim(case: str) -> str:
    return f"{PREFIX}claim:{case}"


def _taken(user: str) -> str:
    return f"{PREFIX}taken:{user}"


def _case(value: bytes) -> Case:
    return msgspec.json.decode(value, type=Case)


def _post(value: bytes | None) -> KeptPost | None:
    return msgspec.json.decode(value, type=KeptPost) if value else None
