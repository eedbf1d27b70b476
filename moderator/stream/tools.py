"""Posts into Kafka and verdicts out of it, by hand: `moderator produce` and `moderator tail`."""

import asyncio
import sys
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.live import Live

from moderator.errors import TransientError
from moderator.lines import PostLines, open_lines
from moderator.settings import Settings
from moderator.stream.clients import (
    existing_topics,
    make_consumer,
    make_producer,
    started,
    until_it_works,
)
from moderator.table import VerdictTable
from moderator.verdicts import decode_verdict

_AT_ONCE = 500


async def produce_file(
    file: Path, settings: Settings, log: Console, *, unchecked: bool
) -> tuple[int, int]:
    """Send a file's lines; how many were sent, and how many are no posts.

    Raises StartupError for the file and TransientError for the broker.
    """
    sent, waiting = 0, list[asyncio.Future[Any]]()
    with open_lines(file) as lines:
        source = PostLines(lines, str(file), settings, log)
        async with started(make_producer(settings)) as producer:
            for line, post in source:
                if post is None and not unchecked:
                    continue
                key = post.id.encode() if post else None
                waiting.append(await producer.send(settings.posts_topic, line.strip(), key=key))
                sent += 1
                if len(waiting) >= _AT_ONCE:
                    await asyncio.gather(*waiting)
                    waiting.clear()
            await asyncio.gather(*waiting)
    return sent, source.bad


async def tail_verdicts(
    settings: Settings, out: Console, *, from_start: bool, as_json: bool
) -> None:
    """Print verdicts as they come, until cancelled. Raises TransientError for the broker."""
    await until_it_works("waiting", partial(_topic_exists, settings), lambda: False)
    consumer = make_consumer(settings, settings.verdicts_topic, group=None)
    async with started(consumer):
        if not from_start:
            await consumer.seek_to_end()
        if as_json:
            async for record in consumer:
                sys.stdout.write((record.value or b"null").decode(errors="replace") + "\n")
                sys.stdout.flush()
            return
        await _show(consumer, settings.verdicts_topic, out)


async def _topic_exists(settings: Settings) -> None:
    if settings.verdicts_topic not in await existing_topics(settings):
        raise TransientError(f"{settings.kafka} has no topic {settings.verdicts_topic} yet")


async def _show(consumer: Any, topic: str, out: Console) -> None:
    table = VerdictTable(max(out.size.height - 6, 10), out.size.width)
    seen = foreign = 0
    with Live(console=out, auto_refresh=False) as live:
        while True:
            fetched = await consumer.getmany(timeout_ms=250)
            for record in (record for records in fetched.values() for record in records):
                try:
                    verdict = decode_verdict(record.value or b"")
                except msgspec.DecodeError:
                    foreign += 1
                    continue
                seen += 1
                table.add(verdict, verdict.timing_ms.get("total", 0.0))
                if not out.is_terminal:
                    out.print(table.last_line(), soft_wrap=True)
            note = f", {foreign} messages that are no verdicts" if foreign else ""
            if out.is_terminal:
                live.update(table.render(f"{topic}: {seen} verdicts{note}"), refresh=True)
