"""A server process of ours: started until it answers, stopped, killed, and started again."""

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.05
LOG_TAIL_CHARACTERS = 3000
_LEASH = Path(__file__).with_name("leash.py")


class ServiceError(Exception):
    """A service that is installed did not start or did not stop; the message ends with its log."""


def free_port() -> int:
    """Return a free loopback port below the ephemeral range.

    From the ephemeral range, an outgoing connection could take the port while a killed server is
    away, and the server could not come back to it.
    """
    while True:
        port = random.randint(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


class ServerProcess:
    """One command that serves; ``ready`` asks it through a real client whether it does."""

    def __init__(self, name: str, log: Path, ready: Callable[[], bool]) -> None:
        self.name = name
        self._log = log
        self._ready = ready
        self._child: subprocess.Popen[bytes] | None = None
        self._stopping = False

    @property
    def pid(self) -> int | None:
        return None if self._child is None else self._child.pid

    @property
    def ended(self) -> bool:
        """Whether it was started and has ended by itself."""
        child = self._child
        return child is not None and not self._stopping and child.poll() is not None

    def start(self, command: Sequence[str], *, deadline_seconds: float = 90) -> None:
        """Start ``command`` and return once it answers; raise ServiceError if it does not."""
        if self._child is not None:
            raise ServiceError(f"{self.name} is already running as process {self._child.pid}")
        with self._log.open("ab") as log:
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LEASH), *command],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops us in order
            )
        try:
            self._await_ready(self._child, time.monotonic() + deadline_seconds)
        except BaseException:
            self.kill()
            raise

    def _await_ready(self, child: subprocess.Popen[bytes], deadline: float) -> None:
        while not self._ready():
            if child.poll() is not None:
                raise self._error(f"ended with status {child.returncode} while starting")
            if time.monotonic() > deadline:
                raise self._error("does not answer")
            time.sleep(POLL_SECONDS)

    def stop(self, *, deadline_seconds: float = 30) -> None:
        """Ask it to end (SIGTERM) and wait; nothing to do when it is not running."""
        if self._child is None:
            return
        self._stopping = True
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(deadline_seconds)
        except subprocess.TimeoutExpired as error:
            raise self._error(f"is still there {deadline_seconds:g} s after SIGTERM") from error
        finally:
            self.kill()

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        child, self._child, self._stopping = self._child, None, False
        if child is None:
            return
        child.kill()
        child.wait()
        if child.stdin is not None:
            child.stdin.close()

    def _error(self, problem: str) -> ServiceError:
        tail = self._log.read_text(errors="replace")[-LOG_TAIL_CHARACTERS:]
        return ServiceError(f"{self.name} {problem}; the end of its log:\n{tail}")
