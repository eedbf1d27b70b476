"""The command line: parses, calls, prints."""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from moderator.cli import (
    commands,
    compare,
    console,
    doctor,
    evaluate,
    measure,
    models,
    policy,
    policy_topic,
    replay,
    reviews,
)
from moderator.cli import write as writing
from moderator.cli.shared import fail
from moderator.errors import ModeratorError, StartupError

cli = typer.Typer(
    help="Screen posts against rules written as sentences: `demo` shows it, `screen` tries it on a "
    "file, `worker` runs it on Kafka.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
cli.add_typer(commands.cli)
cli.add_typer(console.cli)
cli.add_typer(doctor.cli)
cli.add_typer(evaluate.cli)
cli.add_typer(replay.cli)
policy.cli.add_typer(policy_topic.cli)
policy.cli.add_typer(measure.cli)
policy.cli.add_typer(compare.cli)
policy.cli.add_typer(writing.cli)
cli.add_typer(policy.cli, name="policy")
cli.add_typer(models.cli, name="models")
cli.add_typer(reviews.cli, name="reviews")


def main() -> None:
    """Run the command line. Exit codes: 0 well, 1 some input was bad, 2 cannot start."""
    try:
        cli()
    except StartupError as error:
        fail(error, 2)
    except ModeratorError as error:
        fail(error, 1)
    except BrokenPipeError:  # `moderator screen … | head`
        sys.stderr.close()
        raise SystemExit(1) from None


@cli.callback()
def options(
    *,
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)
    ] = False,
) -> None:
    """Hold the options of the program itself."""
    if show_version:
        typer.echo(version("moderator"))
        raise typer.Exit(0)
