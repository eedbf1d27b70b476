"""The processes of deploy/compose.yaml, started by hand: they find each other and do their work."""

import json
import sys
import time
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.compose import SERVICES, environment, mounts, prometheus_config, running
from tests.deploy.gate import Gate, started
from tests.services.kafka.cluster import Cluster
from tests.services.process import free_port
from tests.services.prometheus import Prometheus

PASSWORD = "correct horse battery"


@pytest.mark.kafka
@pytest.mark.redis
def test_posts_are_screened_measured_and_shown(
    kafka: Cluster,
    redis_executable: str,
    prometheus_executable: str,
    caddy: Path,
    tmp_path: Path,
) -> None:
    run, pages, console_port = f"compose-{time.monotonic_ns()}", free_port(), free_port()
    ports = {"redis": free_port(), "console-redis": free_port()}
    # The longer name first: the other is its end.
    here = {f"{name}:6379": f"127.0.0.1:{ports[name]}" for name in ("console-redis", "redis")}
    here["kafka:9092"] = kafka.bootstrap

    def moved(service: str) -> dict[str, str]:
        """The environment of a service, with addresses of this machine for those of the file."""
        given = environment(service)
        for there, address in here.items():
            given = {name: value.replace(there, address) for name, value in given.items()}
        topics = ("posts", "verdicts", "dead_letters", "reviews")
        own = {f"MODERATOR_{topic.upper()}_TOPIC": f"{run}-{topic}" for topic in topics}
        return {**given, **own, "MODERATOR_GROUP": run}

    for part in ("posts", "verdicts", "dead_letters"):
        kafka.create_topic(f"{run}-{part}", int(environment("worker")["MODERATOR_PARTITIONS"]))
    moderator = str(Path(sys.executable).with_name("moderator"))
    own_ports = {
        "worker": {"MODERATOR_WEB_PORT": str(pages)},
        "console": {"MODERATOR_CONSOLE_PORT": str(console_port)},
    }
    feed = [sys.executable, *SERVICES["posts"]["entrypoint"][1:], "--per-second", "50"]
    folder = mounts("prometheus")["/etc/prometheus"].resolve()
    rules = [folder / name for name in prometheus_config()["rule_files"]]
    with ExitStack() as stack:
        for name, port in ports.items():
            (tmp_path / name).mkdir()
            given = [*SERVICES[name]["command"][1:], "--dir", str(tmp_path / name)]
            command = [redis_executable, *given, "--port", str(port)]
            stack.enter_context(running(name, command, tmp_path))
        for name, own in own_ports.items():
            command = [moderator, *SERVICES[name]["command"]]
            stack.enter_context(running(name, command, tmp_path, **(moved(name) | own)))
        gate = stack.enter_context(started(caddy, tmp_path, console_port, PASSWORD))
        stack.enter_context(running("posts", feed, tmp_path, **moved("posts")))
        seen = stack.enter_context(
            Prometheus(prometheus_executable, tmp_path, targets=[f"127.0.0.1:{pages}"], rules=rules)
        )
        _until(lambda: _sum(seen, "moderator_verdicts_total") > 20, tmp_path / "worker.log")
        _until(lambda: _sum(seen, "moderator_dead_letters_total") > 0, tmp_path / "worker.log")
        assert _sum(seen, "moderator_cache_healthy") == 1
        assert _sum(seen, 'moderator_cache_lookups_total{kind="prompt"}') > 0
        with urllib.request.urlopen(f"http://127.0.0.1:{pages}/ready", timeout=5) as answer:
            assert answer.status == 200
        _until(lambda: _waiting(gate), tmp_path / "console.log")
    log = (tmp_path / "worker.log").read_text()
    assert '"event": "policies ' in log, log


def _waiting(gate: Gate) -> list[Any]:
    """The cases of the review queue, as whoever signed in at the gate gets them."""
    status, told = gate.page(f"moderator:{PASSWORD}", path="api/review")
    return list(json.loads(told)["cases"]) if status == 200 else []


def _sum(prometheus: Prometheus, metric: str) -> float:
    return sum(sample.value for sample in prometheus.query(metric))


def _until(condition: Callable[[], object], log: Path, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.5)
