"""A report as one HTML page that needs nothing else."""

import numpy as np
from jinja2 import Environment, PackageLoader, select_autoescape
from markupsafe import Markup

from moderator.app import Core
from moderator.evaluation import plots
from moderator.evaluation.answers import Judged
from moderator.evaluation.report import Report

_MAP_POSTS = 600  # enough to see clusters; every one is encoded once more


def render(report: Report, judged: Judged, core: Core) -> str:
    """The page: tables, and plots as inline SVG."""
    environment = Environment(
        loader=PackageLoader("moderator.evaluation", ""), autoescape=select_autoescape(["j2"])
    )
    shown = [
        Markup(draw(each))  # noqa: S704  # drawn by us; matplotlib escapes texts
        for each in judged.answers
        if each.truth.any() and not each.truth.all()
        for draw in (plots.precision_recall, plots.calibration, plots.confusion)
    ]
    if space := _map(judged, core):
        shown.append(Markup(space))  # noqa: S704
    return environment.get_template("page.html.j2").render(report=report, plots=shown)


def _map(judged: Judged, core: Core) -> str | None:
    """The texts of the suite's last task, which is the task of all where there is one.

    Rules without prompts for texts have no place in it.
    """
    asked = judged.answers[-1]
    chosen = [
        (text, truth)
        for place, truth in zip(asked.places, asked.truth.tolist(), strict=True)
        if (text := judged.examples[place].post.text) and text.strip()
    ]
    columns = _columns(judged, core)
    if len(chosen) < 3 or not columns:  # noqa: PLR2004
        return None
    chosen = chosen[:: max(1, len(chosen) // _MAP_POSTS)]
    encoded = core.channels["text"].text.encode([text for text, _ in chosen])
    first = np.searchsorted(encoded.owners, np.arange(len(chosen)))  # each text's first window
    channel = core.rules.channels["text"]
    centres = np.stack([channel.prompt_vectors[channel.violates[c]].mean(axis=0) for c in columns])
    names = [core.rules.ids[column].rpartition("/")[2] for column in columns]
    return plots.space_map(encoded.vectors[first], [truth for _, truth in chosen], centres, names)


def _columns(judged: Judged, core: Core) -> list[int]:
    channel = core.rules.channels.get("text")
    rules = sorted({rule for each in judged.answers for rule in each.rules})
    columns = [core.rules.ids.index(rule) for rule in rules if rule in core.rules.ids]
    return [column for column in columns if channel and len(channel.violates[column])]
