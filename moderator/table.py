"""Verdicts as rows of a terminal table, for `tail` and the demo."""

from collections import deque
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from moderator.verdicts import RuleScore, Verdict

_WIDE = 110  # columns of a terminal
_WHAT = 1  # the place of the description in a row
_COLOURS = {"allow": "green", "review": "yellow", "block": "red"}


class VerdictTable:
    """The last rows of a stream of verdicts."""

    def __init__(self, rows: int, width: int = 120) -> None:
        self._rows: deque[tuple[Text, ...]] = deque(maxlen=rows)
        self._wide = width >= _WIDE

    def add(self, verdict: Verdict, latency_ms: float, what: str = "") -> None:
        """One verdict; `what` describes the post where the caller knows it."""
        top = next((rule for rule in verdict.rules if rule.score >= rule.review_at), None)
        unread = [report for report in verdict.modalities if report.code]
        reason = top.id if top else "; ".join(str(report.code) for report in unread)
        self._rows.append(
            (
                _cell(verdict.post_id),
                _cell(what),
                coloured(verdict.action),
                _cell(reason),
                _score(top, "text"),
                _score(top, "image"),
                Text(f"{latency_ms:,.0f} ms", justify="right"),
            )
        )

    def add_dead_letter(self, post_id: str, code: str, what: str = "") -> None:
        """One message that is no post."""
        cells = (post_id, what, "dead letter", code, "", "", "")
        self._rows.append(tuple(_cell(text, "magenta") for text in cells))

    def last_line(self) -> Text:
        """The newest row, for output that cannot be drawn over."""
        return Text("  ").join(cell for cell in self._rows[-1] if cell.plain)

    def render(self, title: str) -> Table:
        """The rows as they are now. What describes the post goes first where room is short."""
        described = self._wide and any(row[_WHAT].plain for row in self._rows)
        table = Table(title=title, title_justify="left", expand=True, box=None, padding=(0, 1))
        table.add_column("post", ratio=2)
        if described:
            table.add_column("what", ratio=5)
        table.add_column("action", width=11)
        table.add_column("rule or reason", ratio=4)
        table.add_column("text", justify="right", width=5)
        table.add_column("image", justify="right", width=5)
        table.add_column("latency", justify="right", width=9)
        for row in self._rows:
            table.add_row(*(row if described else row[:_WHAT] + row[_WHAT + 1 :]))
        return table


def _cell(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style, overflow="ellipsis", no_wrap=True)


def printable(text: str) -> str:
    """A stranger's text: what would steer the terminal is shown, not sent."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def coloured(action: str) -> Text:
    """An action in the colour people expect."""
    return Text(action, style=f"bold {_COLOURS.get(action, 'cyan')}")


def _score(rule: RuleScore | None, channel: str) -> Text:
    if rule is None or channel not in rule.channels:
        return Text("·", style="dim", justify="right")
    score = rule.channels[channel].score
    return Text(f"{score:.2f}", style="bold" if score >= rule.review_at else "", justify="right")


def counts_line(counts: Iterable[tuple[str, int]]) -> Text:
    """`allow 120  review 30  block 20`, coloured."""
    line = Text()
    for action, count in counts:
        line.append_text(coloured(action)).append(f" {count}   ")
    return line
