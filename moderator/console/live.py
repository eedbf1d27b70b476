"""The first page: what goes through, as it does; batched into a few frames a second."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from moderator.console.cases import Cases
from moderator.console.media import recent_post
from moderator.console.pages import Page, get, parts, render, reply
from moderator.console.records import Entry, KeptPost
from moderator.console.state import State
from moderator.errors import InputError, TransientError
from moderator.verdicts import Receipt

log = logging.getLogger(__name__)

_FRAME_SECONDS: Final = 0.25
_SLOW_SECONDS: Final = 3.0  # between looks at what changes slowly
_WINDOW_MS: Final = 60_000
_RATE_MS: Final = 10_000
_MOST_IN_FRAME: Final = 2_000
_MOST_IN_WINDOW: Final = 60_000
_BACKLOG: Final = 400  # verdicts a new tab begins with
_MOST_TABS: Final = 200
_FRAMES_BEHIND: Final = 8  # after which a slow tab misses some


class _Stats(msgspec.Struct):
    """Of the last minute, and of the hour by minutes."""

    rate: float = 0.0  # verdicts a second, over ten seconds
    actions: dict[str, int] = {}
    p50: float | None = None  # ms in the worker
    p99: float | None = None
    lag: int | None = None  # posts that wait for the workers
    waiting: int = 0  # posts that wait for moderators
    minutes: list[dict[str, int]] = []
    trouble: str | None = None


class _Frame(msgspec.Struct):
    stats: _Stats
    entries: Sequence[Entry] = ()  # the oldest first
    left_out: int = 0


class Hub:
    """Follows the verdicts in Redis once for all tabs of this console."""

    def __init__(
        self,
        state: State,
        cases: Cases,
        known: Callable[[], tuple[int | None, str | None]],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`known`: the workers' lag, and what keeps the feed from reading."""
        self._state = state
        self._cases = cases
        self._known = known
        self._clock = clock
        self._tabs: set[asyncio.Queue[bytes]] = set()
        self._window: deque[Entry] = deque(maxlen=_MOST_IN_WINDOW)
        self._recent: deque[Entry] = deque(maxlen=_BACKLOG)
        self._stats = _Stats()
        self._looked = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        place: str | None = None
        while True:
            try:
                if place is None:
                    place, recent = await self._state.recent_entries(1000)
                    self._window.extend(reversed(recent))
                    self._recent.extend(reversed(recent))
                place, entries = await self._state.entries_after(place, 4 * _MOST_IN_FRAME)
                await self._look()
                self._stats.lag, self._stats.trouble = self._known()
                self._send(entries)
            except TransientError as error:
                self._stats.trouble = str(error)
                self._send([])
            await asyncio.sleep(_FRAME_SECONDS)

    async def _look(self) -> None:
        if time.monotonic() - self._looked > _SLOW_SECONDS:
            self._stats.minutes = await self._state.action_counts(60)
            self._stats.waiting = (await self._cases.counts())[0]
            self._looked = time.monotonic()

    def _send(self, entries: list[Entry]) -> None:
        self._window.extend(entries)
        self._recent.extend(entries)
        self._measure()
        if not self._tabs:
            return
        shown = entries[-_MOST_IN_FRAME:]
        frame = _event(_Frame(self._stats, shown, len(entries) - len(shown)))
        for tab in self._tabs:
            if tab.full():
                tab.get_nowait()
            tab.put_nowait(frame)

    def _measure(self) -> None:
        now = int(self._clock() * 1000)
        while self._window and self._window[0].at < now - _WINDOW_MS:
            self._window.popleft()
        self._stats.actions = dict(Counter(each.action for each in self._window))
        recent = sum(each.at >= now - _RATE_MS for each in self._window)
        self._stats.rate = round(recent * 1000 / _RATE_MS, 1)
        self._stats.p50, self._stats.p99 = _percentiles(each.ms for each in self._window)

    async def frames(self) -> AsyncIterator[bytes]:
        """Server-sent events for one tab. Raises TransientError when there are too many."""
        if len(self._tabs) >= _MOST_TABS:
            raise TransientError(f"{_MOST_TABS} tabs follow already; close some")
        tab: asyncio.Queue[bytes] = asyncio.Queue(_FRAMES_BEHIND)
        begin = _event(_Frame(self._stats, list(self._recent)))
        self._tabs.add(tab)  # at once: no verdict is missed in between, none comes twice
        try:
            yield b"retry: 1000\n\n"
            yield begin
            while True:
                yield await tab.get()
        finally:
            self._tabs.discard(tab)


def _percentiles(values: Iterable[float]) -> tuple[float | None, float | None]:
    found = np.fromiter(values, np.float64)
    if not len(found):
        return None, None
    middle, high = np.percentile(found, (50, 99))
    return round(float(middle), 1), round(float(high), 1)


def _event(value: Any) -> bytes:
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


async def _page(request: Request) -> Response:
    return render(request, "live.html.j2")


async def _follow(request: Request) -> Response:
    return StreamingResponse(parts(request).hub.frames(), media_type="text/event-stream")


async def _post(request: Request) -> Response:
    path = request.path_params
    return _told(await recent_post(request, path["key"], path["digest"]))


async def _post_of(request: Request) -> Response:
    """The post of a verdict that came before it."""
    try:
        receipt = msgspec.json.decode(request.query_params.get("receipt", ""), type=Receipt)
    except msgspec.DecodeError as error:
        raise InputError("not_understood", f"no receipt of a verdict: {error}") from error
    key, verdict = request.path_params["key"], request.query_params.get("verdict", "")
    post = (await parts(request).state.posts([key])).get(key)
    right = post is not None and receipt.gave(verdict, bytes.fromhex(post.digest))
    return _told(post if right else None)


def _told(post: KeptPost | None) -> Response:
    if post is None:
        raise HTTPException(404, "the console does not keep this post any longer")
    return reply(post)


PAGE: Final = Page(
    "/",
    "Live",
    [
        get("/", _page),
        get("/api/live", _follow),
        get("/api/posts/{key:str}", _post_of),
        get("/api/posts/{key:str}/{digest:str}", _post),
    ],
)
