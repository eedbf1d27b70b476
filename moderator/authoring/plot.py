"""Reliability diagrams: what scores promise against what is observed."""

import math
from collections.abc import Sequence
from pathlib import Path

from moderator.authoring.calibrate import Calibrated
from moderator.errors import StartupError
from moderator.extras import needed

_COLUMNS = 3
_INCHES = 3.2  # a side of one diagram


def write_reliability(found: Sequence[Calibrated], path: Path) -> None:
    """Draw a diagram for each calibrated rule into one picture. Raises StartupError."""
    needed("matplotlib", "calibrate").use("Agg")  # no display is needed
    pyplot = needed("matplotlib.pyplot", "calibrate")
    rules = [each for each in found if each.bins]
    rows = max(1, math.ceil(len(rules) / _COLUMNS))
    columns = min(_COLUMNS, max(1, len(rules)))
    figure, axes = pyplot.subplots(
        rows, columns, figsize=(columns * _INCHES, rows * _INCHES), squeeze=False
    )
    for axis in axes.flat[len(rules) :]:
        axis.axis("off")
    for axis, each in zip(axes.flat, rules, strict=False):
        most = max(part.posts for part in each.bins)
        axis.plot([0, 1], [0, 1], "--", color="0.7")
        axis.plot([part.score for part in each.bins], [part.positive for part in each.bins], "-")
        axis.scatter(
            [part.score for part in each.bins],
            [part.positive for part in each.bins],
            s=[10 + 90 * part.posts / most for part in each.bins],
        )
        title = f"{each.rule}\nECE {each.after['ECE'].value:.3f}".replace("$", r"\$")
        axis.set(title=title, xlabel="score", ylabel="share that violates")
        axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
    figure.tight_layout()
    try:
        figure.savefig(path, dpi=110, format="png")
    except OSError as error:
        raise StartupError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        pyplot.close(figure)
