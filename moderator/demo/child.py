"""Child processes of the demo, held by a pipe: a child ends when its standard input does.

The kernel closes that pipe however the demo ends, so nothing outlives it.
"""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO


@contextmanager
def child_process(
    arguments: Sequence[str],
    *,
    stdout: int | IO[bytes],
    stderr: int | IO[bytes],
    env: Mapping[str, str] | None = None,
    stop_seconds: float,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python ARGUMENTS` until the block ends; kill it if it does not end with its input."""
    with subprocess.Popen(  # noqa: S603  # our own interpreter, no shell
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        env=env,
        start_new_session=True,  # Ctrl-C is for the demo, which then ends us in order
    ) as child:
        try:
            yield child
        finally:
            assert child.stdin is not None
            child.stdin.close()
            try:
                child.wait(stop_seconds)
            except subprocess.TimeoutExpired:
                child.kill()
