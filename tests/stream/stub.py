"""A worker's process whose hot path is that of `stub_worker`: it crashes, hangs or works."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.services.process import free_port

_PROGRAM = Path(__file__).with_name("stub_worker.py")


@dataclass(frozen=True)
class Stub:
    """The process while it runs."""

    process: subprocess.Popen[str]
    port: int

    def status(self, page: str) -> int:
        """The status of one of its pages, once they are up."""
        deadline = time.monotonic() + 20
        url = f"http://127.0.0.1:{self.port}/{page}"
        while True:
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    return int(answer.status)
            except urllib.error.HTTPError as error:
                with error:
                    return error.code
            except OSError:
                assert time.monotonic() < deadline, "the pages never came up"
                time.sleep(0.05)

    def told_to_end(self) -> int:
        """Its exit code after SIGTERM."""
        self.process.send_signal(signal.SIGTERM)
        return self.ended()[0]

    def ended(self) -> tuple[int, str]:
        """Its exit code, and what it wrote to standard error."""
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def stub(
    how: str, *, port: int | None = None, cwd: Path | None = None, **settings: str
) -> Iterator[Stub]:
    """Start it; whatever happens, it is killed in the end."""
    port = port or free_port()
    wanted = {"web_port": str(port), **settings}
    variables = {f"MODERATOR_{name.upper()}": value for name, value in wanted.items()}
    with subprocess.Popen(
        [sys.executable, str(_PROGRAM), how],
        cwd=cwd,
        env={**os.environ, **variables},
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Stub(process, port)
        finally:
            process.kill()
