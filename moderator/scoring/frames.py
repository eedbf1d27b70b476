"""Frames of one animation or video: what one of them shows, and what lasts.

A post is scored by the worst frame, so that nothing hides among harmless ones. Beside that stands a
smoothed vote, the best mean of three frames in a row: near the score, the harm is there to stay;
far below, it is a flash, or the model's mistake over one frame. `smooth` lets the vote decide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from moderator.scoring.score import Readings

_IN_A_ROW: Final = 3


def lasting_margin(
    readings: Readings, rows: slice, margins: NDArray[np.float32], decisive: int
) -> float | None:
    """The smoothed vote over the frames of the medium that decided; None if it is a still image.

    Args:
        readings: of the channel, of the whole batch.
        rows: those of the post.
        margins: (rows,) of one rule.
        decisive: the reading that decided, counted in the batch.
    """
    if not readings.seconds or readings.seconds[decisive] is None:
        return None
    best: dict[float, float] = {}  # of each frame: a long one is read in several parts
    for row, margin in zip(range(rows.start, rows.stop), margins, strict=True):
        seconds = readings.seconds[row]
        if seconds is not None and readings.uses[row] == readings.uses[decisive]:
            best[seconds] = max(best.get(seconds, -np.inf), float(margin))
    frames = np.array([best[seconds] for seconds in sorted(best)])
    return float(frames[_windows(len(frames))].mean(axis=1).max())


def smooth(readings: Readings) -> Readings:
    """Each frame as the mean of three frames in a row; margins, being linear, follow."""
    vectors = readings.vectors.copy()
    for film in _films(readings).values():
        frames = [film[seconds] for seconds in sorted(film)]
        # A frame without transparency has fewer views: on white and on black it is what it is.
        most = max(map(len, frames))
        rows = np.array([[of[view % len(of)] for view in range(most)] for of in frames])
        parts = readings.vectors[rows]  # (frames, views, dimensions)
        for of, mean in zip(frames, parts[_windows(len(frames))].mean(axis=1), strict=True):
            vectors[of] = mean[: len(of)]
    return replace(readings, vectors=vectors)


def _films(readings: Readings) -> Mapping[int, Mapping[float, Sequence[int]]]:
    """The rows of each animation and video, by use and by frame."""
    films: dict[int, dict[float, list[int]]] = {}
    for row, (use, seconds) in enumerate(zip(readings.uses, readings.seconds, strict=True)):
        if seconds is not None:
            films.setdefault(use, {}).setdefault(seconds, []).append(row)
    return films


def _windows(frames: int) -> NDArray[np.intp]:
    """(frames, 3) for each frame, three in a row with it among them; fewer if there are fewer."""
    width = min(_IN_A_ROW, frames)
    starts = np.clip(np.arange(frames) - width // 2, 0, frames - width)
    return starts[:, None] + np.arange(width)
