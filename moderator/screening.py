"""`moderator screen`: a file of posts to verdicts, in order, with no broker."""

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from rich.console import Console

from moderator.app import Core
from moderator.lines import PostLines, open_lines
from moderator.posts import Post
from moderator.progress import progress_bar
from moderator.settings import Settings
from moderator.verdicts import Verdict, encode_verdict


def screen_file(file: Path, core: Core, settings: Settings, output: BinaryIO, log: Console) -> int:
    """Write a verdict per line to `output`; how many lines were no posts. Raises StartupError."""
    with open_lines(file) as lines, progress_bar(log) as progress:
        source = PostLines(lines, str(file), settings, log)
        task = progress.add_task("screening", total=None)
        for verdict in screen_posts((post for _, post in source if post), core, settings):
            output.write(encode_verdict(verdict) + b"\n")
            progress.advance(task)
        output.flush()
    return source.bad


def screen_posts(posts: Iterator[Post], core: Core, settings: Settings) -> Iterator[Verdict]:
    """Batches side by side, verdicts in order, and no more read ahead than is needed for that."""

    def work(batch: list[Post]) -> list[Verdict]:
        return core.screener.screen(core.loader.load(batch, time.perf_counter()))

    callers = settings.batches_at_once
    with ThreadPoolExecutor(callers) as pool:
        running: deque[Future[list[Verdict]]] = deque()
        while batch := list(islice(posts, settings.batch_posts)):
            running.append(pool.submit(work, batch))
            if len(running) > callers:
                yield from running.popleft().result()
        for future in running:
            yield from future.result()
