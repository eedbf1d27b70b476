"""Programs that are published with npm."""

import subprocess
from pathlib import Path

from tests.services.packages import Announce, UnavailableError


def fetch(npm: str, package: str, folder: Path, announce: Announce) -> None:
    """Install `NAME@VERSION` into a folder, all of it or nothing."""
    announce(f"fetching {package} with npm (once)")
    partial = folder.with_suffix(".partial")
    partial.mkdir(exist_ok=True)
    quiet = ["--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts"]
    command = [npm, "install", *quiet, "--prefix", str(partial), package]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnavailableError(f"npm could not fetch {package}: {done.stderr.strip()[:300]}")
    partial.rename(folder)
