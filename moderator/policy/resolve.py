"""The score that stands for a threshold: the number written, or what a target comes to.

`rate: 0.5%` is read off the background sample that ships with the space: the score that so many of
ordinary posts of one modality reach. `precision` needs labels; its score is in the calibration.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Space
from moderator.errors import PolicyError
from moderator.policy.calibration_file import RuleCalibration
from moderator.policy.levels import Target
from moderator.policy.schema import Rule
from moderator.scoring.calibration import Scale, sigmoid

PROVISIONAL = 0.5
"""The threshold of a rule that waits for its calibration, for the one who is making it."""

_LEAST_POSTS = 1.0  # of the background sample that a rate must come to


class ChannelBackground:
    """The log-odds of ordinary content in one channel, rule by rule, computed when asked for."""

    def __init__(
        self, space: Space, channel: str, directions: NDArray[np.float32], scale: Scale
    ) -> None:
        self._background = space.calibration[channel].background
        self._directions = directions
        self._scale = scale

    def __len__(self) -> int:
        return len(self._background)

    def reached_by(self, share: float, column: int) -> float:
        """The log-odds that this share of the sample reaches."""
        margins = self._background @ self._directions[:, column]
        log_odds = self._scale.of_rule(column, margins)
        return float(np.quantile(log_odds, 1.0 - share))


def resolve(
    name: str,
    rule: Rule,
    column: int,
    calibration: RuleCalibration | None,
    backgrounds: Mapping[str, ChannelBackground],
) -> tuple[float, float]:
    """A rule's threshold and review line. Raises PolicyError where a rate cannot be had."""
    threshold, review_at = (
        _score(name, key, value, column, calibration, backgrounds)
        for key, value in (("threshold", rule.threshold), ("review_at", rule.review_at))
    )
    return threshold, min(threshold, review_at)


def _score(
    name: str,
    key: str,
    value: float | Target,
    column: int,
    calibration: RuleCalibration | None,
    backgrounds: Mapping[str, ChannelBackground],
) -> float:
    if not isinstance(value, Target):
        return value
    found = calibration.score_for(value) if calibration is not None else None
    if found is not None:
        return found
    if value.rate is None:
        return PROVISIONAL
    return _from_background(
        f"{name}: `{key}: {{rate: {value.rate:g}}}`", value.rate, column, backgrounds
    )


def _from_background(
    what: str, rate: float, column: int, backgrounds: Mapping[str, ChannelBackground]
) -> float:
    if not backgrounds:
        raise PolicyError(
            f"{what} cannot be told from ordinary posts, because the rule compares none with "
            "sentences; give it a number"
        )
    sample = min(len(background) for background in backgrounds.values())
    if rate * sample < _LEAST_POSTS:
        raise PolicyError(
            f"{what} is less than one post of the {sample:,} that come with the models; "
            f"the smallest rate is {1 / sample:.2%}; or ask for a `precision`, with labelled posts"
        )
    # The highest of the channels' own: posts of no kind fire more often than was asked for.
    log_odds = max(background.reached_by(rate, column) for background in backgrounds.values())
    score = round(float(sigmoid(log_odds)), 6)
    return min(max(score, 1e-6), 1 - 1e-6)
