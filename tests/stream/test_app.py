"""The worker's process: it ends when it must, says so in its exit code, and answers its pages."""

import socket
from pathlib import Path

from tests.stream.stub import stub


def test_a_bug_in_the_hot_path_ends_the_process_with_an_error() -> None:
    with stub("crash") as worker:
        code, said = worker.ended()
    assert code != 0
    assert "a bug in the hot path" in said


def test_a_hot_path_that_does_not_stop_is_ended_after_the_drain_time() -> None:
    with stub("hang", drain_seconds="0.1") as worker:
        assert worker.status("ready") == 200
        assert worker.told_to_end() == 70


def test_a_stalled_worker_is_not_alive() -> None:
    with stub("hang") as worker:
        assert worker.status("health") == 503


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with stub("hang", port=port) as worker:
            code, said = worker.ended()
    assert code == 1
    assert f"127.0.0.1:{port}: Address already in use" in said


def test_nothing_is_written_to_the_working_folder(tmp_path: Path) -> None:
    with stub("hang", cwd=tmp_path, drain_seconds="0.1") as worker:
        assert worker.status("ready") == 200
    assert list(tmp_path.iterdir()) == []
