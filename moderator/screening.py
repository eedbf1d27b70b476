"""`moderator screen`: a file of posts to verdicts, in order, with no broker."""

import os
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from moderator.app import Core
from moderator.errors import PostError, StartupError
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.verdicts import Verdict, encode_verdict


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


def screen_file(file: Path, core: Core, settings: Settings, output: BinaryIO, log: Console) -> int:
    """Write a verdict per line to `output`; how many lines were no posts. Raises StartupError."""
    with open_lines(file) as lines, _progress(log) as progress:
        source = PostLines(lines, str(file), settings, log)
        task = progress.add_task("screening", total=None)
        for verdict in _screen((post for _, post in source if post), core, settings):
            output.write(encode_verdict(verdict) + b"\n")
            progress.advance(task)
        output.flush()
    return source.bad


def _screen(posts: Iterator[Post], core: Core, settings: Settings) -> Iterator[Verdict]:
    """Batches side by side, verdicts in order, and no more read ahead than is needed for that."""

    def work(batch: list[Post]) -> list[Verdict]:
        return core.screener.screen(core.loader.load(batch, time.perf_counter()))

    callers = settings.callers or os.cpu_count() or 1
    with ThreadPoolExecutor(callers) as pool:
        running: deque[Future[list[Verdict]]] = deque()
        while batch := list(islice(posts, settings.batch_posts)):
            running.append(pool.submit(work, batch))
            if len(running) > callers:
                yield from running.popleft().result()
        for future in running:
            yield from future.result()


def _progress(log: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=log,
        transient=True,
        disable=not log.is_terminal,
    )
