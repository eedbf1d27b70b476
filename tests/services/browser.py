"""Chromium, and the accessibility checker axe-core: the system's, and one file from npm."""

from pathlib import Path

from tests.services.kafka.jars import CACHE, installing
from tests.services.npm import fetch
from tests.services.packages import Announce, program

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
                fetch(npm, f"axe-core@{AXE_VERSION}", folder, announce)
    return script
