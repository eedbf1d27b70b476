"""What one rule made of one post, for the verdict: scores by channel and the nearest prompt."""

from collections.abc import Mapping

import numpy as np

from moderator.policy.compile import CompiledRules
from moderator.scoring.calibration import logit, sigmoid
from moderator.scoring.decision import action_of
from moderator.scoring.frames import lasting_margin
from moderator.scoring.score import Readings, Scores
from moderator.verdicts import ChannelScore, RuleScore

_LOWEST = logit(1e-6)  # scores are published with six digits; minus infinity is none of them


def rule_score(
    rules: CompiledRules, readings: Mapping[str, Readings], scores: Scores, post: int, column: int
) -> RuleScore:
    """Spell out one cell of the score matrix."""
    rule = rules.rules[column]
    value = _probability(scores.fused[post, column])
    return RuleScore(
        id=rules.ids[column],
        score=value,
        threshold=rule.threshold,
        review_at=rule.review_at,
        severity=rule.severity,
        action=action_of(value, rule.threshold, rule.review_at, rule.action),
        shadow=rule.mode == "shadow",
        channels={
            name: _channel_score(rules, name, readings[name], post, column)
            for name, values in scores.margins.items()
            if values.present[post] and rules.channels[name].reads[column]
        },
    )


def _channel_score(
    rules: CompiledRules, name: str, readings: Readings, post: int, column: int
) -> ChannelScore:
    channel, rows = rules.channels[name], readings.rows(post)
    margins = readings.vectors[rows] @ channel.directions[:, column]
    decisive = rows.start + int(margins.argmax())
    margin = float(margins.max())
    prompts = channel.violates[column]
    nearest = prompts[int((channel.prompt_vectors[prompts] @ readings.vectors[decisive]).argmax())]

    def score(margin: float) -> float:
        return _probability(channel.affine.gain[column] * margin + channel.affine.offset[column])

    lasting = lasting_margin(readings, rows, margins, decisive)
    return ChannelScore(
        margin=round(margin, 6),
        score=score(margin),
        nearest=channel.prompts[nearest],
        media=readings.media[decisive] if readings.media else None,
        seconds=readings.seconds[decisive] if readings.seconds else None,
        lasting=None if lasting is None else score(lasting),
    )


def _probability(log_odds: float | np.floating) -> float:
    return round(float(sigmoid(max(float(log_odds), _LOWEST))), 6)
