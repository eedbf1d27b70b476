"""Posts that harm: encoders that fail at them, poison, storms, and more than can be answered."""

import asyncio
import base64
import itertools
import time

from tests.builders import picture
from tests.chaos.ledger import Ledger
from tests.chaos.load import plain
from tests.chaos.poison import send_undecodable
from tests.chaos.registry import fault
from tests.chaos.rig import Rig

_MOST_GROWTH = 0.02
_MOST_PRESSED_GROWTH = 0.1
_LONG = 200_000
_CALLERS = 2  # as the rig's workers have them


async def _with_word(rig: Rig, word: str, *, restarts: int = 0) -> None:
    """A load in which one post in the middle has a word at which the encoder fails."""
    at = int(rig.size.per_second * rig.size.seconds * rig.rng.uniform(0.2, 0.4))

    def make(number: int) -> dict[str, object]:
        post = plain(number)
        return {**post, "text": f"{post['text']} {word}"} if number == at else post

    await rig.start(1, until="health")
    async with rig.load(make=make):
        await rig.some_time(0.6)
        rig.over()
    rig.bad = f"post-{at}".encode()
    if restarts:
        rig.wanted_codes = {"killed_worker": 1}
        rig.most_restarts = restarts


@fault()
async def encoder_raises(rig: Rig) -> None:
    """The encoder raises at one post."""
    await _with_word(rig, "raises")
    rig.wanted_codes = {"inference_failed": 1}


@fault()
async def encoder_returns_nan(rig: Rig) -> None:
    """The encoder returns NaN for one post."""
    await _with_word(rig, "nan")
    rig.wanted_codes = {"inference_failed": 1}


@fault()
async def encoder_hangs(rig: Rig) -> None:
    """The encoder never returns from one post: the worker ends itself, and the post is caught."""
    rig.settings["stall_seconds"] = 4
    await _with_word(rig, "hangs", restarts=2)


@fault()
async def encoder_kills(rig: Rig) -> None:
    """The encoder crashes the process at one post, which is in quarantine after two crashes."""
    await _with_word(rig, "kills", restarts=2)


@fault()
async def header_not_utf8(rig: Rig) -> None:
    """Messages come whose headers aiokafka cannot decode."""
    await rig.start(1)
    async with rig.load():
        for number in range(3):
            await send_undecodable(rig.stream, f"bad-{number}".encode())
            await rig.some_time(0.1)
        rig.over()
    rig.wanted_codes = {"undecodable": 3}


@fault()
async def back_pressure(rig: Rig) -> None:
    """Posts come at ten times the capacity, for minutes; then a faster worker takes over."""
    capacity = rig.size.per_second / 4
    rig.flags = ("--ms", str(2 * 1000 / capacity))  # two callers
    rig.settings["max_in_flight_posts"] = 64
    (slow,) = await rig.start(1)
    lags = list[float]()
    async with rig.load(per_second=capacity * 10):
        for _ in range(4):
            await rig.some_time(1.0)
            lags.append(await asyncio.to_thread(slow.metric, "moderator_consumer_lag_posts"))
        growth = rig.growth()
    rig.notes.append(f"lag {' → '.join(f'{lag:,.0f}' for lag in lags)}, memory {growth:+.1%}")
    if growth > _MOST_PRESSED_GROWTH:
        rig.problems.append(f"memory grew by {growth:.1%} under back-pressure")
    if lags != sorted(lags):
        rig.problems.append("the lag did not grow")
    rig.over()
    rig.flags = ()
    await rig.start(1)
    await asyncio.to_thread(slow.stop)
    await rig.answered()


@fault()
async def overload_degrades(rig: Rig) -> None:
    """Late posts get a verdict on their text at once, and another when there is time."""
    rig.settings |= {"overload": "degrade", "overload_seconds": 0.5, "max_in_flight_posts": 64}
    capacity = rig.size.per_second / 4
    rig.flags = ("--ms", str(2 * 1000 / capacity))
    image = base64.b64encode(picture("green")).decode()

    def make(number: int) -> dict[str, object]:
        return {**plain(number), "media": [{"data": image}]}

    await rig.start(1)
    async with rig.load(per_second=capacity * 4, make=make):
        await rig.some_time(0.3)
    rig.over()

    def check(ledger: Ledger) -> None:
        put_off = sum(ledger.amended.values())
        rig.notes.append(f"{put_off:,} put off")
        if not put_off:
            rig.problems.append("no post was put off")
        if ledger.actions["allow"] != sum(ledger.posts.values()):
            rig.problems.append(f"not every post was allowed in the end: {ledger.actions}")

    rig.checks.append(check)


@fault()
async def duplicate_storm(rig: Rig) -> None:
    """One image in every post: its inference is to be paid once."""
    count = rig.stream.folder / "count"
    rig.flags = ("--count", str(count))
    image = base64.b64encode(picture("red")).decode()

    def make(number: int) -> dict[str, object]:
        return {"id": f"post-{number}", "media": [{"data": image}]}

    await rig.start(1)
    warm = count.stat().st_size
    async with rig.load(make=make) as load:
        await load.burst(rig.size.million // 10)
    rig.over()
    await rig.answered()
    paid = count.stat().st_size - warm
    rig.notes.append(f"{paid:,} inferences of one image")
    if paid > _CALLERS:  # batches at once, each of which may meet it first
        rig.problems.append(f"one image was encoded {paid:,} times")


@fault()
async def million_posts(rig: Rig) -> None:
    """A long run of small posts through one worker, whose memory must stay flat."""
    wanted = rig.size.million
    rig.settings["max_in_flight_posts"] = 2048
    rig.settings["batch_posts"] = 64
    (worker,) = await rig.start(1)
    rig.memory.clear()  # what starting takes is no growth
    began = time.monotonic()
    async with rig.load(per_second=1) as load:
        for _ in itertools.count():
            done = await asyncio.to_thread(worker.metric, "moderator_verdicts_total")
            if load.sent >= wanted and done >= wanted:
                break
            # Not far ahead, so that it is the whole run whose memory is looked at.
            if load.sent < wanted and load.sent - done < 50_000:
                await load.burst(min(5_000, wanted - load.sent))
            else:
                await asyncio.sleep(0.1)
        growth = rig.growth()
    rig.over()
    rate = wanted / (time.monotonic() - began)
    rig.notes.append(f"memory {growth:+.1%} over the last 80 %, {rate:,.0f} posts/s")
    if growth >= _MOST_GROWTH and wanted >= _LONG:  # a short run is all warming up
        rig.problems.append(f"memory grew by {growth:.1%}, the bar is {_MOST_GROWTH:.0%}")
