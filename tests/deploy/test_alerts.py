"""Alerts: each is explained, each can be asked, and each fault fires the one meant for it."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.deploy.conftest import DEPLOY, Watched, hurried

_NOT_HERE = "gpu"  # there is none where tests run
RULES = ("deploy/prometheus/recording.yml", "deploy/prometheus/alerts.yml")
RUNBOOKS = Path("docs/operators.md")
pytestmark = [pytest.mark.kafka, pytest.mark.redis]


def alerts() -> dict[str, Any]:
    groups = YAML(typ="safe").load(DEPLOY / "prometheus" / "alerts.yml")["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


ALERTS = alerts()


@pytest.mark.parametrize("name", ALERTS)
def test_every_alert_has_a_runbook_that_says_what_to_look_at_and_what_to_do(name: str) -> None:
    page = RUNBOOKS.read_text(encoding="utf-8")
    assert ALERTS[name]["annotations"]["runbook_url"] == f"docs/operators.md#{name.lower()}"
    section = re.search(rf"^### {name}\n(.*?)(?=^##)", page, re.MULTILINE | re.DOTALL)
    assert section, f"{RUNBOOKS} has no section {name}"
    for word in ("Means", "Look", "Do"):
        assert f"**{word}:**" in section[1]


def test_every_runbook_has_an_alert() -> None:
    found = re.findall(r"^### (Moderator\w+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(found) == sorted(ALERTS)


def test_the_rules_pass_their_unit_tests(prometheus_executable: str) -> None:
    promtool = Path(prometheus_executable).with_name("promtool")
    for command in (
        ["check", "rules", *RULES],
        ["test", "rules", "tests/deploy/rules_test.yml"],
    ):
        ran = subprocess.run([promtool, *command], check=False, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize("name", ALERTS)
def test_what_an_alert_compares_has_data(watched: Watched, name: str) -> None:
    if _NOT_HERE in name.lower():
        pytest.skip("no GPU")
    measured = re.sub(r" (>|==) [\d.]+", "", hurried(ALERTS[name]["expr"]))
    watched.until(lambda: watched.prometheus.query(measured), f"{measured} has data", 20)


def test_nothing_fires_while_all_is_well(watched: Watched) -> None:
    # The posts of this test are no more like the fake space's background than noise.
    assert watched.prometheus.firing() <= {"ModeratorDrift"}


def test_a_slow_bucket_leads_to_a_verdict(watched: Watched) -> None:
    expression = "moderator_post_seconds_bucket"
    found = watched.prometheus.exemplars(expression, 60, time.time())
    assert found
    assert all(re.fullmatch("[0-9a-f]{32}", labels["verdict_id"]) for labels in found)


def test_killing_redis_fires_the_alert_about_the_cache(watched: Watched) -> None:
    watched.redis.kill()
    watched.until_fires("ModeratorCacheAway")
    watched.redis.start()
    watched.until_quiet("ModeratorCacheAway")


def test_poisoning_the_stream_fires_the_alert_about_refused_posts(watched: Watched) -> None:
    watched.load.poison = 0.5
    watched.until_fires("ModeratorPoisonedStream")
    watched.load.poison = 0.01
    watched.until_quiet("ModeratorPoisonedStream")


def test_a_stalled_worker_fires_the_alerts_about_stalls_and_commits(watched: Watched) -> None:
    watched.stall.touch()
    watched.until_fires("ModeratorStalled")
    watched.until_fires("ModeratorCommitsStuck")
    watched.stall.unlink()
    watched.until_quiet("ModeratorStalled")
    watched.until_fires("ModeratorSlow")
    watched.until_quiet("ModeratorSlow")


def test_a_worker_that_does_not_answer_fires_the_alert_that_it_is_down(watched: Watched) -> None:
    os.kill(watched.worker.pid, signal.SIGSTOP)
    try:
        watched.until_fires("ModeratorDown")
    finally:
        os.kill(watched.worker.pid, signal.SIGCONT)
    watched.until_quiet("ModeratorDown")
