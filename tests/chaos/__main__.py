"""`make chaos`: every fault, on real Kafka, and the table of what became of the posts.

`python -m tests.chaos --fault worker_killed --seed 7` runs one of them; the same seed gives the
same schedule.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.chaos.registry import FAULTS
from tests.chaos.rig import Row, Size
from tests.chaos.run import Brokers, run
from tests.services.kafka.install import install

OUT = Path(".bench")
SMALL = Size(seconds=6, per_second=200, million=20_000)
FULL = Size(seconds=30, per_second=400, million=1_000_000)
_COLUMNS = ("fault", "posts", "lost", "duplicated", "recovery s", "peak MiB", "")


def main() -> int:
    """Return the exit status: 0 when every bar was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--fault", action="append", choices=sorted(FAULTS), metavar="NAME")
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    parser.add_argument("--small", action="store_true", help="seconds instead of minutes")
    parser.add_argument("--seconds", type=float, help="of load in each row")
    parser.add_argument("--rate", type=float, help="posts per second")
    parser.add_argument("--million", type=int, help="posts of the long run")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    out = Console(highlight=False)
    if given.list:
        for each in FAULTS.values():
            out.print(f"{each.name:28} {(each.inject.__doc__ or '').splitlines()[0]}")
        return 0
    size = SMALL if given.small else FULL
    size.seconds = given.seconds or size.seconds
    size.per_second = given.rate or size.per_second
    size.million = given.million or size.million
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    rows = []
    with tempfile.TemporaryDirectory(prefix="moderator-chaos-") as folder:
        jars = install(out.print)
        with Brokers(jars, Path(folder)) as brokers:
            for name in given.fault or FAULTS:
                rows.append(asyncio.run(run(FAULTS[name], brokers, size, given.seed)))
                out.print(_line(rows[-1]), soft_wrap=True)
    out.print(_table(rows))
    _write(rows, given.seed, size)
    return 1 if any(row.problems for row in rows) else 0


def _cells(row: Row) -> list[str]:
    return [
        row.fault,
        f"{row.posts:,}",
        f"{row.lost:,}",
        f"{row.duplicated:,}",
        f"{row.recovery_seconds:.1f}",
        f"{row.peak_mib:.0f}",
        "; ".join([*row.problems, *([row.note] if row.note else [])]),
    ]


def _line(row: Row) -> str:
    cells = zip(_COLUMNS, _cells(row), strict=True)
    mark = "[red]FAILED[/] " if row.problems else ""
    return mark + "  ".join(f"{name} {cell}".strip() for name, cell in cells if cell)


def _table(rows: list[Row]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="left" if name in ("fault", "") else "right")
    for row in rows:
        table.add_row(*_cells(row), style="red" if row.problems else "")
    return table


def _write(rows: list[Row], seed: int, size: Size) -> None:
    OUT.mkdir(exist_ok=True)
    content = {"seed": seed, "size": asdict(size), "rows": [asdict(row) for row in rows]}
    (OUT / "chaos.json").write_text(json.dumps(content, indent=2) + "\n")
    lines = [_COLUMNS, ["---"] * len(_COLUMNS), *map(_cells, rows)]
    (OUT / "chaos.md").write_text("".join(f"| {' | '.join(line)} |\n" for line in lines))


if __name__ == "__main__":
    sys.exit(main())
