"""`moderator policy …`: policies against one another and against what was published."""

import asyncio
from collections.abc import Sequence
from io import StringIO
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moderator.cli.shared import (
    KafkaOption,
    ModelsOption,
    Paths,
    err,
    out,
    progress,
    settings_with,
    write,
)

if TYPE_CHECKING:
    from moderator.authoring.compare import Comparison
    from moderator.authoring.store import Store
    from moderator.authoring.workbench import Workbench
    from moderator.posts import Post

cli = typer.Typer()

StoreOption = Annotated[
    Path,
    typer.Option(
        "--on", help="A store that `policy embed` wrote, or posts: JSON lines or .parquet."
    ),
]
Kind = Literal["text", "json", "html"]
KindOption = Annotated[Kind, typer.Option("--format", help="Of the report.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write the report to a file.")]


@cli.command("embed")
def embed_posts(
    posts: Annotated[Path, typer.Argument(help="Posts: JSON lines or .parquet.")],
    to: Annotated[Path, typer.Option(help="The store to write, .npz.")],
    models: ModelsOption = None,
) -> None:
    """Embed posts once, so that policies are compared on them in seconds.

    The store holds the posts' texts; keep it as you keep the posts.
    """
    from moderator import app as composition
    from moderator.authoring.archive import read_posts

    settings = settings_with(models=models)
    bench = composition.build_workbench(settings)
    found = embed_store([kept.post for kept in read_posts(posts, settings)], bench)
    found.save(to)
    unread = int(found.unread.sum())
    lacks = f", {unread:,} of them not read in full" if unread else ""
    out.print(f"{len(found.posts):,} posts in {to}{lacks}", markup=False)


@cli.command()
def diff(
    old: Annotated[Path, typer.Argument(help="The policy file or folder before.")],
    new: Annotated[Path, typer.Argument(help="The policy file or folder after.")],
    *,
    on: StoreOption,
    models: ModelsOption = None,
    kind: KindOption = "text",
    to: OutOption = None,
    samples: Annotated[int, typer.Option(min=0, help="Of posts each way, for every rule.")] = 3,
) -> None:
    """Compare two policies on posts: which change action, by which rules, with samples.

    Rates have 95 % intervals (Wilson). On a store no encoder runs.
    """
    from moderator import app as composition
    from moderator.authoring.archive import read_posts
    from moderator.authoring.compare import compare
    from moderator.authoring.sides import judge_store
    from moderator.authoring.store import Store
    from moderator.policy.load import load_policies

    before, after = load_policies([old]), load_policies([new])
    settings = settings_with(models=models)
    bench = composition.build_workbench(settings)
    if on.suffix == ".npz":
        store = Store.load(on)
        store.check(bench.channels)
    else:
        store = embed_store([kept.post for kept in read_posts(on, settings)], bench)
    one, other = (
        judge_store(bench.compile(policies), store, bench.limits, bench.callers)
        for policies in (before, after)
    )
    report(compare(one, other, store, samples=samples), kind, to)


@cli.command()
def backtest(
    paths: Paths,
    *,
    since: Annotated[str, typer.Option(help="How far back: 90m, 12h, 7d, 2w.")] = "7d",
    archive: Annotated[
        Path | None,
        typer.Option(help="Posts from a .parquet or JSON lines file instead of the topic."),
    ] = None,
    most: Annotated[int, typer.Option(min=1, help="Posts, the newest.")] = 100_000,
    kafka: KafkaOption = None,
    models: ModelsOption = None,
    kind: KindOption = "text",
    to: OutOption = None,
    samples: Annotated[int, typer.Option(min=0, help="Of posts each way, for every rule.")] = 3,
) -> None:
    """Judge the last days of the posts topic by a policy, and compare with what was published.

    Posts without a published verdict are counted and left out. In a Parquet archive the column
    `verdict` holds what was published. Attachments are fetched again, by the guarded client; posts
    that could be read in full only then or only now are counted and left out, too.
    """
    from moderator import app as composition
    from moderator.authoring.archive import read_posts
    from moderator.authoring.backtest import parse_since, read_alike, read_topics
    from moderator.authoring.compare import compare
    from moderator.authoring.sides import from_verdicts, judge_store
    from moderator.policy.load import load_policies

    policies, back = load_policies(paths), parse_since(since)
    settings = settings_with(kafka=kafka, models=models)
    bench = composition.build_workbench(settings)
    rules = bench.compile(policies)
    if archive is not None:
        kept = read_posts(archive, settings)
    else:
        with progress("posts read") as told:
            kept = asyncio.run(read_topics(settings, back, most, told))
    posts = [each.post for each in kept if each.verdict is not None]
    verdicts = [each.verdict for each in kept if each.verdict is not None]
    err.print(f"{len(kept):,} posts, {len(posts):,} of them with a published verdict")
    store = embed_store(posts, bench)
    alike = read_alike(verdicts, store.unread)
    if apart := len(posts) - int(alike.sum()):
        err.print(f"{apart:,} of these were read in full only then, or only now: left out")
    if not alike.any():
        raise typer.Exit(1)
    store = store.only(alike)
    old = from_verdicts(list(compress(verdicts, alike)), rules.actions)
    new = judge_store(rules, store, bench.limits, bench.callers)
    report(compare(old, new, store, samples=samples), kind, to)


def embed_store(posts: "Sequence[Post]", bench: "Workbench") -> "Store":
    """Embed posts, with a count on the terminal."""
    from moderator.authoring.store import Store

    with progress("posts embedded") as told:
        embedded = bench.embed_all(posts, told)
    readings = {name: (found.vectors, found.owners) for name, found in embedded.readings.items()}
    spaces = {name: space.digest for name, space in bench.channels.items()}
    return Store.of(posts, readings, spaces, embedded.unread, embedded.quotes)


def report(found: "Comparison", kind: Kind, to: Path | None) -> None:
    """Print a comparison, or write it to a file. Raises StartupError."""
    from moderator.authoring.comparison_page import as_html
    from moderator.authoring.comparison_text import as_json, as_text

    if kind == "text" and to is None:
        out.print(as_text(found))
        return
    if kind == "text":
        from rich.console import Console

        plain = Console(width=160, record=True, file=StringIO())
        plain.print(as_text(found))
        text = plain.export_text()
    else:
        text = as_json(found) + "\n" if kind == "json" else as_html(found)
    write(text, to)
