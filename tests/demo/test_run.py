"""The demo, as a user runs it: every post answered, and nothing left behind, Ctrl-C or not."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

COMMAND = [sys.executable, "-m", "moderator", "demo", "--posts", "60", "--rate", "200"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Everything temporary of the demo lands here, so that what it leaves can be seen."""
    return tmp_path


def start(folder: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(folder), "COLUMNS": "140", "LINES": "40"}
    for name in ("MODERATOR_KAFKA", "MODERATOR_REDIS"):
        environment.pop(name, None)
    return subprocess.Popen(
        COMMAND, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def children_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def test_the_demo_answers_every_post_and_ends_with_a_summary(folder: Path) -> None:
    with start(folder) as demo:
        printed = demo.communicate(timeout=120)[0]

    assert demo.returncode == 0, printed
    rows = [line for line in printed.splitlines() if line.startswith("demo-")]
    assert len({row.split()[0] for row in rows}) == 60
    assert "posts answered              60                  60" in printed
    for line in ("posts/s", "latency p50", "latency p99", "dead letters", "What to try next"):
        assert line in printed
    for action in ("allow", "review"):
        assert action in printed
    assert list(folder.iterdir()) == []


def test_ctrl_c_leaves_no_process_and_no_file_behind(folder: Path) -> None:
    with start(folder) as demo:
        deadline = time.monotonic() + 60
        while len(children_of(demo)) < 2:  # a broker and a worker
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = children_of(demo)
        demo.send_signal(signal.SIGINT)
        printed = demo.communicate(timeout=60)[0]

    assert demo.returncode == 130
    assert "nothing is left behind" in printed
    assert not [child for child in children if child.is_running()]
    assert list(folder.iterdir()) == []


def test_a_killed_demo_takes_its_children_with_it(folder: Path) -> None:
    with start(folder) as demo:
        deadline = time.monotonic() + 60
        while len(children_of(demo)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        children = children_of(demo)
        demo.kill()
    _, alive = psutil.wait_procs(children, timeout=45)
    assert not alive
