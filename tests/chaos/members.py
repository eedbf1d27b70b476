"""Workers that come and go."""

import asyncio

from confluent_kafka.admin import AdminClient, NewPartitions  # type: ignore[attr-defined]

from tests.chaos.registry import RECOVERY_BAR_SECONDS, fault
from tests.chaos.rig import Rig


@fault(duplicates=0)
async def none(rig: Rig) -> None:
    """Nothing at all: the measure of the others."""
    await rig.start(2)
    async with rig.load():
        await rig.some_time(0.6)
        rig.over()


@fault()
async def worker_joins(rig: Rig) -> None:
    """Two workers are joined by a third."""
    await rig.start(2)
    async with rig.load():
        await rig.start()
        rig.over()
        await rig.some_time(0.4)


@fault(duplicates=0)
async def worker_leaves(rig: Rig) -> None:
    """One of three is told to end."""
    first, *_ = await rig.start(3)
    async with rig.load():
        await asyncio.to_thread(first.stop)
        rig.over()
        await rig.some_time(0.4)


@fault(recovery=RECOVERY_BAR_SECONDS)
async def worker_killed(rig: Rig) -> None:
    """One of two dies at once and stays away."""
    first, _ = await rig.start(2)
    async with rig.load():
        first.kill()
        rig.over()
        await rig.some_time(0.4)


@fault(recovery=RECOVERY_BAR_SECONDS)
async def worker_killed_and_restarted(rig: Rig) -> None:
    """One of two dies at once and is started again."""
    first, _ = await rig.start(2)
    async with rig.load():
        first.kill()
        rig.over()
        await asyncio.to_thread(first.start)
        await rig.some_time(0.4)


@fault(duplicates=0)
async def rolling_restart(rig: Rig) -> None:
    """Three workers are restarted in turn."""
    workers = await rig.start(3)
    async with rig.load():
        for each in workers:
            await asyncio.to_thread(each.stop)
            await asyncio.to_thread(each.start)
        rig.over()
        await rig.some_time(0.2)


@fault()
async def partitions_added(rig: Rig) -> None:
    """The posts topic gets four more partitions; workers notice by their metadata."""
    rig.settings["kafka_metadata_seconds"] = 2
    await rig.start(2)
    async with rig.load():
        admin = AdminClient({"bootstrap.servers": rig.stream.cluster.bootstrap})
        wanted = admin.create_partitions([NewPartitions(rig.stream.topics["posts"], 8)])
        await asyncio.to_thread(wanted[rig.stream.topics["posts"]].result, 30)
        rig.over()
        await rig.some_time(0.6)
