"""The commands of the service itself."""

import asyncio
import logging
import sys
from typing import Annotated

import typer
from rich.table import Table

from moderator.cli.shared import (
    KafkaOption,
    ModelsOption,
    PolicyOption,
    PostsFile,
    TextModelsOption,
    err,
    fail,
    out,
    settings_with,
)
from moderator.errors import StartupError
from moderator.settings import explain, load_settings

cli = typer.Typer()


@cli.command()
def worker(
    kafka: KafkaOption = None,
    policy: PolicyOption = None,
    models: ModelsOption = None,
    text_models: TextModelsOption = None,
    web_port: Annotated[
        int | None, typer.Option(help="Of /health, /ready and /metrics.", show_default="6066")
    ] = None,
) -> None:
    """Run a stream worker: posts from Kafka in, a verdict for each out.

    Start as many as you like: workers of one group share the partitions of the posts topic.
    SIGTERM lets it answer what it has read, commit and leave. Every setting is an environment
    variable: see `moderator config`.
    """
    from moderator import app as composition
    from moderator import logs

    settings = settings_with(
        kafka=kafka, policy=policy, models=models, text_models=text_models, web_port=web_port
    )
    logs.configure(settings)
    composition.run_worker(settings)


@cli.command()
def screen(
    file: PostsFile,
    policy: PolicyOption = None,
    models: ModelsOption = None,
    text_models: TextModelsOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="List every rule with its score, not only those crossed.")
    ] = False,
) -> None:
    """Screen posts from a file: a verdict per line on standard output, in the order of the input.

    Needs no broker. Lines that are not posts are reported on standard error with their number, and
    the exit code is 1 then.

        echo '{"id": "1", "text": "hello"}' | moderator screen --full -
    """
    from moderator import app as composition
    from moderator.screening import screen_file

    settings = settings_with(
        policy=policy,
        models=models,
        text_models=text_models,
        verdict_detail="full" if full else None,
    )
    core = composition.build_core(settings)
    bad = screen_file(file, core, settings, sys.stdout.buffer, err)
    raise typer.Exit(1 if bad else 0)


@cli.command()
def produce(
    file: PostsFile,
    kafka: KafkaOption = None,
    unchecked: Annotated[
        bool, typer.Option("--unchecked", help="Send lines that are not posts as well.")
    ] = False,
) -> None:
    """Send posts from a file to the posts topic, keyed by their id."""
    from moderator.stream.tools import produce_file

    sent, bad = asyncio.run(
        produce_file(file, settings_with(kafka=kafka), err, unchecked=unchecked)
    )
    err.print(f"posts sent: {sent}" + (f"; lines that are no posts: {bad}" if bad else ""))
    raise typer.Exit(1 if bad and not unchecked else 0)


@cli.command()
def tail(
    kafka: KafkaOption = None,
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the oldest verdict kept.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print verdicts as they are, one per line.")
    ] = False,
) -> None:
    """Watch the verdicts topic, live, until Ctrl-C."""
    from moderator.stream.tools import tail_verdicts

    settings = settings_with(kafka=kafka)
    logging.basicConfig(level="WARNING", format="%(message)s")
    logging.getLogger("aiokafka").setLevel("CRITICAL")  # what matters of it we say ourselves
    try:
        asyncio.run(tail_verdicts(settings, out, from_start=from_start, as_json=as_json))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


@cli.command()
def demo(
    kafka: KafkaOption = None,
    posts: Annotated[int, typer.Option(min=1, help="How many sample posts to send.")] = 240,
    rate: Annotated[float, typer.Option(min=0.1, help="Posts per second.")] = 20.0,
) -> None:
    """See the whole service at work on this machine: a broker, a worker, 240 sample posts.

    Uses the broker and the Redis that --kafka, MODERATOR_KAFKA and MODERATOR_REDIS name, else an
    embedded broker and memory. Nothing is left behind.
    """
    from moderator.demo.run import run_demo

    overrides = {} if kafka is None else {"kafka": kafka}
    run_demo(settings_with(**overrides), out, posts=posts, per_second=rate)


@cli.command()
def config() -> None:
    """Show every setting, its value and where it came from."""
    try:
        rows = explain(load_settings())
    except StartupError as error:
        fail(error, 2)
    if not out.is_terminal:  # to be copied, or read by a program
        for row in rows:
            typer.echo(f"{row.name}={row.value}  # {row.source}")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("setting", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("from")
    table.add_column("what it does")
    for row in rows:
        style = "bold" if row.source != "default" else ""
        table.add_row(row.name, row.value, row.source, row.description, style=style)
    out.print(table)


@cli.command()
def schema(
    contract: Annotated[str, typer.Argument(help="post, verdict or policy")],
) -> None:
    """Print the JSON Schema of a post, a verdict or a policy."""
    from moderator.contracts import CONTRACTS, render

    if contract not in CONTRACTS:
        raise typer.BadParameter(f"{contract!r} is none of {', '.join(CONTRACTS)}")
    out.print(render(contract), markup=False, end="")
