"""Files of posts, one JSON object per line, as `screen` and `produce` read them."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from moderator.errors import PostError, StartupError
from moderator.posts import Post, decode_post
from moderator.settings import Settings


@contextmanager
def open_lines(file: Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, or of standard input for `-`. Raises StartupError."""
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    try:
        stream = file.open("rb")
    except OSError as error:
        raise StartupError(f"{file}: cannot be read: {error.strerror}") from error
    with stream:
        yield stream


class PostLines:
    """Posts out of lines of JSON; lines that are none are reported and counted in `bad`."""

    def __init__(self, lines: Iterable[bytes], name: str, settings: Settings, log: Console) -> None:
        self._lines = lines
        self._name = name
        self._settings = settings
        self._log = log
        self.bad = 0

    def __iter__(self) -> Iterator[tuple[bytes, Post | None]]:
        """Each line that is not blank, with its post; None for a bad one."""
        for number, line in enumerate(self._lines, 1):
            if not line.strip():
                continue
            try:
                post = decode_post(
                    line,
                    max_bytes=self._settings.max_post_bytes,
                    max_meta_bytes=self._settings.max_meta_bytes,
                )
            except PostError as error:
                self.bad += 1
                self._log.print(f"{self._name}:{number}: {error}", markup=False, soft_wrap=True)
                yield line, None
                continue
            yield line, post
