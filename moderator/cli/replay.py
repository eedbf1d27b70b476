"""`moderator replay`: messages once more through the posts topic."""

import asyncio
import logging
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from moderator.cli.shared import KafkaOption, out, settings_with
from moderator.errors import StartupError

if TYPE_CHECKING:
    from moderator.stream.replay import Tally

cli = typer.Typer()


@cli.command()
def replay(  # noqa: PLR0917  # typer passes them by name
    kafka: KafkaOption = None,
    code: Annotated[
        list[str] | None,
        typer.Option(help="Only dead letters with this code; give it again for more."),
    ] = None,
    topic: Annotated[
        str | None, typer.Option(help="Read this topic instead.", show_default="the dead letters")
    ] = None,
    partition: Annotated[int | None, typer.Option(min=0, help="Only this partition.")] = None,
    start: Annotated[
        int | None, typer.Option("--from", min=0, help="From this offset of the partition.")
    ] = None,
    end: Annotated[
        int | None, typer.Option("--to", min=0, help="Up to before this offset of it.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Also dead letters that were replayed before.")
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only counted.")
    ] = False,
) -> None:
    """Send dead letters, or any range of offsets, to the posts topic once more.

    They keep key, value and headers. Say `--yes` when the counts are what you want.

        moderator replay --code unavailable --yes

        moderator replay --topic posts --partition 3 --from 1000 --to 2000
    """
    from moderator.stream.replay import Range, Replay

    if partition is None and (start is not None or end is not None):
        raise typer.BadParameter("--from and --to need a --partition: offsets count in one")
    settings = settings_with(kafka=kafka)
    if code and topic not in (None, settings.dead_letters_topic):
        raise StartupError("only dead letters have codes: --code goes without --topic")
    logging.getLogger("aiokafka").setLevel("CRITICAL")  # what matters of it we say ourselves
    where = Range(topic or settings.dead_letters_topic, partition, start, end)
    tally = asyncio.run(Replay(settings, where, code or (), again=again).run(send=yes))
    _show(tally, sent=yes, topic=settings.posts_topic)


def _show(tally: "Tally", *, sent: bool, topic: str) -> None:
    counts = {
        "sent" if sent else "to send": tally.chosen,
        "replayed before": tally.done_before,
        "without a value": tally.empty,
        "not asked for": tally.other,
    }
    table = Table(box=None, pad_edge=False)
    table.add_column("code")
    for name in counts:
        table.add_column(name, justify="right")
    for found in sorted(set().union(*counts.values())):
        table.add_row(found, *(f"{count[found]:,}" for count in counts.values()))
    if table.row_count:
        out.print(table)
    total = tally.chosen.total()
    if sent:
        out.print(f"{total:,} messages sent to {topic}")
    else:
        out.print(
            f"{total:,} messages would go to {topic}; nothing was sent"
            + ("; --yes sends them" if total else "")
        )
