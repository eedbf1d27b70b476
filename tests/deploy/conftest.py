"""A worker under load with a real Redis and a real Prometheus that watches it."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.load import Load
from tests.services.kafka.cluster import Cluster
from tests.services.missing import without
from tests.services.packages import Announce, UnavailableError, program
from tests.services.prometheus import Prometheus
from tests.services.prometheus import install as install_prometheus
from tests.services.redis import Redis
from tests.stream.harness import Stream, Worker

DEPLOY = Path("deploy")
_WORKER = Path(__file__).with_name("stalling_worker.py")


@dataclass
class Watched:
    """Everything a test may break."""

    worker: Worker
    redis: Redis
    prometheus: Prometheus
    load: Load
    stall: Path  # while this file exists, the encoder hangs

    def until(self, condition: Callable[[], object], what: str, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
            time.sleep(0.2)

    def until_fires(self, alert: str) -> None:
        self.until(lambda: alert in self.prometheus.firing(), f"{alert} fires")

    def until_quiet(self, alert: str) -> None:
        self.until(lambda: alert not in self.prometheus.firing(), f"{alert} is over")


def hurried(rules: str) -> str:
    """The rules as they are shipped, with seconds where they have minutes."""
    for pattern, short in (
        (r"for: \d+[smh]", "for: 1s"),
        (r"interval: 15s", "interval: 1s"),
        (r"\[5m\]", "[10s]"),
        (r"\[1h\]", "[20s]"),
        (r"_seconds > [36]0", "_seconds > 3"),
    ):
        rules = re.sub(pattern, short, rules)
    return rules


@pytest.fixture(scope="session")
def prometheus_executable(announce: Announce) -> str:
    try:
        return install_prometheus(announce)
    except UnavailableError as error:
        raise without(f"no Prometheus: {error}") from None


@pytest.fixture(scope="session")
def caddy(announce: Announce) -> Path:
    try:
        return Path(program("caddy", announce))
    except UnavailableError as error:
        raise without(str(error)) from None


@pytest.fixture(scope="session")
def watched(
    kafka: Cluster,
    redis_executable: str,
    prometheus_executable: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    rules = []
    for name in ("recording.yml", "alerts.yml"):
        rules.append(folder / name)
        rules[-1].write_text(hurried((DEPLOY / "prometheus" / name).read_text()))
    with ExitStack() as stack:
        redis = stack.enter_context(Redis(redis_executable, folder))
        stream = Stream(kafka, f"watched-{time.monotonic_ns()}", folder, partitions=2)
        stream.create_topics()
        settings = {
            "redis": redis.url,
            "test_stall": folder / "stall",
            "callers": 1,
            "batch_wait_ms": 100,
        }
        worker = stream.worker(**settings)
        worker.command[-1] = str(_WORKER)
        stack.enter_context(worker)
        worker.start()
        load = stack.enter_context(Load(kafka.bootstrap, stream.topics["posts"]))
        target = worker.url.removeprefix("http://")
        prometheus = stack.enter_context(
            Prometheus(prometheus_executable, folder, targets=[target], rules=rules)
        )
        made = Watched(worker, redis, prometheus, load, folder / "stall")
        drift = "moderator_embedding_drift_psi"  # the last to come: it needs 200 of each
        made.until(lambda: len(prometheus.query(drift)) == 2, "drift of both channels", 120)
        yield made
