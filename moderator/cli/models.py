"""`moderator models …`: fetch, check and look at the encoders."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moderator.cli.models_bench import bench
from moderator.cli.shared import err, fail, out, settings_with

cli = typer.Typer(help="Fetch, check and look at models.", no_args_is_help=True)
cli.command("bench")(bench)

Model = Annotated[
    str, typer.Argument(metavar="NAME|DIR", help="A name of `moderator models list`, or a folder.")
]
Destination = Annotated[Path, typer.Option("--to", help="Folder to write; must not exist.")]


def _say(line: str) -> None:
    err.print(line, markup=False, soft_wrap=True)


@cli.command("list")
def list_models(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything the catalogue knows, as JSON.")
    ] = False,
) -> None:
    """List the models of the catalogue, and which are here."""
    from moderator.models.catalogue import load_catalogue
    from moderator.models.folder import SUMS
    from moderator.models.resolve import folder_of

    entries = load_catalogue()
    home = settings_with().models_home
    here = {name: (folder_of(entry, home) / SUMS).exists() for name, entry in entries.items()}
    if as_json:
        rows = [
            {**entry.model_dump(mode="json"), "pinned": entry.pinned, "here": here[name]}
            for name, entry in entries.items()
        ]
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for name, entry in entries.items():
        facts = (
            "+".join(entry.channels),
            f"{entry.dimensions} dimensions",
            f"{entry.megabytes:,} MB",
            ", ".join(entry.languages),
            entry.licence.name,
            "pinned" if entry.pinned else "pinned by the first pull",
        )
        line = Text.assemble((name, "bold"), "  ", " · ".join(facts))
        out.print(line + Text("  here", style="green") if here[name] else line)
        out.print(Padding(entry.good_for, (0, 0, 0, 4)), style="dim", soft_wrap=False)


@cli.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name of `moderator models list`.")],
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Folder.", show_default="$MODERATOR_MODELS_HOME/NAME"),
    ] = None,
    revision: Annotated[
        str | None,
        typer.Option(help="Another commit, branch or tag than the one the catalogue pins."),
    ] = None,
    endpoint: Annotated[
        str, typer.Option(envvar="HF_ENDPOINT", help="The hub, or a mirror of it.")
    ] = "https://huggingface.co",
    offline: Annotated[
        bool, typer.Option(envvar="HF_HUB_OFFLINE", help="Ask nobody; fail if it is not here.")
    ] = False,
) -> None:
    """Fetch a model, check every byte, and only then put it in place.

    What was interrupted is gone on with by the same command. A model whose revision we do not know
    is pinned by its first pull: `moderator.lock.yaml` in its folder. A token is read from HF_TOKEN.
    """
    from moderator.models.catalogue import find
    from moderator.models.hub import Hub
    from moderator.models.pull import pull as fetch
    from moderator.models.resolve import folder_of

    entry = find(name)
    folder = to or folder_of(entry, settings_with().models_home)
    _say(f"{entry.title}; licence: {entry.licence.name}, {entry.licence.link}")
    for caveat in entry.caveats:
        _say(f"note: {caveat}")
    try:
        pulled = fetch(entry, Hub(endpoint, offline=offline), folder, revision)
    except KeyboardInterrupt:
        _say("stopped; the same command goes on from here")
        raise typer.Exit(130) from None
    what = f"fetched {pulled.fetched_bytes / 1e6:,.1f} MB" if pulled.fetched_bytes else "is here"
    _say(
        f"{name} {what}, every file checked: {pulled.lock.repository} at {pulled.lock.revision}, "
        f"pinned by {pulled.lock.pinned_by}"
    )
    out.print(str(pulled.folder), markup=False)


@cli.command()
def verify(
    model: Annotated[
        str | None,
        typer.Argument(metavar="[NAME|DIR]", help="One model; without it all that are here."),
    ] = None,
) -> None:
    """Check the sha256 of every file; exit code 1 if one is missing or altered."""
    from moderator.models.catalogue import load_catalogue
    from moderator.models.folder import SUMS
    from moderator.models.resolve import folder_of, named_or_folder
    from moderator.models.verify import verify as check

    home = settings_with().models_home
    if model is not None:
        entry, folder = named_or_folder(model, home)
        todo = [(folder, entry)]
    else:
        todo = [(folder_of(entry, home), entry) for entry in load_catalogue().values()]
        todo = [(folder, entry) for folder, entry in todo if (folder / SUMS).exists()]
    bad = False
    for folder, entry in todo:
        checked = check(folder, entry)
        bad = bad or bool(checked.damages)
        for damage in checked.damages:
            _say(f"{folder / damage.file}: {damage}")
        if checked.damages:
            _say(f"fix: {checked.fix}")
        else:
            out.print(f"[green]ok[/] {folder}: {checked.files} files")
    raise typer.Exit(1 if bad else 0)


@cli.command()
def optimize(
    model: Model,
    to: Destination,
    precision: Annotated[
        Literal["fp16", "int8"],
        typer.Option(help="int8 is for CPUs, 2 to 3 times fp32 there; fp16 is for GPUs."),
    ] = "int8",
    max_drift: Annotated[
        float,
        typer.Option(min=0, help="Refuse if 1 - cosine of any sample's embedding exceeds this."),
    ] = 0.01,
) -> None:
    """Make a model's graphs smaller and faster, and measure how far its embeddings move.

    The drift is measured on texts and pictures of ours, printed, and kept in `optimized.json`. With
    int8 a text's embedding depends a little on its neighbours in a batch, so it is read alone.
    Needs the extra `optimize`.
    """
    from moderator.models.optimize.run import DriftError
    from moderator.models.optimize.run import optimize as shrink
    from moderator.models.resolve import named_or_folder

    _, folder = named_or_folder(model, settings_with().models_home)
    try:
        done = shrink(folder, to, precision, max_drift)
    except DriftError as error:
        fail(error, 1)
    table = Table(box=None, pad_edge=False)
    for column in ("graph", "before", "after", "drift, mean", "worst", "samples"):
        table.add_column(column, justify="left" if column == "graph" else "right")
    for one in done:
        table.add_row(
            one.graph,
            f"{one.bytes_before / 1e6:,.1f} MB",
            f"{one.bytes_after / 1e6:,.1f} MB",
            f"{one.drift.mean:.6f}",
            f"{one.drift.worst:.6f}",
            str(one.drift.samples),
        )
    out.print(table)
    _say(f"{to} is ready: moderator screen --models {to} …")


@cli.command()
def show(model: Model = "starter") -> None:
    """Show a model's graphs, licence, calibration and neutral prompts, and where it runs here."""
    from moderator.models.resolve import named_or_folder
    from moderator.models.show import show as look

    settings = settings_with()
    entry, folder = named_or_folder(model, settings.models_home)
    shown = look(folder, entry, settings.provider)
    for heading, rows in (("", shown.model), *shown.graphs, ("space", shown.space)):
        if heading and rows:
            out.print(f"\n[bold]{heading}[/]")
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim", no_wrap=True)
        table.add_column(overflow="fold")
        for name, value in rows:
            table.add_row(name, Text(value))
        out.print(table)
    out.print(f"\n[dim]providers of this onnxruntime:[/] {', '.join(shown.providers)}")
    if shown.problem:
        _say(f"does not load: {shown.problem}")
        raise typer.Exit(1)


@cli.command()
def export(
    checkpoint: Annotated[
        str,
        typer.Argument(
            help="A folder or hub name for transformers, or open_clip:MODEL/PRETRAINED."
        ),
    ],
    to: Destination,
) -> None:
    """Make ONNX graphs from a checkpoint of transformers or open_clip, and check them against it.

    Needs the extra `export`: torch, gigabytes of it, so give it an environment of its own.
    """
    from moderator.models.export.run import export as write

    for graph, drift in write(checkpoint, to).items():
        out.print(f"{graph}: differs from the checkpoint by at most {drift:.1e} (1 - cosine)")
    _say(f"{to} is ready: moderator screen --models {to} …")
