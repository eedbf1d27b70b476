"""The manifests are valid, and agree with the worker and with each other."""

import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from moderator.settings import Settings, load_settings
from moderator.stream.app import _GOODBYE_SECONDS
from tests.services.go import KUSTOMIZE, go_program
from tests.services.missing import without
from tests.services.packages import Announce, UnavailableError

FOLDER = Path("deploy/kubernetes")
VERSION = "1.33"
_OF_OTHERS = ("ScaledObject", "PodMonitor")  # their schemas are not Kubernetes's


@pytest.fixture(scope="module")
def kustomize(announce: Announce) -> Path:
    try:
        return go_program(KUSTOMIZE, announce)
    except UnavailableError as error:
        raise without(str(error)) from None


@pytest.fixture(scope="module", params=["cpu", "gpu"])
def overlay(request: pytest.FixtureRequest, kustomize: Path) -> dict[str, Any]:
    """What an overlay applies, by kind."""
    command = [kustomize, "build", FOLDER / "overlays" / request.param]
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return {part["kind"]: part for part in YAML(typ="safe").load_all(ran.stdout)}


def worker(overlay: dict[str, Any]) -> Any:
    (container,) = overlay["Deployment"]["spec"]["template"]["spec"]["containers"]
    return container


def test_every_file_is_in_some_kustomization() -> None:
    listed = " ".join(path.read_text() for path in FOLDER.rglob("kustomization.yaml"))
    for path in FOLDER.rglob("*.yaml"):
        known = path.name in ("kustomization.yaml", "secret.example.yaml")
        assert known or path.name in listed


def test_everything_is_valid_and_has_no_field_that_is_none(overlay: dict[str, Any]) -> None:
    for kind, part in overlay.items():
        if kind not in _OF_OTHERS:
            kubernetes_validate.validate(part, VERSION, strict=True)


def test_settings_are_settings_of_ours(overlay: dict[str, Any]) -> None:
    known = {f"MODERATOR_{name.upper()}" for name in Settings.model_fields}
    data = overlay["ConfigMap"]["data"]
    assert set(data) <= known
    load_settings({name.removeprefix("MODERATOR_").lower(): v for name, v in data.items()})


def test_the_pods_config_is_the_one_that_is_made(overlay: dict[str, Any]) -> None:
    names = [source["configMapRef"]["name"] for source in worker(overlay)["envFrom"][:1]]
    assert names == [overlay["ConfigMap"]["metadata"]["name"]]


def test_probes_ask_the_pages_of_the_worker(overlay: dict[str, Any]) -> None:
    ports = {port["name"]: port["containerPort"] for port in worker(overlay)["ports"]}
    assert str(ports["pages"]) == overlay["ConfigMap"]["data"]["MODERATOR_WEB_PORT"]
    for probe, page in (("startup", "health"), ("liveness", "health"), ("readiness", "ready")):
        asked = worker(overlay)[f"{probe}Probe"]["httpGet"]
        assert (asked["path"], asked["port"]) == (f"/{page}", "pages")


def test_a_pod_has_time_to_answer_what_it_read(overlay: dict[str, Any]) -> None:
    drain = float(overlay["ConfigMap"]["data"]["MODERATOR_DRAIN_SECONDS"])
    grace = overlay["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert grace > drain + _GOODBYE_SECONDS


def test_scaling_follows_the_group_and_topic_that_workers_read(overlay: dict[str, Any]) -> None:
    settings, scaled = load_settings(), overlay["ScaledObject"]["spec"]
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"]["consumerGroup"] == settings.group
    assert trigger["metadata"]["topic"] == settings.posts_topic
    broker = overlay["ConfigMap"]["data"]["MODERATOR_KAFKA"]
    assert trigger["metadata"]["bootstrapServers"] == broker
    assert scaled["maxReplicaCount"] == settings.partitions
    assert scaled["scaleTargetRef"]["name"] == overlay["Deployment"]["metadata"]["name"]
    assert "replicas" not in overlay["Deployment"]["spec"]


def test_the_network_lets_the_worker_reach_what_it_is_told_to_use(overlay: dict[str, Any]) -> None:
    rules = overlay["NetworkPolicy"]["spec"]["egress"]
    ports = {port["port"] for rule in rules for port in rule["ports"]}
    broker = overlay["ConfigMap"]["data"]["MODERATOR_KAFKA"]
    assert int(broker.rpartition(":")[2]) in ports
    assert {53, 6379, 80, 443} <= ports


def test_the_disruption_budget_is_about_the_workers(overlay: dict[str, Any]) -> None:
    # A budget without a selector is valid, and protects no pod.
    budget, pods = overlay["PodDisruptionBudget"]["spec"], overlay["Deployment"]["spec"]["selector"]
    assert budget["selector"] == pods


def test_workers_are_confined(overlay: dict[str, Any]) -> None:
    pod = overlay["Deployment"]["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["enableServiceLinks"] is False  # MODERATOR_CONSOLE_PORT=tcp://… is none of ours
    assert worker(overlay)["securityContext"]["readOnlyRootFilesystem"] is True
    assert worker(overlay)["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_one_worker_has_one_gpu(overlay: dict[str, Any]) -> None:
    on_gpu = "MODERATOR_PROVIDER" in overlay["ConfigMap"]["data"]
    limits = worker(overlay)["resources"]["limits"]
    assert limits.get("nvidia.com/gpu") == ("1" if on_gpu else None)
    assert worker(overlay)["image"] == ("moderator:cuda" if on_gpu else "moderator:cpu")
