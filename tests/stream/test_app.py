"""The worker's process: it ends when it must, says so in its exit code, and answers its pages."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.services.process import free_port

STUB = Path(__file__).with_name("stub_worker.py")


@contextmanager
def stub(how: str, port: int, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {f"MODERATOR_{name.upper()}": value for name, value in settings.items()}
    command = [sys.executable, str(STUB), how]
    with subprocess.Popen(
        command,
        env={**os.environ, "MODERATOR_WEB_PORT": str(port), **environment},
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def status(port: int, page: str) -> int:
    deadline = time.monotonic() + 20
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{page}", timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            assert time.monotonic() < deadline, "the pages never came up"
            time.sleep(0.05)


def test_a_bug_in_the_hot_path_ends_the_process_with_an_error() -> None:
    with stub("crash", free_port()) as process:
        assert process.wait(30) != 0
        assert process.stderr is not None
        assert b"a bug in the hot path" in process.stderr.read()


def test_a_hot_path_that_does_not_stop_is_ended_after_the_drain_time() -> None:
    port = free_port()
    with stub("hang", port, drain_seconds="0.1") as process:
        assert status(port, "ready") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 70


def test_a_stalled_worker_is_not_alive() -> None:
    port = free_port()
    with stub("hang", port):
        assert status(port, "health") == 503


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with stub("hang", port) as process:
            assert process.wait(30) == 1
            assert process.stderr is not None
            assert f"127.0.0.1:{port}: Address already in use" in process.stderr.read().decode()


def test_nothing_is_written_to_the_working_folder(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "MODERATOR_WEB_PORT": str(port), "MODERATOR_DRAIN_SECONDS": "0.1"}
    command = [sys.executable, str(STUB), "hang"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    ) as process:
        assert status(port, "ready") == 200
        process.kill()
    assert list(tmp_path.iterdir()) == []
