"""The command line: parses, calls, prints."""

import asyncio
import logging
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

from moderator.errors import ModeratorError, StartupError
from moderator.settings import Settings, explain, load_settings

cli = typer.Typer(
    help="Screen posts against rules written as sentences: `demo` shows it, `screen` tries it on a "
    "file, `worker` runs it on Kafka.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    add_completion=False,
)
policy_cli = typer.Typer(help="Work on policy files.", no_args_is_help=True)
cli.add_typer(policy_cli, name="policy")

# Without `emoji=False` the place `posts.jsonl:100:` is printed as a picture of a hundred.
out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

PolicyOption = Annotated[
    list[Path] | None,
    typer.Option("--policy", help="Policy file or folder; give it again for more."),
]
ModelsOption = Annotated[Path | None, typer.Option("--models", help="Folder of the encoders.")]
KafkaOption = Annotated[
    str | None, typer.Option("--kafka", help="Bootstrap servers, host:port[,host:port]…")
]
PostsFile = Annotated[
    Path, typer.Argument(metavar="FILE|-", help="Posts, one JSON object per line; - reads stdin.")
]


def main() -> None:
    """Run the command line. Exit codes: 0 well, 1 some input was bad, 2 cannot start."""
    try:
        cli()
    except StartupError as error:
        _fail(error, 2)
    except ModeratorError as error:
        _fail(error, 1)
    except BrokenPipeError:  # `moderator screen … | head`
        sys.stderr.close()
        raise SystemExit(1) from None


def _fail(error: Exception, code: int) -> NoReturn:
    err.print("error:", style="bold red", end=" ")
    err.print(str(error), markup=False, soft_wrap=True)
    raise SystemExit(code)


def _settings(**overrides: Any) -> Settings:
    if (policies := overrides.pop("policy", None)) is not None:
        overrides["policies"] = tuple(policies)
    return load_settings(overrides)


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


@cli.command()
def worker(
    kafka: KafkaOption = None,
    policy: PolicyOption = None,
    models: ModelsOption = None,
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

    settings = _settings(kafka=kafka, policy=policy, models=models, web_port=web_port)
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    composition.run_worker(settings)


@cli.command()
def screen(
    file: PostsFile,
    policy: PolicyOption = None,
    models: ModelsOption = None,
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

    settings = _settings(policy=policy, models=models, verdict_detail="full" if full else None)
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

    sent, bad = asyncio.run(produce_file(file, _settings(kafka=kafka), err, unchecked=unchecked))
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

    settings = _settings(kafka=kafka)
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
    run_demo(_settings(**overrides), out, posts=posts, per_second=rate)


@cli.command()
def config() -> None:
    """Show every setting, its value and where it came from."""
    try:
        rows = explain(load_settings())
    except StartupError as error:
        _fail(error, 2)
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


@policy_cli.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
) -> None:
    """Check policy files: every problem at once, with its place and the fix."""
    from moderator.policy.load import load_policies

    policies = load_policies(paths)
    out.print(
        f"[green]ok[/]: {policies.name} version {policies.version}, {len(policies)} rules, "
        f"digest {policies.digest}"
    )
