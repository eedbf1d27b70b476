"""A learned direction or the prompts' own: whichever orders unseen posts better."""

from moderator.authoring.extras import needed
from moderator.authoring.fit import Fit, Labels, Method, fit_learned, fit_prompts
from moderator.encoders.base import Calibration, Matrix, Vector


def best(
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
