"""A comparison of two policies as an HTML page with plots."""

from collections.abc import Iterator, Sequence
from html import escape

from moderator.authoring.compare import Comparison, Rate, RuleChange, Sample
from moderator.authoring.comparison_text import counted, score, unread
from moderator.authoring.page import page

_WIDTH, _BAR, _GAP, _LABEL = 720, 10, 34, 220
_PLOT_HEIGHT = 90


def as_html(found: Comparison) -> str:
    """The moves, the rate of every rule on both sides, and a section for each that changed."""
    changed = [rule for rule in found.rules if rule.stricter or rule.milder]
    title = f"{found.old} → {found.new}"
    rows = "".join(
        f"<tr><td>{escape(a)}</td><td>{escape(b)}</td><td class=n>{count:,}</td></tr>"
        for a, b, count in found.moves
    )
    table = f"<table><tr><th>before<th>after<th class=n>posts</tr>{rows}</table>" if rows else ""
    lacks = f"<p>{unread(found.unread)}.</p>" if found.unread else ""
    body = (
        f"<h1>{escape(title)}</h1><p>On {counted(found.posts, 'post')}, "
        f"{found.changed.hits:,} change action: {found.changed}.</p>{lacks}"
        f"{table}<h2>Posts that reach each rule's review line</h2>"
        "<p class=muted>Grey before, blue after; whiskers are 95 % intervals (Wilson).</p>"
        f"{_rates(changed or found.rules)}{''.join(_section(rule) for rule in changed)}"
    )
    return page(title, body)


def _rates(rules: Sequence[RuleChange]) -> str:
    most = max((max(rule.before.high, rule.after.high) for rule in rules), default=1.0) or 1.0
    scale = (_WIDTH - _LABEL - 60) / most
    parts = [part for row, rule in enumerate(rules) for part in _bars(row, rule, scale)]
    height = _GAP * len(rules) + 10
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}</svg>'


def _bars(row: int, rule: RuleChange, scale: float) -> Iterator[str]:
    top = row * _GAP + 6
    yield f'<text x="0" y="{top + 14}">{escape(rule.rule)}</text>'
    for step, (rate, colour) in enumerate(((rule.before, "--old"), (rule.after, "--new"))):
        yield from _bar(top + step * (_BAR + 2), rate, colour, scale)


def _bar(top: float, rate: Rate, colour: str, scale: float) -> Iterator[str]:
    middle = top + _BAR / 2
    low, high = _LABEL + rate.low * scale, _LABEL + rate.high * scale
    yield (
        f'<rect x="{_LABEL}" y="{top}" width="{rate.value * scale:.1f}" height="{_BAR}" '
        f'fill="var({colour})"/>'
    )
    yield (
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="currentColor"/>'
    )
    yield f'<text x="{high + 6:.1f}" y="{top + 9}">{rate.value:.2%}</text>'


def _section(rule: RuleChange) -> str:
    samples = "".join(
        f"<h3>{said}</h3><table><tr><th>post<th>action<th class=n>score<th>text</tr>"
        f"{''.join(map(_sample, found))}</table>"
        for found, said in ((rule.gained, "Now stricter"), (rule.lost, "Now milder"))
        if found
    )
    return (
        f"<h2>{escape(rule.rule)}</h2><p>Stricter on {counted(rule.stricter, 'post')}, milder on "
        f"{rule.milder:,}; the action changed on {rule.actions:,} of them.</p>"
        f"{_histograms(rule)}{samples}"
    )


def _sample(sample: Sample) -> str:
    return (
        f"<tr><td>{escape(sample.post)}</td>"
        f"<td>{escape(sample.before)} → {escape(sample.after)}</td>"
        f"<td class=n>{score(sample.score_before)} → {score(sample.score_after)}</td>"
        f"<td><blockquote>{escape(sample.text)}</blockquote></td></tr>"
    )


def _histograms(rule: RuleChange) -> str:
    """Posts by score on both sides; heights are square roots, so that few are seen beside many."""
    most = max((*rule.histogram_before, *rule.histogram_after, 1)) ** 0.5
    steps = len(rule.histogram_after)
    width = (_WIDTH - 40) / steps
    parts = []
    for step in range(steps):
        for counts, colour, shift in (
            (rule.histogram_before, "--old", 0.0),
            (rule.histogram_after, "--new", width / 2),
        ):
            height = counts[step] ** 0.5 / most * _PLOT_HEIGHT
            parts.append(
                f'<rect x="{step * width + shift:.1f}" y="{_PLOT_HEIGHT - height:.1f}" '
                f'width="{width / 2 - 1:.1f}" height="{height:.1f}" fill="var({colour})">'
                f"<title>{counts[step]:,} posts</title></rect>"
            )
    labels = "".join(
        f'<text x="{(_WIDTH - 40) * part / 4:.0f}" y="{_PLOT_HEIGHT + 14}">{part / 4:g}</text>'
        for part in range(5)
    )
    height = _PLOT_HEIGHT + 20
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img">{"".join(parts)}{labels}</svg>'
