"""deploy/compose.yaml: valid, and of one piece."""

import re
import subprocess
from pathlib import Path

from ruamel.yaml import YAML

from moderator.settings import Settings, load_settings
from tests.deploy.compose import FILE, SERVICES, environment, mounts, prometheus_config
from tests.services.go import COMPOSE, go_program
from tests.services.missing import without
from tests.services.packages import Announce, UnavailableError


def test_compose_can_load_it(announce: Announce) -> None:
    try:
        loader = go_program(COMPOSE, announce)
    except UnavailableError as error:
        raise without(str(error)) from None
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
