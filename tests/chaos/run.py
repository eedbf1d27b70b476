"""Run one fault: the broker it needs, the rig, and its row of the table."""

import random
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

from tests.chaos import brokers as _brokers
from tests.chaos import delivery, inputs, members, surroundings
from tests.chaos.registry import Broker, Fault
from tests.chaos.rig import Rig, Row, Size, UnableError
from tests.services.kafka.broker import Kafka
from tests.services.kafka.cluster import Cluster
from tests.services.kafka.jars import Jars
from tests.services.kafka.three import ThreeNodes
from tests.services.process import LOOPBACK, free_port
from tests.stream.harness import Stream

__all__ = ["Brokers", "_brokers", "delivery", "inputs", "members", "run", "surroundings"]

_SMALL_DISK = "64m"
_SETTLE_SECONDS = 60.0


class Brokers:
    """The brokers faults ask for; one is shared by those that leave it alone."""

    def __init__(self, jars: Jars, folder: Path, shared: Cluster | None = None) -> None:
        self._jars = jars
        self._folder = folder
        self._shared = shared

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def broker(self, kind: Broker) -> Iterator[Cluster]:
        """Raises UnableError where this machine cannot have it."""
        if kind == "shared":
            if self._shared is None:
                self._shared = self._stack.enter_context(Kafka(self._jars, self._new_folder()))
            yield self._shared
            return
        with ExitStack() as stack:
            folder = self._new_folder()
            if kind == "three":
                yield stack.enter_context(ThreeNodes(self._jars, folder))
            elif kind == "proxied":
                yield stack.enter_context(ProxiedKafka(self._jars, folder))
            elif kind == "small":
                disk = stack.enter_context(_small_disk(folder))
                data = {"log.dirs": str(disk / "data"), "log.segment.bytes": str(2**20)}
                yield stack.enter_context(Kafka(self._jars, folder, settings=data))
            else:
                yield stack.enter_context(Kafka(self._jars, folder))

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


class ProxiedKafka(Kafka):
    """A broker that tells clients of one listener to come through a proxy."""

    def __init__(self, jars: Jars, directory: Path) -> None:
        self.proxy_port, self.behind_proxy = free_port(), free_port()
        super().__init__(jars, directory)

    @property
    def proxied(self) -> str:
        return f"{LOOPBACK}:{self.proxy_port}"

    def _properties(self) -> dict[str, str]:
        given = super()._properties()
        protocols = "listener.security.protocol.map"
        return {
            **given,
            "listeners": f"{given['listeners']},PROXY://{LOOPBACK}:{self.behind_proxy}",
            "advertised.listeners": f"{given['advertised.listeners']},PROXY://{self.proxied}",
            protocols: f"{given[protocols]},PROXY:PLAINTEXT",
        }


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SMALL_DISK}", "tmpfs", str(disk)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnableError(f"a small disk needs the right to mount: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False, capture_output=True)


async def run(fault: Fault, brokers: Brokers, size: Size, seed: int) -> Row:
    """Stage a fault under load and settle the books."""
    row = Row(fault.name)
    try:
        with brokers.broker(fault.broker) as cluster, tempfile.TemporaryDirectory() as folder:
            await _run(
                fault, cluster, Path(folder), size, random.Random(f"{seed} {fault.name}"), row
            )
    except UnableError as error:
        row.note = f"skipped: {error}"
    except Exception as error:  # noqa: BLE001  # the other rows are to be run all the same
        row.problems.append(f"{type(error).__name__}: {str(error)[:300]}")
    return row


async def _run(
    fault: Fault, cluster: Cluster, folder: Path, size: Size, rng: random.Random, row: Row
) -> None:
    name = f"{fault.name.replace('_', '-')}-{uuid.uuid4().hex[:6]}"
    stream = Stream(cluster, name, folder, partitions=fault.partitions)
    # Written by the broker's clock, because those of workers may be wrong.
    stream.create_topics({"message.timestamp.type": "LogAppendTime"})
    rig = Rig(stream, size, rng)
    async with rig.watched():
        await fault.inject(rig)
        ledger = await rig.settle(row, seconds=_SETTLE_SECONDS)
    for check in rig.checks:
        check(ledger)
    if fault.recovery_bar_seconds and row.recovery_seconds > fault.recovery_bar_seconds:
        bar = fault.recovery_bar_seconds
        row.problems.append(f"recovery took {row.recovery_seconds:.1f} s, the bar is {bar:g} s")
    most = rig.most_duplicates if fault.most_duplicates is None else fault.most_duplicates
    if row.duplicated > most:
        row.problems.append(f"{row.duplicated:,} duplicates, the bar is {most:,}")
    rig.judge(ledger)
    row.problems += rig.problems
    row.note = "; ".join(rig.notes)
