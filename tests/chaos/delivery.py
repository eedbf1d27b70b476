"""Exactly once, beside at least once."""

import asyncio

from tests.chaos.registry import RECOVERY_BAR_SECONDS, fault
from tests.chaos.rig import Rig


@fault(duplicates=0)
async def exactly_once(rig: Rig) -> None:
    """Nothing goes wrong, with transactions."""
    rig.settings["delivery"] = "exactly_once"
    await rig.start(2)
    async with rig.load():
        await rig.some_time(0.6)
        rig.over()


@fault(duplicates=0, recovery=RECOVERY_BAR_SECONDS)
async def exactly_once_worker_killed(rig: Rig) -> None:
    """One of two dies at once and is started again; no verdict is seen twice."""
    rig.settings["delivery"] = "exactly_once"
    first, _ = await rig.start(2)
    async with rig.load():
        first.kill()
        rig.over()
        await asyncio.to_thread(first.start)
        await rig.some_time(0.4)


@fault(broker="own", duplicates=0)
async def exactly_once_broker_killed(rig: Rig) -> None:
    """The broker dies in the middle of transactions and comes back."""
    rig.settings["delivery"] = "exactly_once"
    broker = rig.stream.cluster
    await rig.start(2)
    async with rig.load():
        await asyncio.to_thread(broker.kill)  # type: ignore[attr-defined]  # a broker of our own
        await asyncio.sleep(rig.rng.uniform(1, 3))
        await asyncio.to_thread(broker.start)  # type: ignore[attr-defined]
        rig.over()
        await rig.some_time(0.4)
