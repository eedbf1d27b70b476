"""`moderator models bench`: how fast a model is on this machine."""

import dataclasses
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from moderator.cli.shared import err, out, settings_with


def bench(
    *,
    model: Annotated[
        Path | None, typer.Argument(metavar="[NAME|DIR]", help="By default MODERATOR_MODELS.")
    ] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Size of batch; give it again for more.")
    ] = None,
    words: Annotated[
        list[int] | None, typer.Option(min=1, help="Length of text; give it again for more.")
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=0.01, help="For each figure; more is steadier.")
    ] = 1.0,
    provider: Annotated[
        str | None, typer.Option(help="cpu, openvino, cuda, cuda-graphs, tensorrt or auto.")
    ] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Draw the table into this PNG; needs the extra `plot`.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Measure throughput and latency of a model by size of batch and length of text.

    What else runs on the machine disturbs it: compare figures of one run.
    """
    from moderator.encoders.load import load_space
    from moderator.models.bench import Speed, measure
    from moderator.models.bench import plot as draw
    from moderator.models.resolve import resolve_models

    settings = settings_with(models=model, provider=provider)
    folder = resolve_models(settings.models, settings.models_home)
    space = load_space(folder, settings.provider, settings.variant)
    table = Table(box=None, pad_edge=False, title=f"{space.name} on {settings.provider}")
    table.add_column("what")
    for column in ("batch", "ms", "p95 ms", "per second", "a caller on each core"):
        table.add_column(column, justify="right")
    speeds: list[Speed] = []
    with err.status("measuring"):
        for speed in measure(space, batch or (1, 2, 4, 8, 16), words or (8, 32, 128), seconds):
            speeds.append(speed)
            table.add_row(
                speed.what,
                str(speed.batch),
                f"{speed.median_ms:.1f}",
                f"{speed.p95_ms:.1f}",
                f"{speed.alone_per_second:,.0f}",
                f"{speed.per_second:,.0f}",
            )
    if as_json:
        typer.echo(json.dumps([dataclasses.asdict(speed) for speed in speeds], indent=2))
    else:
        out.print(table)
    if plot:
        draw(speeds, f"{space.name} on {settings.provider}", plot)
