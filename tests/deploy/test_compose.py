"""deploy/compose.yaml: valid, of one piece, and its processes, started by hand, do their work."""

import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from moderator.settings import Settings, load_settings
from tests.services.go import COMPOSE, go_program
from tests.services.kafka.cluster import Cluster
from tests.services.packages import Announce, UnavailableError
from tests.services.process import free_port
from tests.services.prometheus import Prometheus

FILE = Path("deploy/compose.yaml")
SERVICES: dict[str, Any] = YAML(typ="safe").load(FILE)["services"]


def environment(service: str) -> dict[str, str]:
    return {name: str(value) for name, value in SERVICES[service]["environment"].items()}


def mounts(service: str) -> dict[str, Path]:
    """Folders of ours by where the container sees them."""
    found = {}
    for volume in SERVICES[service].get("volumes", ()):
        source, target, *_ = volume.split(":")
        if source.startswith("."):
            found[target] = FILE.parent / source
    return found


def test_compose_can_load_it(announce: Announce) -> None:
    try:
        loader = go_program(COMPOSE, announce)
    except UnavailableError as error:
        pytest.skip(str(error))
    ran = subprocess.run([loader, FILE], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def test_settings_are_settings_of_ours() -> None:
    known = {f"MODERATOR_{name.upper()}" for name in Settings.model_fields}
    for service in ("worker", "posts", "console"):
        assert set(environment(service)) <= known
        given = environment(service).items()
        load_settings({name.removeprefix("MODERATOR_").lower(): value for name, value in given})


def test_every_address_is_a_service_that_listens_there() -> None:
    listeners = environment("kafka")["KAFKA_ADVERTISED_LISTENERS"]
    for service in ("worker", "posts", "console"):
        assert f"PLAINTEXT://{environment(service)['MODERATOR_KAFKA']}" in listeners.split(",")
    for service in ("worker", "console"):
        assert environment(service)["MODERATOR_REDIS"].startswith("redis://redis:6379/")
    own = environment("console")["MODERATOR_CONSOLE_REDIS"]
    assert own.startswith("redis://console-redis:6379/")
    source = YAML(typ="safe").load(
        mounts("grafana")["/etc/grafana/provisioning"].joinpath("datasources", "prometheus.yaml")
    )["datasources"][0]
    assert source["url"] == "http://prometheus:9090"
    (job,) = prometheus_config()["scrape_configs"]
    (names,) = job["dns_sd_configs"]
    assert names["names"] == ["worker"]
    assert str(names["port"]) == environment("worker")["MODERATOR_WEB_PORT"]
    for service in ("worker", "redis", "console-redis", "prometheus", "kafka"):
        assert service in SERVICES


def test_the_worker_lets_prometheus_in_and_nobody_else_is_let_in_from_outside() -> None:
    assert environment("worker")["MODERATOR_WEB_HOST"] == "0.0.0.0"
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


def test_posts_worker_and_console_want_the_same_topics_and_partitions() -> None:
    for name in ("KAFKA", "PARTITIONS", "POSTS_TOPIC", "VERDICTS_TOPIC"):
        wanted = {
            environment(service).get(f"MODERATOR_{name}")
            for service in ("posts", "worker", "console")
        }
        assert len(wanted) == 1


def test_the_redis_of_the_console_evicts_nothing_and_outlives_a_restart() -> None:
    command = " ".join(SERVICES["console-redis"]["command"])
    assert "--maxmemory-policy noeviction" in command
    assert "--appendonly yes" in command
    assert SERVICES["console-redis"]["volumes"] == ["console:/data"]


def test_the_health_of_the_console_is_asked_where_it_listens() -> None:
    asked = " ".join(SERVICES["console"]["healthcheck"]["test"])
    port = environment("console")["MODERATOR_CONSOLE_PORT"]
    assert f"http://127.0.0.1:{port}/health" in asked


def test_the_broker_takes_the_largest_post() -> None:
    largest = int(environment("kafka")["KAFKA_MESSAGE_MAX_BYTES"])
    assert largest > load_settings().max_post_bytes


def test_every_mount_is_there_with_what_its_service_reads_from_it() -> None:
    command = SERVICES["prometheus"]["command"]
    (config,) = re.findall(r"--config.file=(\S+)", " ".join(command))
    folder = mounts("prometheus")[str(Path(config).parent)]
    assert (folder / Path(config).name).is_file()
    for rules in prometheus_config()["rule_files"]:
        assert (folder / rules).is_file()
    grafana = mounts("grafana")
    assert (grafana["/etc/grafana/provisioning"] / "datasources").is_dir()
    provider = grafana["/etc/grafana/provisioning"] / "dashboards" / "moderator.yaml"
    (dashboards,) = YAML(typ="safe").load(provider)["providers"]
    assert list(grafana[dashboards["options"]["path"]].glob("*.json"))
    home = Path(environment("grafana")["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (grafana[str(home.parent)] / home.name).is_file()


def prometheus_config() -> Any:
    return YAML(typ="safe").load(mounts("prometheus")["/etc/prometheus"] / "prometheus.yml")


@contextmanager
def running(name: str, command: list[str], folder: Path, **given: str) -> Iterator[None]:
    """A process with an environment of its own, until the block ends."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith("MODERATOR_")}
    with (
        (folder / f"{name}.log").open("wb") as log,
        subprocess.Popen(command, env={**clean, **given}, stdout=log, stderr=log) as process,
    ):
        try:
            yield
        finally:
            process.kill()


@pytest.mark.kafka
@pytest.mark.redis
def test_the_same_processes_started_by_hand_screen_posts_and_are_seen(
    kafka: Cluster,
    redis_executable: str,
    prometheus_executable: str,
    tmp_path: Path,
) -> None:
    run, pages, redis_port = f"compose-{time.monotonic_ns()}", free_port(), free_port()
    here = {"kafka:9092": kafka.bootstrap, "redis:6379": f"127.0.0.1:{redis_port}"}

    def moved(service: str) -> dict[str, str]:
        """The environment of a service, with addresses of this machine for those of the file."""
        given = environment(service)
        for there, address in here.items():
            given = {name: value.replace(there, address) for name, value in given.items()}
        topics = ("posts", "verdicts", "dead_letters")
        own = {f"MODERATOR_{topic.upper()}_TOPIC": f"{run}-{topic}" for topic in topics}
        return {**given, **own, "MODERATOR_GROUP": run}

    for part in ("posts", "verdicts", "dead_letters"):
        kafka.create_topic(f"{run}-{part}", int(environment("worker")["MODERATOR_PARTITIONS"]))
    moderator = str(Path(sys.executable).with_name("moderator"))
    worker = {**moved("worker"), "MODERATOR_WEB_PORT": str(pages)}
    redis = [redis_executable, *SERVICES["redis"]["command"][1:], "--port", str(redis_port)]
    feed = [sys.executable, *SERVICES["posts"]["entrypoint"][1:], "--per-second", "50"]
    folder = mounts("prometheus")["/etc/prometheus"].resolve()
    rules = [folder / name for name in prometheus_config()["rule_files"]]
    with ExitStack() as stack:
        stack.enter_context(running("redis", redis, tmp_path))
        command = [moderator, *SERVICES["worker"]["command"]]
        stack.enter_context(running("worker", command, tmp_path, **worker))
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
    log = (tmp_path / "worker.log").read_text()
    assert '"event": "policies ' in log, log


def _sum(prometheus: Prometheus, metric: str) -> float:
    return sum(sample.value for sample in prometheus.query(metric))


def _until(condition: Any, log: Path, seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.5)
