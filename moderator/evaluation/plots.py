"""A report's plots, as SVG to be put into a page."""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure as Canvas
from sklearn.metrics import precision_recall_curve

from moderator.authoring.projection import plane
from moderator.encoders.base import Matrix
from moderator.evaluation.answers import FUSED, Answers
from moderator.scoring.reliability import reliability

_WIDE, _HIGH = 4.2, 3.4  # inches


def precision_recall(answers: Answers) -> str:
    """Precision against recall, a curve for each channel."""
    canvas, axes = _axes("recall", "precision", answers.task)
    alone = len(answers.scores) == 2  # noqa: PLR2004  # a single channel and, the same, fused
    for channel, scores in answers.scores.items():
        read = ~np.isnan(scores)
        if alone and channel != FUSED:
            continue
        if answers.truth[read].any():
            precisions, recalls, _ = precision_recall_curve(answers.truth[read], scores[read])
            axes.plot(recalls, precisions, label=channel, lw=2 if channel == FUSED else 1)
    axes.axhline(answers.truth.mean(), color="0.6", ls=":", label="chance")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.legend(frameon=False, fontsize=8)
    return _svg(canvas)


def calibration(answers: Answers) -> str:
    """What share of posts with a score is positive; on the diagonal scores are probabilities."""
    canvas, axes = _axes("score", "share positive", f"{answers.task}, reliability")
    axes.plot([0, 1], [0, 1], color="0.6", ls=":")
    scores = answers.scores[FUSED]
    read = ~np.isnan(scores)
    bins = reliability(answers.truth[read], scores[read])
    axes.plot([each.score for each in bins], [each.positive for each in bins], marker="o", ms=4)
    for each in bins:
        axes.annotate(f"{each.posts}", (each.score, each.positive), fontsize=6, alpha=0.7)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    return _svg(canvas)


def confusion(answers: Answers) -> str:
    """Posts by what they are and what the rule's lines make of them."""
    canvas, axes = _axes("", "", f"{answers.task}, at the rule's lines")
    reviewed = answers.reviewed & ~answers.fired
    passed = ~answers.fired & ~reviewed
    outcomes = (passed, reviewed, answers.fired)
    labels = (answers.truth, ~answers.truth)
    counts = np.array([[(outcome & label).sum() for outcome in outcomes] for label in labels])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.pcolormesh(shares, cmap="Blues", vmin=0, vmax=1.4)  # imshow would embed a bitmap
    axes.invert_yaxis()
    axes.set_xticks([0.5, 1.5, 2.5], ["passes", "to review", "fires"])
    axes.set_yticks([0.5, 1.5], ["positive", "negative"])
    for (row, column), count in np.ndenumerate(counts):
        axes.annotate(
            f"{count:,}", (column + 0.5, row + 0.5), ha="center", va="center", fontsize=11
        )
    return _svg(canvas)


def space_map(
    posts: Matrix, positive: Sequence[bool], prompts: Matrix, names: Sequence[str]
) -> str:
    """Posts and rules' prompts on the two directions in which the posts differ most (PCA)."""
    seen = plane(posts)
    where, rules = seen.place(posts), seen.place(prompts)
    canvas, axes = _axes("", "", "posts and rules in the space", scale=2.0)
    marks = np.asarray(positive)
    axes.scatter(*where[~marks].T, s=8, color="0.7", label="negative", lw=0)
    axes.scatter(*where[marks].T, s=8, color="#c0392b", label="positive", lw=0, alpha=0.7)
    axes.scatter(*rules.T, s=60, marker="*", color="#1f4e79", label="rules")
    for name, (x, y) in zip(names, rules, strict=True):
        axes.annotate(name, (x, y), fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.legend(frameon=False, fontsize=8)
    return _svg(canvas)


def _axes(across: str, up: str, title: str, scale: float = 1.0) -> tuple[Canvas, Any]:
    canvas = Canvas(figsize=(_WIDE * scale, _HIGH * scale), layout="constrained")
    axes = canvas.add_subplot()
    axes.set(xlabel=across, ylabel=up)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return canvas, axes


def _svg(canvas: Canvas) -> str:
    stream = io.StringIO()
    # The same report gives the same bytes: no date, no random ids.
    with mpl.rc_context({"svg.hashsalt": "moderator", "svg.fonttype": "none"}):
        canvas.savefig(stream, format="svg", metadata={"Date": None})
    return stream.getvalue().partition("<svg")[1] + stream.getvalue().partition("<svg")[2]
