"""Brokers that go away, move, or run out of disk."""

import asyncio
import subprocess
from collections.abc import Callable
from typing import cast

from tests.chaos.registry import fault
from tests.chaos.rig import Rig
from tests.services.kafka.broker import Kafka
from tests.services.kafka.three import ThreeNodes
from tests.services.process import ServiceError


@fault(broker="own")
async def broker_stopped(rig: Rig) -> None:
    """The broker is stopped in order and started again."""
    await _goes_and_comes_back(rig, Kafka.stop)


@fault(broker="own")
async def broker_killed(rig: Rig) -> None:
    """The broker dies at once and comes back."""
    await _goes_and_comes_back(rig, Kafka.kill)


async def _goes_and_comes_back(rig: Rig, go: Callable[[Kafka], None]) -> None:
    broker = cast("Kafka", rig.stream.cluster)
    await rig.start(2)
    async with rig.load():
        await asyncio.to_thread(go, broker)
        await asyncio.sleep(rig.rng.uniform(1, 3))
        await asyncio.to_thread(broker.start)
        rig.over()
        await rig.some_time(0.4)


@fault(broker="three")
async def leader_moved(rig: Rig) -> None:
    """The node that leads a partition of the posts dies; of three copies two are left."""
    cluster = cast("ThreeNodes", rig.stream.cluster)
    await rig.start(2)
    async with rig.load():
        leader = await asyncio.to_thread(cluster.leader, rig.stream.topics["posts"])
        await asyncio.to_thread(cluster.nodes[leader].kill)
        await asyncio.to_thread(cluster.await_other_leader, rig.stream.topics["posts"], leader)
        rig.over()
        await rig.some_time(0.5)
        await asyncio.to_thread(cluster.nodes[leader].start)
        await rig.some_time(0.5)


@fault(broker="small")
async def broker_disk_full(rig: Rig) -> None:
    """The broker's disk fills up, at which Kafka ends itself; room is made and it is started."""
    broker = cast("Kafka", rig.stream.cluster)
    disk = broker.data.parent
    await rig.start(2)
    async with rig.load():
        ballast = disk / "ballast"
        # Returns an error when the disk is full, which is what it is for.
        command = ["dd", "if=/dev/zero", f"of={ballast}", "bs=1M"]
        await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True)
        for _ in range(300):
            if broker.ended:
                break
            await asyncio.sleep(0.1)
        else:
            rig.notes.append("the broker survived its full disk")
        ballast.unlink()
        await asyncio.to_thread(broker.kill)
        try:
            await asyncio.to_thread(broker.start)
        except ServiceError as error:
            rig.problems.append(f"Kafka does not start again: {error}"[:300])
        rig.over()
        await rig.some_time(0.4)
