"""Chromium, and the accessibility checker axe-core: the system's, and one file from npm."""

import subprocess
from pathlib import Path

from tests.services.kafka.jars import CACHE, installing
from tests.services.packages import Announce, UnavailableError, program

AXE_VERSION = "4.10.3"


def install(announce: Announce) -> str:
    """Return the path of Chromium, installed first where it is missing."""
    return program("chromium", announce)


def install_axe(announce: Announce) -> Path:
    """Return the path of axe-core's script, fetched first where it is missing."""
    npm = program("npm", announce)
    folder = CACHE / f"axe-core-{AXE_VERSION}"
    script = folder / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        with installing():
            if not script.exists():
                _fetch(npm, folder, announce)
    return script


def _fetch(npm: str, folder: Path, announce: Announce) -> None:
    announce(f"fetching axe-core {AXE_VERSION} with npm (once)")
    partial = folder.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    package = f"axe-core@{AXE_VERSION}"
    command = [npm, "install", *quiet, "--prefix", str(partial), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnavailableError(f"npm could not fetch {package}: {done.stderr.strip()[:300]}")
    partial.rename(folder)
