"""Redis, the network and the clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import redis.asyncio as redis_client

from tests.chaos.proxy import Proxy
from tests.chaos.registry import fault
from tests.chaos.rig import Rig, UnableError
from tests.services.packages import UnavailableError
from tests.services.redis import Redis, install


def _redis(rig: Rig) -> Redis:
    try:
        server = Redis(install(rig.notes.append), rig.stream.folder)
    except UnavailableError as error:
        raise UnableError(str(error)) from None
    rig.settings["redis"] = server.url
    return server


@asynccontextmanager
async def _redis_in_use(rig: Rig) -> AsyncIterator[redis_client.Redis]:
    """Two workers under load with a Redis, and a client of it."""
    with _redis(rig) as server:
        await rig.start(2)
        async with rig.load(), redis_client.Redis.from_url(server.url) as client:
            yield client


@fault()
async def redis_stopped(rig: Rig) -> None:
    """Redis dies and comes back."""
    with _redis(rig) as server:
        await rig.start(2)
        async with rig.load():
            await asyncio.to_thread(server.kill)
            rig.over()
            await rig.some_time(0.3)
            await asyncio.to_thread(server.start)
            await rig.some_time(0.2)


@fault()
async def redis_slow(rig: Rig) -> None:
    """Redis answers after a second, for a while."""
    async with _redis_in_use(rig) as client:
        await client.client_pause(1000)
        rig.over()
        await rig.start()  # one that has to ask for every prompt meets it, too
        await rig.some_time(0.3)


@fault()
async def redis_flushed(rig: Rig) -> None:
    """Redis forgets everything."""
    async with _redis_in_use(rig) as client:
        await client.flushall()
        rig.over()
        await rig.start()
        await rig.some_time(0.3)


@fault()
async def redis_corrupt(rig: Rig) -> None:
    """Every value in Redis is overwritten with noise."""
    async with _redis_in_use(rig) as client:
        keys = await client.keys("*")
        for key in keys:
            await client.set(key, rig.rng.randbytes(rig.rng.randrange(4096)))
        rig.notes.append(f"{len(keys)} values")
        rig.over()
        await rig.start()
        await rig.some_time(0.3)


@fault(broker="proxied")
async def network_drops_and_delays(rig: Rig) -> None:
    """Between workers and broker chunks are late, connections are cut, and then refused."""
    kafka = rig.stream.cluster
    async with Proxy(kafka.proxy_port, kafka.behind_proxy, rig.rng) as proxy:  # type: ignore[attr-defined]
        rig.settings["kafka"] = kafka.proxied  # type: ignore[attr-defined]
        await rig.start(2)
        async with rig.load():
            proxy.delay_seconds, proxy.drop_share = 0.05, 0.01
            await rig.some_time(0.5)
            proxy.refuses = True
            proxy.cut()
            await asyncio.sleep(rig.rng.uniform(1, 3))
            proxy.refuses, proxy.delay_seconds, proxy.drop_share = False, 0.0, 0.0
            rig.over()
            await rig.some_time(0.5)
        # The proxy has to stand until everything is answered.
        await rig.answered()


@fault()
async def clock_jumps(rig: Rig) -> None:
    """The workers' wall clock jumps an hour ahead, and two back."""
    clock = rig.stream.folder / "clock"
    clock.write_text("0")
    rig.launcher = (str(Path(__file__).with_name("clock.py")), str(clock))
    await rig.start(2)
    async with rig.load():
        for jump in ("3600", "-3600"):
            clock.write_text(jump)
            rig.over()
            await rig.some_time(0.3)
