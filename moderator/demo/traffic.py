"""Sample posts into Kafka, verdicts and dead letters out of it, a table in between."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from moderator.demo.samples.posts import Sample
from moderator.demo.tally import Tally
from moderator.errors import TransientError
from moderator.settings import Settings
from moderator.stream.clients import make_consumer, make_producer, started
from moderator.stream.dead_letters import PREFIX
from moderator.table import VerdictTable, counts_line
from moderator.verdicts import ALLOW, BLOCK, REVIEW, decode_verdict

_PATIENCE_SECONDS = 60.0


class Show:
    """The table on the terminal, and what it counts."""

    def __init__(
        self, samples: Sequence[Sample], out: Console, live: Live, *, rows_wanted: bool
    ) -> None:
        self._rows_wanted = rows_wanted
        self._what: Mapping[str, str] = {sample.id: sample.what for sample in samples}
        self._total = len(samples)
        self._table = VerdictTable(max(min(out.size.height - 8, 28), 8), out.size.width)
        self._live = live
        self._out = out

    def add(self, record: Any, tally: Tally, *, dead_letter: bool) -> None:
        """Show and count one answer."""
        post_id = record.key.decode()
        latency_ms = tally.arrived(post_id)
        if dead_letter:
            code = dict(record.headers)[PREFIX + "code"].decode()
            tally.dead_letters[code] += 1
            self._table.add_dead_letter(post_id, code, self._what.get(post_id, ""))
            self._print_row()
            return
        verdict = decode_verdict(record.value)
        tally.actions[verdict.action] += 1
        self._table.add(verdict, latency_ms, self._what.get(post_id, ""))
        self._print_row()

    def _print_row(self) -> None:
        """Where nothing can be drawn over, row after row; of the second pass only the counts."""
        if not self._out.is_terminal and self._rows_wanted:
            self._out.print(self._table.last_line(), soft_wrap=True)

    def refresh(self, tally: Tally) -> None:
        """Draw."""
        if not self._out.is_terminal:
            return
        usual = dict.fromkeys((ALLOW, REVIEW, BLOCK), 0)
        line = counts_line((usual | tally.actions).items())
        line.append(f"dead letters {tally.dead_letters.total()}   ", style="magenta")
        line.append(f"{tally.answered} of {self._total} posts answered", style="dim")
        self._live.update(Group(self._table.render("verdicts, live"), Text(), line), refresh=True)


async def run_traffic(
    settings: Settings, samples: Sequence[Sample], out: Console, per_second: float
) -> tuple[Tally, Tally]:
    """Send the samples twice: at a pace a person can follow, then as fast as it goes.

    Raises TransientError when answers stay away.
    """
    consumer = make_consumer(
        settings, settings.verdicts_topic, settings.dead_letters_topic, group=None
    )
    async with started(make_producer(settings)) as producer, started(consumer):
        paced, flat_out = Tally(), Tally()
        with Live(console=out, auto_refresh=False) as live:
            show = Show(samples, out, live, rows_wanted=True)
            sending = asyncio.create_task(_send(producer, settings, samples, paced, per_second))
            await _collect(consumer, settings, len(samples), paced, show)
            await sending
        out.print()
        with Live(console=out, auto_refresh=False, transient=True) as live:
            show = Show(samples, out, live, rows_wanted=False)
            sending = asyncio.create_task(_send(producer, settings, samples, flat_out, None))
            await _collect(consumer, settings, len(samples), flat_out, show)
            await sending
    return paced, flat_out


async def _send(
    producer: Any,
    settings: Settings,
    samples: Sequence[Sample],
    tally: Tally,
    per_second: float | None,
) -> None:
    for sample in samples:
        tally.sent(sample.id)
        await producer.send(settings.posts_topic, sample.value, key=sample.id.encode())
        if per_second:
            await asyncio.sleep(1 / per_second)
    await producer.flush()


async def _collect(
    consumer: Any, settings: Settings, expected: int, tally: Tally, show: Show
) -> None:
    """Until every post is answered, and a moment longer for the dead letters beside verdicts."""
    last = time.monotonic()
    while True:
        complete = tally.answered >= expected
        fetched = await consumer.getmany(timeout_ms=300 if complete else 100)
        for partition, records in fetched.items():
            for record in records:
                dead_letter = partition.topic == settings.dead_letters_topic
                show.add(record, tally, dead_letter=dead_letter)
        show.refresh(tally)
        if fetched:
            last = time.monotonic()
        elif complete:
            return
        elif time.monotonic() - last > _PATIENCE_SECONDS:
            raise TransientError(
                f"{expected - tally.answered} of {expected} posts have no answer after "
                f"{_PATIENCE_SECONDS:.0f} s"
            )
