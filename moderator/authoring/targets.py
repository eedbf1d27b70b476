"""What a rule's thresholds come to: the scores for its targets, the line it will act from."""

from moderator.authoring.promise import Cut, cut_for_precision, why_not
from moderator.authoring.quality import Floats, Labels
from moderator.authoring.workbench import Workbench
from moderator.policy.calibration_file import RuleCalibration
from moderator.policy.channel import compile_channel
from moderator.policy.compile import lines
from moderator.policy.levels import Target
from moderator.policy.resolve import PROVISIONAL
from moderator.policy.schema import Rule


def cuts_for_targets(
    rule: Rule, scores: Floats, labels: Labels
) -> tuple[dict[str, Cut], list[str]]:
    """Where the precisions that a rule asks for can be promised, and what keeps others from it."""
    cuts: dict[str, Cut] = {}
    lacks = []
    wanted = [each for each in (rule.threshold, rule.review_at) if isinstance(each, Target)]
    for key, precision in {target.key: target.precision for target in wanted}.items():
        if precision is None:
            continue
        cut = cut_for_precision(scores, labels, precision)
        if cut is None:
            lacks.append(f"{key}: {why_not(scores, labels, precision)}")
        else:
            cuts[key] = cut
    own = getattr(rule.threshold, "precision", None)
    if own is not None and f"precision {own:g}" not in cuts:
        lacks.append(f"precision and recall are those from {PROVISIONAL:g} on, till it is met")
    return cuts, lacks


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
