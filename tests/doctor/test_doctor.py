"""The doctor on real patients."""

import json
import shutil
from pathlib import Path

import pytest

from moderator.doctor.finding import Finding, Status
from moderator.doctor.kafka import check_kafka
from moderator.doctor.machine import check_machine
from moderator.doctor.models import check_models, check_policies
from moderator.doctor.redis import check_redis
from moderator.doctor.run import can_work, examine
from moderator.settings import Settings, load_settings
from tests.cli.conftest import cache_home as cache_home  # noqa: PLC0414  # a fixture
from tests.cli.conftest import moderator as moderator  # noqa: PLC0414  # a fixture
from tests.cli.running import Moderator
from tests.services.kafka.cluster import Cluster, NewTopic
from tests.services.process import free_port
from tests.services.redis import Redis


def by_check(findings: list[Finding]) -> dict[str, Finding]:
    return {finding.check: finding for finding in findings}


def on(cluster: Cluster, topic: NewTopic, **more: object) -> Settings:
    names = {f"{part}_topic": topic(part, 2) for part in ("posts", "verdicts", "dead_letters")}
    return load_settings({"kafka": cluster.bootstrap, **names, **more})


def test_a_broker_that_is_away_is_a_failure_with_its_address() -> None:
    (finding,) = check_kafka(load_settings({"kafka": f"127.0.0.1:{free_port()}"}))
    assert finding.status is Status.FAIL
    assert "127.0.0.1" in finding.found
    assert "MODERATOR_KAFKA" in finding.advice


def test_topics_that_are_there_are_described(kafka: Cluster, topic: NewTopic) -> None:
    settings = on(kafka, topic)
    found = by_check(check_kafka(settings))
    assert found["broker"].status is Status.OK
    assert found[f"topic {settings.posts_topic}"].found == "2 partitions, 1 replicas"
    assert found[f"group {settings.group}"].status in (Status.OK, Status.UNKNOWN)


def test_a_topic_that_is_missing_is_named(kafka: Cluster, topic: NewTopic) -> None:
    settings = on(kafka, topic).model_copy(update={"verdicts_topic": "nowhere"})
    finding = by_check(check_kafka(settings))["topic nowhere"]
    assert finding.status is Status.WARN
    assert "does not exist" in finding.found


@pytest.mark.real_kafka
def test_settings_of_topics_that_lose_posts_are_found(kafka: Cluster, topic: NewTopic) -> None:
    settings = on(kafka, topic)
    compacted = topic("compacted", 1, {"cleanup.policy": "compact"})
    small = topic("small", 1, {"max.message.bytes": "1000"})
    changed = {"posts_topic": compacted, "dead_letters_topic": small}
    found = by_check(check_kafka(settings.model_copy(update=changed)))
    assert "compact" in found[f"topic {compacted}, settings"].found
    assert "1,000" in found[f"topic {small}, settings"].found


def test_a_redis_without_a_limit_is_warned_of(redis_server: Redis) -> None:
    found = by_check(check_redis(load_settings({"redis": redis_server.url})))
    assert found["redis"].status is Status.OK
    assert found["redis memory"].status is Status.WARN
    assert "allkeys-lru" in found["redis memory"].advice
    assert "clock" not in found


def test_no_redis_and_a_redis_that_is_away_are_warnings_because_workers_go_on() -> None:
    away = f"redis://:secret@127.0.0.1:{free_port()}/0"
    for settings in (load_settings({"redis": ""}), load_settings({"redis": away})):
        (finding,) = check_redis(settings)
        assert finding.status is Status.WARN
        assert "secret" not in finding.found


def test_models_that_work_are_named_with_what_they_compute_on() -> None:
    found = by_check(check_models(load_settings()))
    assert found["models"].found.startswith("starter, digest ")
    assert found["provider"].found == "CPUExecutionProvider"
    assert found["image encoder"].found.endswith("384 dimensions")


def test_altered_models_are_a_failure(starter: Path, tmp_path: Path) -> None:
    copy = tmp_path / "models"
    shutil.copytree(starter, copy)
    (copy / "space.json").write_text("{}")
    (finding,) = check_models(load_settings({"models": copy}))
    assert finding.status is Status.FAIL
    assert "space.json" in finding.found


def test_a_policy_that_cannot_be_used_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("policy: x\nversion: 1\nrules: []\n")
    (finding,) = check_policies(load_settings({"policies": (tmp_path / "bad.yaml",)}))
    assert finding.status is Status.FAIL
    assert "bad.yaml" in finding.found


def test_a_media_folder_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    settings = load_settings({"media_file_root": tmp_path / "none", "web_port": free_port()})
    found = by_check(check_machine(settings))
    assert found["media folder"].status is Status.FAIL
    assert found["pages"].status is Status.OK
    assert not can_work(list(found.values()))


def test_every_problem_comes_with_advice() -> None:
    settings = load_settings({"kafka": f"127.0.0.1:{free_port()}", "redis": ""})
    problems = [f for f in examine(settings) if f.status in (Status.WARN, Status.FAIL)]
    assert problems
    assert all(finding.advice for finding in problems)


def test_the_command_prints_json_and_ends_with_1_when_a_worker_cannot_work(
    moderator: Moderator,
) -> None:
    ran = moderator("doctor", "--json", "--kafka", f"127.0.0.1:{free_port()}")
    assert ran.code == 1
    findings = [json.loads(line) for line in ran.out.splitlines()]
    assert findings[0]["check"] == "broker"
    assert findings[0]["status"] == "fail"


def test_the_command_ends_with_0_when_a_worker_could_work(
    moderator: Moderator, kafka: Cluster
) -> None:
    ran = moderator("doctor", "--kafka", kafka.bootstrap)
    assert ran.code == 0, ran.out
    assert b"broker" in ran.out
