"""A short part of `make chaos`: faults under load, and nothing is lost."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.registry import FAULTS
from tests.chaos.rig import Size
from tests.chaos.run import Brokers, run
from tests.services.kafka.cluster import Cluster
from tests.services.kafka.jars import Jars

SHORT = Size(seconds=3, per_second=150, million=5_000)


@pytest.fixture
def brokers(kafka_jars: Jars, real_kafka: Cluster) -> Iterator[Brokers]:
    with (
        tempfile.TemporaryDirectory(prefix="moderator-chaos-") as folder,
        Brokers(kafka_jars, Path(folder), shared=real_kafka) as made,
    ):
        yield made


@pytest.mark.real_kafka
@pytest.mark.parametrize(
    "name", ["worker_killed_and_restarted", "encoder_kills", "header_not_utf8"]
)
async def test_every_post_is_answered_whatever_happens(name: str, brokers: Brokers) -> None:
    row = await run(FAULTS[name], brokers, SHORT, seed=1)
    assert row.posts > 0
    assert row.lost == 0
    # How soon it recovers is for a quiet machine to say: `make chaos`.
    assert [problem for problem in row.problems if "recovery" not in problem] == []


def test_every_fault_says_what_it_does() -> None:
    assert len(FAULTS) > 20
    for fault in FAULTS.values():
        assert fault.inject.__doc__, fault.name
