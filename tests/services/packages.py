"""Programs the services need, installed by the system's package manager where that is allowed."""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from types import MappingProxyType

Announce = Callable[[str], None]

PACKAGES: Mapping[str, str] = MappingProxyType(
    {
        "java": "openjdk-17-jre-headless",
        "mvn": "maven",
        "redis-server": "redis-server",
        "caddy": "caddy",
        "node": "nodejs",
        "npm": "npm",
        "chromium": "chromium",
        "prometheus": "prometheus",
        "promtool": "prometheus",
    },
)


class UnavailableError(Exception):
    """A service cannot be had on this machine; the message is the reason a skipped test shows."""


def program(name: str, announce: Announce) -> str:
    """Return the path of ``name``, installing its package first where it is missing."""
    found = shutil.which(name)
    if found is None:
        _install(PACKAGES[name], announce)
        found = shutil.which(name)
    if found is None:
        raise UnavailableError(f"{PACKAGES[name]} is installed, but {name} is not on PATH")
    return found


def _install(package: str, announce: Announce) -> None:
    apt_get = [*_as_root(package), "apt-get", "-qq"]
    announce(f"installing {package} with apt-get (once)")
    install = [*apt_get, "install", "--yes", "--no-install-recommends", package]
    if _run(install).returncode == 0:
        return
    _run([*apt_get, "update"])  # package lists are often absent or stale in containers
    second = _run(install)
    if second.returncode != 0:
        raise UnavailableError(f"apt-get could not install {package}: {second.stderr.strip()}")


def _as_root(package: str) -> list[str]:
    """Return the prefix that makes a command run as root; raise where there is none."""
    if shutil.which("apt-get") is None:
        raise UnavailableError(f"{package} is missing and there is no apt-get to install it")
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]  # 1: start no daemon
    if shutil.which("sudo") and _run(["sudo", "-n", "true"]).returncode == 0:
        return ["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1"]
    raise UnavailableError(f"{package} is missing and installing it needs root or `sudo -n`")


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, capture_output=True, text=True)
