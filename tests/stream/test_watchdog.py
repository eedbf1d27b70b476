"""A worker that gets nowhere ends itself, whatever hangs."""

import signal

from tests.services.process import free_port
from tests.stream.test_app import status, stub


def test_a_worker_that_gets_nowhere_ends_itself() -> None:
    with stub("hang", free_port(), stall_seconds="50") as process:
        assert process.wait(30) == 71
        assert process.stderr is not None
        assert b"the worker ends itself" in process.stderr.read()


def test_one_that_works_is_left_alone() -> None:
    port = free_port()
    with stub("work", port, stall_seconds="0.1") as process:
        assert status(port, "health") == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
