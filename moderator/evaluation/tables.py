"""A report as tables of a terminal."""

import math
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from moderator.evaluation.report import Decisions, Report
from moderator.evaluation.resampling import Figure

_OF_WORDS = 4  # tables with no more columns than this hold words
_WITHOUT_INTERVAL = {"by", "posts", "true", "false"}
_INTERVAL = 8  # characters, which stay on one line: .95-1.00


def show(report: Report, console: Console) -> None:
    """Print what was measured, what others published, and what has to be known to compare."""
    models = ", ".join(f"{channel} {name}" for channel, name in report.models.items())
    console.print(f"[bold]{report.suite.title}[/], {report.posts:,} posts; {report.suite.source}")
    console.print(f"policy {report.policy}; {models}", style="dim", markup=False)
    if report.unread:
        console.print(_unread(report), style="yellow", markup=False)
    if report.suite.notes:
        console.print(report.suite.notes.strip(), style="dim", markup=False)
    console.print(_merits(report))
    console.print(_decisions("At the rules' own lines", "task", report.decisions))
    if report.groups:
        console.print(_decisions("By group", "group", report.groups))
    for task, rows in report.fusion.items():
        table = _table(f"Late fusion, {task}", "way", "AUROC", "against the better channel")
        for row in rows:
            table.add_row(row.way, _figure(row.auroc), _gain(row.gain))
        console.print(table)
    if report.suite.published:
        console.print(_published(report))


def _unread(report: Report) -> str:
    return (
        f"{report.unread:,} of the posts could not be read in full and go to review whatever rules "
        "say; where nothing that a rule reads could be read, they are in none of its figures"
    )


def _merits(report: Report) -> Table:
    table = _table(
        "Scores against labels; P: precision at that recall", "task", "by", "posts", "true",
        "AP", "AUROC", "P@50", "P@80", "F1", "ECE",
    )  # fmt: skip
    for each in report.merits:
        found = each.merit
        table.add_row(
            each.task,
            each.channel,
            f"{found.posts:,}",
            f"{found.positives:,}",
            _figure(found.ap),
            _figure(found.auroc),
            *map(_figure, found.precision_at.values()),
            _figure(found.best_f1),
            _figure(found.ece),
        )
    if report.mean_ap is not None:
        table.add_row("mean", "fused", "", "", _figure(report.mean_ap), style="bold")
    return table


def _decisions(title: str, first: str, rows: Iterable[Decisions]) -> Table:
    table = _table(
        title, first, "true", "false", "fires on true", "on false", "reviews true", "on false",
        "right",
    )  # fmt: skip
    for row in rows:
        table.add_row(
            row.group or row.task,
            f"{row.positives:,}",
            f"{row.negatives:,}",
            *map(
                _share,
                (row.fired, row.falsely_fired, row.reviewed, row.falsely_reviewed, row.accuracy),
            ),
        )
    return table


def _published(report: Report) -> Table:
    table = _table("Published by others", "system", "figure", "value", "before comparing")
    for each in report.suite.published:
        table.add_row(each.system, each.figure, f"{each.value:g}", each.caveat)
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    for place, column in enumerate(columns):
        wraps = column == "before comparing"
        numbers = place > 0 and len(columns) > _OF_WORDS
        narrow = not numbers or column in _WITHOUT_INTERVAL
        table.add_column(
            column,
            justify="right" if numbers else "left",
            min_width=None if wraps else 4 if narrow else _INTERVAL,
            overflow="fold",
        )
    return table


def _figure(figure: Figure) -> str:
    if math.isnan(figure.value):
        return "·"
    low, high = (f"{bound:.2f}".removeprefix("0") for bound in (figure.low, figure.high))
    return f"{figure.value:.3f} [dim]{low}–{high}[/]"  # noqa: RUF001


def _gain(figure: Figure | None) -> str:
    if figure is None or math.isnan(figure.value):
        return ""
    return f"{figure.value:+.3f} [dim]{figure.low:+.3f} to {figure.high:+.3f}[/]"


def _share(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.value:.1%} [dim]{figure.low * 100:.0f}–{figure.high * 100:.0f}[/]"  # noqa: RUF001
