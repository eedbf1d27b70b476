"""A comparison of two policies for the terminal and for programs."""

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from moderator.authoring.compare import Comparison, Rate, RuleChange, Sample
from moderator.table import coloured, printable


def as_json(found: Comparison) -> str:
    """Everything, rates with their intervals."""
    document = {
        "old": found.old,
        "new": found.new,
        "posts": found.posts,
        "unread": found.unread,
        "changed": _rate(found.changed),
        "moves": [{"before": a, "after": b, "posts": count} for a, b, count in found.moves],
        "rules": [_rule(rule) for rule in found.rules],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def as_text(found: Comparison) -> RenderableType:
    """The moves, a table of the rules that changed, and samples of each."""
    changed = [rule for rule in found.rules if rule.stricter or rule.milder]
    head = Text(
        f"{found.old} → {found.new} on {counted(found.posts, 'post')}: "
        f"{found.changed.hits:,} change action, {found.changed}"
    )
    parts: list[RenderableType] = [head]
    for before, after, count in found.moves:
        line = Text("  ").append_text(coloured(before)).append(" → ").append_text(coloured(after))
        parts.append(line.append(f"  {count:,}"))
    if found.unread:
        parts.append(Text(f"  {unread(found.unread)}"))
    if changed:
        parts.append(_table(changed))
        parts += [line for rule in changed for line in _sample_lines(rule)]
    same = len(found.rules) - len(changed)
    parts.append(
        Text(f"{counted(same, 'rule')} without a change" if same else "every rule changed")
    )
    return Group(*parts)


def counted(number: int, noun: str) -> str:
    """Such as `1 post` or `2,000 posts`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def unread(posts: int) -> str:
    """What became of posts that could not be read in full."""
    return f"{posts:,} not read in full, so in review at least, whatever the rules say"


def _table(rules: list[RuleChange]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("rule", "reached before", "reached after", "stricter", "milder", "actions"):
        table.add_column(name, justify="left" if name == "rule" else "right", overflow="fold")
    for rule in rules:
        counts = (f"{n:,}" for n in (rule.stricter, rule.milder, rule.actions))
        table.add_row(rule.rule, str(rule.before), str(rule.after), *counts)
    return table


def _sample_lines(rule: RuleChange) -> Iterator[Text]:
    for samples, said in ((rule.gained, "now stricter"), (rule.lost, "now milder")):
        if samples:
            yield Text(f"{rule.rule}, {said}:", style="bold")
        for sample in samples:
            line = Text(f"  {printable(sample.post)}  ")
            line.append_text(coloured(sample.before)).append(" → ")
            line.append_text(coloured(sample.after))
            line.append(f"  {score(sample.score_before)} → {score(sample.score_after)}  ")
            yield line.append(printable(sample.text))


def score(value: float | None) -> str:
    """A score, or that there is none."""
    return "–" if value is None else f"{value:.2f}"  # noqa: RUF001 - a dash


def _rate(rate: Rate) -> dict[str, Any]:
    return {"posts": rate.hits, "rate": rate.value, "low": rate.low, "high": rate.high}


def _rule(rule: RuleChange) -> dict[str, Any]:
    return {
        "rule": rule.rule,
        "before": _rate(rule.before),
        "after": _rate(rule.after),
        "stricter": rule.stricter,
        "milder": rule.milder,
        "actions_changed": rule.actions,
        "gained": [_sample(sample) for sample in rule.gained],
        "lost": [_sample(sample) for sample in rule.lost],
    }


def _sample(sample: Sample) -> dict[str, Any]:
    return sample._asdict()
