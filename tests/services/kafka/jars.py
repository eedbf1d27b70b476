"""Apache Kafka's jars, fetched once by Maven into ``.services/kafka-<version>/``."""

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from tests.services.packages import Announce, UnavailableError, program

CACHE = Path(__file__).parents[3] / ".services"
_POM = Path(__file__).with_name("pom.xml")


@dataclass(frozen=True)
class Jars:
    """The installed jars and the Java that runs them."""

    java: str
    directory: Path

    @property
    def classpath(self) -> str:
        # Jar by jar: a class archive does not match a wildcard.
        return os.pathsep.join(str(jar) for jar in sorted(self.directory.glob("*.jar")))

    @property
    def class_archive(self) -> Path:
        """The archive of loaded classes, which more than halves the start; made by one Java."""
        built = Path(self.java).resolve().stat().st_mtime_ns
        return self.directory / f"classes-{built}.jsa"


def version() -> str:
    """Return the version of Kafka that ``pom.xml`` pins."""
    found = ET.parse(_POM).find(".//{*}kafka.version")
    assert found is not None
    assert found.text
    return found.text


def fetch(announce: Announce) -> Jars:
    """Return the jars, fetched first where they are missing; UnavailableError where they cannot."""
    jars = Jars(program("java", announce), CACHE / f"kafka-{version()}")
    if not jars.directory.is_dir():
        with installing():
            if not jars.directory.is_dir():  # another session may have held the lock before us
                _resolve(program("mvn", announce), jars.directory, announce)
    return jars


@contextmanager
def installing() -> Iterator[None]:
    """Hold the cache folder against other test sessions."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _resolve(mvn: str, target: Path, announce: Announce) -> None:
    announce(f"fetching Apache Kafka {version()} with Maven into .services/ (once, about 45 MB)")
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    command = [mvn, "--batch-mode", "--quiet", "--file", str(_POM)]
    command += ["dependency:copy-dependencies", f"-DoutputDirectory={partial}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        raise UnavailableError(f"Maven could not fetch Kafka's jars: {_first_error(done.stdout)}")
    partial.rename(target)


def _first_error(output: str) -> str:
    errors = (line for line in output.splitlines() if "ERROR" in line)
    return next(errors, output[-500:])
