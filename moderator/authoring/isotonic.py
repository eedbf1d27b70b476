"""A rule's scores bent to what labels show, without a shape given: isotonic regression.

Zadrozny and Elkan, "Transforming classifier scores into accurate multiclass probability
estimates" (2002). It follows what a logistic cannot, and needs more labels for that: with few it
learns them by heart (Niculescu-Mizil and Caruana, "Predicting good probabilities", 2005).
"""

import numpy as np
from numpy.typing import NDArray

from moderator.extras import needed
from moderator.scoring.calibration import Curve

FEWEST = 50
"""Labels of each kind."""

_KNOTS = 2  # a curve of one knot would call all posts alike


def isotonic(logits: NDArray[np.float64], labels: NDArray[np.int8]) -> Curve | None:
    """The curve from a logistic's log-odds; None where labels show no order.

    Each level run of the regression becomes a knot in the middle of its posts, with straight lines
    between them. No knot is surer than the posts of the outer runs allow: k of n are taken for
    (k + 1) / (n + 2) there, Laplace's rule of succession.
    """
    fitted = (
        needed("sklearn.isotonic", "calibrate").IsotonicRegression().fit_transform(logits, labels)
    )
    levels, run = np.unique(np.round(fitted, 9), return_inverse=True)
    posts = np.bincount(run)
    middles = np.bincount(run, weights=logits) / posts
    violating = np.bincount(run, weights=labels)
    careful = (violating + 1) / (posts + 2)
    if careful[0] >= careful[-1] or len(levels) < _KNOTS:
        return None
    shares = np.clip(levels, careful[0], careful[-1])
    # Of the runs that are held at an end the inner one stays: the line leaves the end there.
    first = int(np.flatnonzero(shares == shares[0])[-1])
    last = int(np.flatnonzero(shares == shares[-1])[0]) + 1
    inner = slice(first, last)
    log_odds = np.log(shares[inner]) - np.log1p(-shares[inner])
    at, places = np.unique(middles[inner].astype(np.float32), return_index=True)
    return Curve(at, log_odds[places].astype(np.float32))
