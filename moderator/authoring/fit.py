"""Labels to a rule's probabilities: Platt's logistic, and a learned direction; cross-validated.

Platt, "Probabilistic Outputs for Support Vector Machines" (1999): log-odds = slope · z + intercept,
fitted to labels that are not taken for certain. The other method, isotonic, bends them further: see
`isotonic`.
"""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.isotonic import isotonic
from moderator.encoders.base import Calibration, Matrix, Vector
from moderator.extras import needed
from moderator.scoring.calibration import Curve, standardise

Floats = NDArray[np.float64]  # (posts,)
Labels = NDArray[np.int8]  # (posts,) 0 or 1
Method = Literal["platt", "isotonic"]

FOLDS = 5
_LOOSE = 100.0  # of Platt's two parameters; the labels themselves keep them finite
_PRIOR = 4.0  # how much easier the prompts' direction is to follow than any other
_STRENGTH = 10.0  # of the learned head: less would be the prompts alone, more the labels alone


class Line(NamedTuple):
    """From standardised margins to log-odds."""

    slope: float
    intercept: float
    curve: Curve | None = None  # with the method isotonic, where labels show an order

    def __call__(self, z: Floats) -> Floats:
        """(posts,) to (posts,)."""
        logits = self.slope * z + self.intercept
        return logits if self.curve is None else self.curve(logits).astype(np.float64)


@dataclass(frozen=True)
class Fit:
    """One rule in one channel, and what it says of posts that it was not fitted on."""

    direction: Vector  # (dimensions,) unit
    line: Line
    log_odds: Floats  # (posts,) out of fold
    # (posts,) by the line that is kept, of margins along directions learned without the post: where
    # scores of new posts will lie. Out of fold each fold has a line of its own.
    settled: Floats


def line(z: Floats, labels: Labels, method: Method = "platt") -> Line:
    """Fit it on all of them."""
    slope, intercept = platt(z, labels)
    bent = method == "isotonic" and slope > 0
    return Line(slope, intercept, isotonic(slope * z + intercept, labels) if bent else None)


def platt(z: Floats, labels: Labels) -> tuple[float, float]:
    """Slope and intercept.

    As Platt does, of N posts with a label (N + 1) / (N + 2) are taken to have it, the mean a
    posteriori under an even prior: a few posts that are easily told apart make nobody certain.
    """
    violates, allows = int(labels.sum()), int((1 - labels).sum())
    sure = np.where(labels == 1, (violates + 1) / (violates + 2), 1 / (allows + 2))
    model = needed("sklearn.linear_model", "calibrate").LogisticRegression(C=_LOOSE)
    both = np.repeat([1, 0], len(z))
    model.fit(np.tile(z, 2)[:, None], both, sample_weight=np.concatenate([sure, 1 - sure]))
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def fit_prompts(
    vectors: Matrix,
    labels: Labels,
    direction: Vector,
    calibration: Calibration,
    method: Method = "platt",
) -> Fit:
    """Keep the prompts' direction and fit the logistic alone.

    Args:
        vectors: (posts, dimensions) the reading of each post that the rule minds most.
        labels: (posts,) with at least `FOLDS` of each kind.
        direction: (dimensions,) of the rule's prompts.
        calibration: the background that margins are standardised on.
        method: Platt's logistic, or with many labels isotonic regression on top of it.
    """
    z = standardised(vectors, direction, calibration)
    return _fit(direction, z, labels, method)


def _fit(direction: Vector, z: Floats, labels: Labels, method: Method) -> Fit:
    fitted = line(z, labels, method)
    return Fit(direction, fitted, _out_of_fold(z, labels, method), fitted(z))


def _out_of_fold(z: Floats, labels: Labels, method: Method) -> Floats:
    out = np.empty(len(labels))
    for train, held_out in folds(labels):
        out[held_out] = line(z[train], labels[train], method)(z[held_out])
    return out


def fit_learned(
    vectors: Matrix,
    labels: Labels,
    direction: Vector,
    calibration: Calibration,
    method: Method = "platt",
) -> Fit:
    """Learn a direction too: a logistic head, drawn to the prompts' direction where labels are few.

    The prompts' margin is one feature more, scaled so that the penalty hardly touches it. A sum of
    linear features is linear, so the head is one direction again.
    """
    out_z = np.empty(len(labels))
    for train, held_out in folds(labels):
        learned = _head(vectors[train], labels[train], direction)
        out_z[held_out] = standardised(vectors[held_out], learned, calibration)
    final = _head(vectors, labels, direction)
    # On unseen posts: the head's own margins are too good.
    return _fit(final, out_z, labels, method)


def fit_best(
    vectors: Matrix,
    labels: Labels,
    direction: Vector,
    calibration: Calibration,
    method: Method = "platt",
) -> Fit:
    """See `fit_prompts` for what they are; the prompts' own direction where both are as good."""
    precision = needed("sklearn.metrics", "calibrate").average_precision_score
    plain = fit_prompts(vectors, labels, direction, calibration, method)
    learned = fit_learned(vectors, labels, direction, calibration, method)
    better = precision(labels, learned.log_odds) > precision(labels, plain.log_odds)
    return learned if better and learned.line.slope > 0 else plain


def standardised(vectors: Matrix, direction: Vector, calibration: Calibration) -> Floats:
    """(posts,) margins in spreads of the background sample."""
    plain = Calibration(calibration.background, slope=1.0, intercept=0.0)
    affine = standardise(plain, direction[:, None])
    return affine.log_odds((vectors @ direction)[:, None])[:, 0].astype(np.float64)


def _head(vectors: Matrix, labels: Labels, direction: Vector) -> Vector:
    linear = needed("sklearn.linear_model", "calibrate")
    model = linear.LogisticRegression(C=_STRENGTH, class_weight="balanced", max_iter=1000)
    margins = vectors @ direction
    features = np.column_stack([vectors, _PRIOR * margins])
    model.fit(features, labels)
    *weights, prior = model.coef_[0]
    combined = np.array(weights) + _PRIOR * prior * direction
    return np.asarray(combined / np.linalg.norm(combined), np.float32)


def folds(labels: Labels) -> Any:
    """Pairs of places: to fit on, and held out; as many of each kind in every one."""
    selection = needed("sklearn.model_selection", "calibrate")
    folds = selection.StratifiedKFold(FOLDS, shuffle=True, random_state=0)
    return folds.split(np.zeros(len(labels)), labels)
