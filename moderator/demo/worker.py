"""The demo's worker: a real one, that ends with the process at the other end of its input."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from moderator.cli import main as command_line
from moderator.demo.child import child_process
from moderator.errors import StartupError
from moderator.settings import PREFIX, Settings

#: The settings that name the topics of a run.
TOPICS = ("posts_topic", "verdicts_topic", "dead_letters_topic", "retries_topic")

_STOP_SECONDS = 40
_POLL_SECONDS = 0.05


@contextmanager
def worker_process(
    settings: Settings, folder: Path, *, deadline_seconds: float = 60
) -> Iterator[None]:
    """Run a worker with these settings until the block ends; it is ready when the block begins.

    Raises StartupError with the end of the worker's log.
    """
    log = folder / "worker.log"
    with (
        log.open("wb") as stream,
        child_process(
            ["-m", "moderator.demo.worker"],
            stdout=stream,
            stderr=stream,
            env={**os.environ, **_environment(settings)},
            stop_seconds=_STOP_SECONDS,
        ) as child,
    ):
        _wait_until_ready(child, settings, log, deadline_seconds)
        yield


def _environment(settings: Settings) -> dict[str, str]:
    names = ("kafka", *TOPICS, "partitions", "group", "web_port")
    return {PREFIX + name.upper(): str(getattr(settings, name)) for name in names}


def _wait_until_ready(
    child: subprocess.Popen[bytes], settings: Settings, log: Path, deadline_seconds: float
) -> None:
    deadline = time.monotonic() + deadline_seconds
    while not _answers(f"http://127.0.0.1:{settings.web_port}/ready"):
        if child.poll() is not None or time.monotonic() > deadline:
            tail = log.read_text(errors="replace")[-2000:]
            raise StartupError(f"the demo's worker did not get ready:\n{tail}")
        time.sleep(_POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1):  # noqa: S310  # a loopback address of ours
            return True
    except (urllib.error.URLError, OSError):
        return False


def _end_with_input() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Run the worker; the end of standard input is its SIGTERM."""
    threading.Thread(target=_end_with_input, daemon=True).start()
    logging.captureWarnings(capture=True)
    sys.argv = ["moderator", "worker"]
    command_line()


if __name__ == "__main__":
    main()
