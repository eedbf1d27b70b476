"""Programs that are published as Go modules, built once into .services/bin."""

import os
import shutil
import subprocess
from pathlib import Path

from tests.services.packages import Announce, UnavailableError

_FOLDER = Path(".services", "bin").resolve()
KUSTOMIZE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
# What `docker compose config` loads files with.
COMPOSE = "github.com/compose-spec/compose-go/v2/cmd@v2.16.2"


def go_program(module: str, announce: Announce) -> Path:
    """Return the program's path; raise UnavailableError where Go or the module cannot be had."""
    path, _, version = module.partition("@")
    folder = _FOLDER / version
    names = [part for part in path.split("/") if not part.startswith("v")]
    program = folder / names[-1]
    if program.exists():
        return program
    if shutil.which("go") is None:
        raise UnavailableError(f"{names[-1]} is missing and there is no Go to build it")
    announce(f"building {module} (once)")
    environment = {**os.environ, "GOBIN": str(folder), "GOFLAGS": "-buildvcs=false"}
    ran = subprocess.run(
        ["go", "install", module], check=False, capture_output=True, text=True, env=environment
    )
    if ran.returncode != 0:
        raise UnavailableError(f"go install {module}: {ran.stderr.strip()[-300:]}")
    return program
