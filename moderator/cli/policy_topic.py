"""`moderator policy publish`, `rollback`, `history`: policies in a Kafka topic."""

import asyncio
import getpass
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from moderator.cli.shared import KafkaOption, ModelsOption, err, out, settings_with

if TYPE_CHECKING:
    from moderator.settings import Settings

cli = typer.Typer()

_DEFAULT_TOPIC = "policies"

TopicOption = Annotated[
    str | None,
    typer.Option("--topic", help="Topic of policies.", show_default=_DEFAULT_TOPIC),
]
NoteOption = Annotated[str, typer.Option("--note", help="Why, for the history.")]
WhoOption = Annotated[
    str | None, typer.Option("--who", help="Who publishes.", show_default="user@host")
]


@cli.command()
def publish(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
    kafka: KafkaOption = None,
    topic: TopicOption = None,
    note: NoteOption = "",
    who: WhoOption = None,
    models: ModelsOption = None,
) -> None:
    """Put policies in force for all workers that follow the topic (MODERATOR_POLICIES_TOPIC).

    They are checked first, and compiled with the models that --models names. What is published
    replaces all that was in force.
    """
    from moderator.app import build_core
    from moderator.policy.load import load_policies
    from moderator.stream.publishing import publish_set

    settings = _settings(kafka=kafka, policies_topic=topic, models=models, policy=paths)
    policies = load_policies(paths)
    build_core(settings)
    done = asyncio.run(publish_set(settings, policies, who or _somebody(), note))
    out.print(
        f"[green]published[/]: {done.name} version {done.version}, {done.rules} rules, "
        f"digest {done.digest}"
    )


@cli.command()
def rollback(
    digest: Annotated[
        str | None, typer.Argument(help="Its first digits; without, the one before the last.")
    ] = None,
    kafka: KafkaOption = None,
    topic: TopicOption = None,
    note: NoteOption = "",
    who: WhoOption = None,
) -> None:
    """Put an older publication in force again."""
    from moderator.stream.publishing import roll_back

    settings = _settings(kafka=kafka, policies_topic=topic)
    done = asyncio.run(roll_back(settings, digest, who or _somebody(), note))
    out.print(f"[green]rolled back[/] to {done.name} version {done.version}, digest {done.digest}")


@cli.command()
def history(
    kafka: KafkaOption = None,
    topic: TopicOption = None,
    diff: Annotated[
        str | None,
        typer.Option("--diff", help="Show what the publication with this digest changed."),
    ] = None,
) -> None:
    """List what was published: when, by whom, and what it changed. The last one is in force."""
    from moderator.stream.publications import read_history
    from moderator.stream.publishing import difference, with_changes

    settings = _settings(kafka=kafka, policies_topic=topic)
    published = asyncio.run(read_history(settings))
    if diff is not None:
        place = next((n for n, old in enumerate(published) if old.digest.startswith(diff)), 0)
        if not place or not diff:
            err.print(f"no publication after the first has a digest that begins with {diff!r}")
            raise typer.Exit(1)
        out.print(difference(published[place - 1].bundle, published[place].bundle), markup=False)
        return
    table = Table(box=None, pad_edge=False)
    for column in ("when", "who", "what", "policy", "version", "rules", "digest", "note"):
        table.add_column(column, no_wrap=column != "note")
    for change in with_changes(published):
        step = change.publication
        rules = f"{step.rules} (+{change.added} -{change.removed} ~{change.changed})"
        cells = (step.at, step.who, step.kind, step.name, step.version, rules, step.digest)
        table.add_row(*cells, step.note)
    out.print(table)


def _settings(**overrides: object) -> "Settings":
    settings = settings_with(**overrides)
    if settings.policies_topic:
        return settings
    return settings_with(**{**overrides, "policies_topic": _DEFAULT_TOPIC})


def _somebody() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
