"""What a rule's thresholds come to: the scores for its targets, the line it will act from."""

import math

from moderator.authoring.quality import Floats, Labels, threshold_for_precision
from moderator.authoring.workbench import Workbench
from moderator.policy.calibration_file import RuleCalibration
from moderator.policy.channel import compile_channel
from moderator.policy.compile import lines
from moderator.policy.levels import Target
from moderator.policy.resolve import PROVISIONAL
from moderator.policy.schema import Rule


def scores_for_targets(
    rule: Rule, scores: Floats, labels: Labels
) -> tuple[dict[str, float], list[str]]:
    """The scores that reach the precisions a rule asks for, and what keeps others from it."""
    targets: dict[str, float] = {}
    lacks = []
    wanted = [each for each in (rule.threshold, rule.review_at) if isinstance(each, Target)]
    for key, precision in {target.key: target.precision for target in wanted}.items():
        if precision is None:
            continue
        needed, violates = fewest_for(precision), int(labels.sum())
        found = threshold_for_precision(scores, labels, precision)
        if violates < needed:
            lacks.append(f"{key}: needs {needed} posts labelled 1, has {violates}")
        elif found is None:
            lacks.append(f"{key}: no score is that sure; improve the prompts, or ask for less")
        else:
            targets[key] = min(max(found, 1e-6), 1 - 1e-6)
    own = getattr(rule.threshold, "precision", None)
    if own is not None and f"precision {own:g}" not in targets:
        lacks.append(f"precision and recall are those from {PROVISIONAL:g} on, till it is met")
    return targets, lacks


def fewest_for(precision: float) -> int:
    """How many posts labelled 1 it takes to tell a precision: 20 for 0.95, where one may be wrong.

    Rounded first: in floating point 1 / (1 - 0.95) is a little more than 20.
    """
    return math.ceil(round(1 / (1 - precision), 6))


def threshold_of(name: str, rule: Rule, made: RuleCalibration | None, bench: Workbench) -> float:
    """The score from which a rule acts when it is compiled with a calibration.

    Raises PolicyError where a rate cannot be had, and InferenceError.
    """
    compiled = {
        channel: compile_channel(channel, space, [name], [rule], [made], bench.cache)
        for channel, space in bench.channels.items()
    }
    (threshold,), _ = lines([name], [rule], [made], bench.channels, compiled)
    return threshold
