"""What deploy/compose.yaml says, and its processes started by hand."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

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
