"""The console's manifests are valid, and agree with the console and with each other."""

import subprocess
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
from ruamel.yaml import YAML

from moderator.console.app import build_parts, make_app
from moderator.console.auth import roles_of
from moderator.settings import Settings, load_settings
from tests.deploy.test_kubernetes import FOLDER, VERSION, kustomize

__all__ = ["kustomize"]  # the fixture

SECRET: dict[str, Any] = YAML(typ="safe").load(FOLDER / "console" / "secret.example.yaml")


def built(program: Path, folder: Path) -> list[dict[str, Any]]:
    ran = subprocess.run([program, "build", folder], check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return list(YAML(typ="safe").load_all(ran.stdout))


@pytest.fixture(scope="module")
def parts(kustomize: Path) -> dict[str, Any]:
    """What is applied, by kind."""
    return {part["kind"]: part for part in built(kustomize, FOLDER / "console")}


@pytest.fixture(scope="module")
def pod(parts: dict[str, Any]) -> Any:
    return parts["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture(scope="module")
def container(pod: Any) -> Any:
    (container,) = pod["containers"]
    return container


@pytest.fixture(scope="module")
def settings(parts: dict[str, Any]) -> Settings:
    """Those of a pod, with a secret that somebody has filled in."""
    filled = {name: value or "filled in" for name, value in SECRET["stringData"].items()}
    given = {**parts["ConfigMap"]["data"], **filled}
    return load_settings({name.removeprefix("MODERATOR_").lower(): v for name, v in given.items()})


def test_everything_is_valid_and_has_no_field_that_is_none(parts: dict[str, Any]) -> None:
    for part in (*parts.values(), SECRET):
        kubernetes_validate.validate(part, VERSION, strict=True)


def test_settings_are_settings_of_ours(parts: dict[str, Any], settings: Settings) -> None:
    known = {f"MODERATOR_{name.upper()}" for name in Settings.model_fields}
    assert {*parts["ConfigMap"]["data"], *SECRET["stringData"]} <= known
    assert settings.console_auth == "oidc"


def test_its_roles_are_for_groups_of_the_provider(settings: Settings) -> None:
    assert roles_of(settings, "eve", ["moderators"]) == ["viewer", "moderator"]
    assert roles_of(settings, "eve", ["policy-authors"]) == ["viewer", "author"]
    assert roles_of(settings, "moderators", []) == []


def test_a_pod_without_its_secrets_does_not_start(container: Any) -> None:
    wanted = {each["name"]: each["valueFrom"]["secretKeyRef"] for each in container["env"]}
    assert set(wanted) == set(SECRET["stringData"])
    for name, reference in wanted.items():
        assert reference == {"name": SECRET["metadata"]["name"], "key": name}  # not optional


def test_the_pods_config_is_the_one_that_is_made(parts: dict[str, Any], container: Any) -> None:
    names = [source["configMapRef"]["name"] for source in container["envFrom"]]
    assert names == [parts["ConfigMap"]["metadata"]["name"]]


async def test_the_console_answers_its_probes_and_asks_who_others_are(
    container: Any, settings: Settings
) -> None:
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    # Its lifespan does not begin: it needs neither Kafka nor Redis.
    app = httpx.ASGITransport(make_app(build_parts(settings)))
    async with httpx.AsyncClient(transport=app, base_url="http://10.1.2.3:6067") as client:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = container[probe]["httpGet"]
            headers = {each["name"]: each["value"] for each in asked["httpHeaders"]}
            assert ports[asked["port"]] == settings.console_port
            assert (await client.get(asked["path"], headers=headers)).status_code == 200
        assert (await client.get("/health")).status_code == 400  # by the pod's address
        name = {"Host": "console.example.org", "Accept": "text/html"}
        sent = await client.get("/", headers=name)
        assert (sent.status_code, sent.headers["location"]) == (307, "/signin")


def test_the_service_finds_the_console_and_is_for_the_cluster_alone(
    parts: dict[str, Any], container: Any
) -> None:
    service, labels = parts["Service"], parts["Deployment"]["spec"]["template"]["metadata"]
    assert service["spec"]["type"] == "ClusterIP"
    assert service["spec"]["selector"].items() <= labels["labels"].items()
    assert [port["targetPort"] for port in service["spec"]["ports"]] == [
        port["name"] for port in container["ports"]
    ]
    assert "Ingress" not in parts


def test_no_service_makes_variables_that_look_like_settings(
    parts: dict[str, Any], pod: Any
) -> None:
    assert not parts["Service"]["metadata"]["name"].startswith("moderator")
    assert pod["enableServiceLinks"] is False


def test_the_network_lets_in_what_asks_the_service_and_out_to_what_it_uses(
    parts: dict[str, Any], settings: Settings
) -> None:
    rules = parts["NetworkPolicy"]["spec"]
    (let_in,) = rules["ingress"]
    assert [port["port"] for port in let_in["ports"]] == [settings.console_port]
    assert let_in["from"]
    out = {port["port"] for rule in rules["egress"] for port in rule["ports"]}
    assert {53, int(settings.kafka.rpartition(":")[2]), 6379, 80, 443} <= out


def test_policies_of_network_and_disruption_are_about_the_console(parts: dict[str, Any]) -> None:
    labels = parts["Deployment"]["spec"]["selector"]["matchLabels"]
    assert parts["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert parts["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_the_console_is_confined(pod: Any, container: Any) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_nothing_is_called_as_something_of_the_workers(
    parts: dict[str, Any], kustomize: Path
) -> None:
    workers = built(kustomize, FOLDER / "overlays" / "cpu")
    taken = {(part["kind"], part["metadata"]["name"]) for part in workers}
    assert not taken & {(kind, part["metadata"]["name"]) for kind, part in parts.items()}
    (deployment,) = (part for part in workers if part["kind"] == "Deployment")
    ours = parts["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert not deployment["spec"]["selector"]["matchLabels"].items() <= ours.items()
    image = parts["Deployment"]["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == deployment["spec"]["template"]["spec"]["containers"][0]["image"]
