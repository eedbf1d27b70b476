"""`moderator demo`: the whole service on one machine, watched live."""

import asyncio
import os
import random
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from moderator.demo.broker import embedded_broker
from moderator.demo.samples.posts import sample_posts
from moderator.demo.tally import Tally
from moderator.demo.traffic import run_traffic
from moderator.demo.worker import TOPICS, worker_process
from moderator.settings import Settings
from moderator.stream.clients import delete_topics, ensure_topics
from moderator.table import counts_line

_PARTITIONS = 8
_NEXT = """
What to try next
  echo '{{"id": "1", "text": "Send me your bank details"}}' | {program} screen --full -
  {program} policy check policies      after an edit of policies/minimal.yaml: break it on purpose
  {program} worker --kafka HOST:PORT   the same worker on your cluster; then `{program} tail`
  {program} config                     every setting
"""


def run_demo(settings: Settings, out: Console, *, posts: int, per_second: float) -> None:
    """Run it all. Ctrl-C ends it early and leaves nothing behind.

    Raises StartupError when a part does not start, TransientError when answers stay away.
    """
    try:
        began = time.perf_counter()
        samples = sample_posts(posts)
        with _services(settings, out) as ours:
            out.print(f"ready after {time.perf_counter() - began:.1f} s\n")
            paced, flat_out = asyncio.run(run_traffic(ours, samples, out, per_second))
        _summarise(paced, flat_out, per_second, out)
    except KeyboardInterrupt:
        out.print("\nstopped; nothing is left behind")
        raise SystemExit(130) from None


@contextmanager
def _services(settings: Settings, out: Console) -> Iterator[Settings]:
    """A broker and a worker; the settings that reach them."""
    run = secrets.token_hex(3)
    topics = {
        name: f"moderator-demo-{run}-{name.removesuffix('_topic').replace('_', '-')}"
        for name in TOPICS
    }
    update: dict[str, Any] = {
        **topics,
        "group": f"moderator-demo-{run}",
        "partitions": _PARTITIONS,
        "web_port": _free_port(),
    }
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="moderator-demo-")))
        if "kafka" in settings.model_fields_set:
            out.print(f"broker    {settings.kafka}")
            ours = settings.model_copy(update=update)
            asyncio.run(ensure_topics(ours))
            stack.callback(lambda: asyncio.run(delete_topics(ours)))
        else:
            embedded = embedded_broker(dict.fromkeys(topics.values(), _PARTITIONS))
            update["kafka"] = stack.enter_context(embedded)
            out.print(f"broker    embedded, on {update['kafka']}")
            ours = settings.model_copy(update=update)
        out.print(f"cache     {'Redis' if settings.redis else 'memory'}")
        out.print(f"models    {settings.models}")
        out.print(f"policies  {', '.join(map(str, settings.policies))}")
        stack.enter_context(worker_process(ours, folder))
        yield ours


def _free_port() -> int:
    """One that nobody listens on, below those that systems give to outgoing connections.

    Of these another process could be given it before the worker listens.
    """
    while True:
        port = random.randrange(20_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def _summarise(paced: Tally, flat_out: Tally, per_second: float, out: Console) -> None:
    table = Table("", f"at {per_second:g} posts/s", "as fast as it goes", box=None, pad_edge=False)
    for column in table.columns[1:]:
        column.justify = "right"
    rows = {
        "posts answered": [str(tally.answered) for tally in (paced, flat_out)],
        "posts/s": [f"{tally.posts_per_second:,.0f}" for tally in (paced, flat_out)],
        "latency p50": [f"{tally.quantile_ms(0.5):,.0f} ms" for tally in (paced, flat_out)],
        "latency p99": [f"{tally.quantile_ms(0.99):,.0f} ms" for tally in (paced, flat_out)],
    }
    for name, cells in rows.items():
        table.add_row(name, *cells)
    out.print(table)
    out.print()
    out.print(counts_line(sorted(paced.actions.items())))
    letters = paced.dead_letters.total()
    out.print(f"dead letters {letters}, of posts that have a verdict too {paced.both}")
    for code, count in paced.dead_letters.most_common():
        out.print(f"dead letters: {code} {count}", style="magenta")
    out.print(_NEXT.format(program=_program()), markup=False)


def _program() -> str:
    """How to call us again: by name where the shell finds it, else by path."""
    if shutil.which("moderator"):
        return "moderator"
    return os.path.relpath(Path(sys.executable).with_name("moderator"))
