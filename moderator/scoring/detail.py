"""What one rule made of one post, for the verdict: scores by channel and the nearest prompt."""

from collections.abc import Mapping

import numpy as np

from moderator.ocr.base import CHANNEL as OCR
from moderator.policy.compile import CompiledRules
from moderator.policy.fields import KEYWORDS
from moderator.scoring.calibration import logit, sigmoid
from moderator.scoring.decision import action_of
from moderator.scoring.excuses import acts, excuse
from moderator.scoring.frames import lasting_margin
from moderator.scoring.score import Readings, Scores
from moderator.verdicts import ALLOW, REVIEW, ChannelScore, RuleScore

_LOWEST = logit(1e-6)  # scores are published with six digits; minus infinity is none of them


def rule_score(
    rules: CompiledRules,
    readings: Mapping[str, Readings],
    scores: Scores,
    post: int,
    column: int,
    post_id: str = "",
) -> RuleScore:
    """Spell out one cell of the score matrix; the post's id decides whether a canary acts on it."""
    rule, name = rules.rules[column], rules.ids[column]
    value = _probability(scores.fused[post, column])
    threshold, review_at = rules.thresholds[column], rules.review_lines[column]
    action = action_of(value, threshold, review_at, rule.action)
    excused = excuse(rules, scores, post, column, post_id) if action != ALLOW else None
    tripped = rules.tripped.get(column)
    if excused is not None:
        action = ALLOW
    elif tripped == "review" and action != ALLOW:
        action = REVIEW
    return RuleScore(
        id=name,
        score=value,
        threshold=threshold,
        review_at=review_at,
        severity=rule.severity,
        action=action,
        shadow=not acts(rules, column, post_id),
        channels={
            **{
                channel: _channel_score(rules, channel, readings[channel], post, column)
                for channel, values in scores.margins.items()
                if values.present[post] and rules.channels[channel].reads[column]
            },
            **_keyword_score(scores, post, column),
        },
        mode=rule.mode_name,
        tripped=tripped is not None,
        excused=excused,
        parts=_parts(rules, scores, post, column),
    )


def _keyword_score(scores: Scores, post: int, column: int) -> dict[str, ChannelScore]:
    found = scores.hits.fires.get((post, column))
    if found is None:
        return {}
    media = scores.hits.media.get((post, column))
    return {KEYWORDS: ChannelScore(margin=1.0, score=found.score, nearest=found.label, media=media)}


def _parts(rules: CompiledRules, scores: Scores, post: int, column: int) -> dict[str, float]:
    """The scores of the rules that a combined rule is made of."""
    if rules.rules[column].when is None:
        return {}
    combined = next(made for made in rules.combined if made.column == column)
    return {
        name: _probability(scores.fused[post, place]) for name, place in combined.columns.items()
    }


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
        return _probability(channel.scale.of_rule(column, np.array([margin], np.float32))[0])

    # What is written in frames is another text each time: no vote over them.
    lasting = None if name == OCR else lasting_margin(readings, rows, margins, decisive)
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
