"""How far the compiled rules go: the one place that reads their thresholds and modes."""

import numpy as np
from numpy.typing import NDArray

from moderator.policy.compile import CompiledRules
from moderator.scoring.calibration import logit


def thresholds(rules: CompiledRules) -> list[float]:
    """The score from which each rule takes its action."""
    return list(rules.thresholds)


def review_lines(rules: CompiledRules) -> list[float]:
    """The score from which a person looks, by rule."""
    return list(rules.review_lines)


def log_odds(lines: list[float]) -> NDArray[np.float32]:
    """(rules,) the lines as log-odds."""
    return np.array([logit(line) for line in lines], np.float32)


def acting(rules: CompiledRules) -> NDArray[np.bool_]:
    """(rules,) those that act on posts, rather than only report."""
    return np.array([rule.mode_name in {"enforce", "canary"} for rule in rules.rules])
