"""Rules to vectors: a policy set becomes one matrix for each channel."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.encoders.base import Space
from moderator.errors import PolicyError
from moderator.ocr.base import CHANNEL as OCR
from moderator.policy.calibration_file import RuleCalibration, lacking
from moderator.policy.channel import Calibrations, compile_channel
from moderator.policy.combine import combinations
from moderator.policy.compiled import Columns, CompiledChannel, CompiledRules, FusionGroup
from moderator.policy.fields import BESIDE_HEAD, KEYWORDS
from moderator.policy.policyset import PolicySet
from moderator.policy.resolve import ChannelBackground, resolve
from moderator.policy.schema import Policy, Rule
from moderator.policy.scope import scope_of
from moderator.scoring.calibration import logit
from moderator.scoring.keywords import Entry, KeywordIndex
from moderator.verdicts import ModelRef, PolicyRef, Receipt

__all__ = ["CompiledChannel", "CompiledRules", "FusionGroup", "compile_rules"]


def compile_rules(
    policies: PolicySet,
    channels: Mapping[str, Space],
    cache: VectorCache,
    *,
    provisional: bool = False,
) -> CompiledRules:
    """Compile every rule that is not off.

    `provisional` is for who calibrates: rules that wait for a calibration get a threshold of 0.5
    and even weights. Raises PolicyError when no rule is left, when no channel in use can read a
    rule, when a rule's two sides mean the same to the encoder, or when a target cannot be met.
    """
    chosen = [(policy, rule) for policy, rule in policies if rule.mode != "off"]
    if not chosen:
        raise PolicyError("every rule is `mode: off`; nothing would be checked")
    ids = tuple(f"{policy.name}/{rule.id}" for policy, rule in chosen)
    rules = tuple(rule for _, rule in chosen)
    if not provisional:
        _refuse_lacking(policies, chosen)
        _refuse_foreign(policies, chosen, channels)
    for name, rule in zip(ids, rules, strict=True):
        by_meaning = any(rule.prompts(channel)[0] for channel in rule.channels)
        if by_meaning and not set(rule.reads) & set(channels):
            raise PolicyError(
                f"{name}: reads {', '.join(rule.channels)}, but the models in use read only "
                f"{', '.join(channels)}; its posts would go unchecked"
                + ("; set MODERATOR_OCR=on" if OCR in rule.channels else "")
            )
    calibrations = tuple(policies.calibration(policy, rule) for policy, rule in chosen)
    compiled = {
        channel: compile_channel(channel, space, ids, rules, calibrations, cache)
        for channel, space in channels.items()
    }
    thresholds, review_lines = lines(ids, rules, calibrations, channels, compiled)
    return CompiledRules(
        ids=ids,
        rules=rules,
        channels=compiled,
        fusion=_fusion_groups(rules, calibrations, tuple(channels)),
        thresholds=thresholds,
        review_lines=review_lines,
        threshold_log_odds=_log_odds(thresholds),
        review_log_odds=_log_odds(review_lines),
        scope=scope_of(chosen),
        keywords=_keywords(rules),
        combined=combinations(ids, rules),
        excusing=_excusing(ids, rules),
        actions=policies.actions,
        receipt=Receipt(
            policy=PolicyRef(policies.name, policies.version, policies.digest),
            models={name: _model(space) for name, space in channels.items()},
        ),
        breakers={
            column: policy.breaker
            for column, (policy, _) in enumerate(chosen)
            if policy.breaker is not None
        },
    )


def _model(space: Space) -> ModelRef:
    """What judged a channel: its space, and for texts in pictures what read them."""
    if not space.reader:
        return ModelRef(space.name, space.digest)
    digest = blake2b(f"{space.digest} {space.reader}".encode(), digest_size=len(space.digest) // 2)
    return ModelRef(f"{space.name}, {space.reader}", digest.hexdigest())


def _refuse_lacking(policies: PolicySet, chosen: Sequence[tuple[Policy, Rule]]) -> None:
    """Refuse targets that nothing was calibrated for; an unused calibration is only a warning."""
    messages = [
        f"{policy.name}/{rule.id}: {message}"
        for policy, rule in chosen
        for key, message in lacking(rule, policies.calibrations.get(policy.name))
        if key != "id"
    ]
    if messages:
        raise PolicyError("\n".join(messages))


def _refuse_foreign(
    policies: PolicySet, chosen: Sequence[tuple[Policy, Rule]], channels: Mapping[str, Space]
) -> None:
    """Refuse what was learnt of scores that other models gave, where nothing can stand in for it.

    Slopes and directions fall back to the space's own; scores for a precision and weights do not.
    """
    for policy, rule in chosen:
        found = policies.calibration(policy, rule)
        targets = (rule.threshold, rule.review_at)
        leans = rule.fusion == "learned" or any(getattr(t, "precision", None) for t in targets)
        if found is None or not leans:
            continue
        for name, calibrated in found.channels.items():
            if name in channels and calibrated.space != channels[name].digest:
                raise PolicyError(
                    f"{policy.name}/{rule.id}: its calibration was made with other models than "
                    f"{channels[name].name}; run `moderator policy calibrate` with these"
                )


def lines(
    ids: Sequence[str],
    rules: Sequence[Rule],
    calibrations: Calibrations,
    channels: Mapping[str, Space],
    compiled: Mapping[str, CompiledChannel],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Every rule's threshold and review line as scores. Raises PolicyError."""
    backgrounds = {
        name: ChannelBackground(channels[name], name, channel.directions, channel.scale)
        for name, channel in compiled.items()
    }
    lines = [
        resolve(
            name,
            rule,
            column,
            calibrations[column],
            {c: b for c, b in backgrounds.items() if compiled[c].reads[column]},
        )
        for column, (name, rule) in enumerate(zip(ids, rules, strict=True))
    ]
    return tuple(line for line, _ in lines), tuple(line for _, line in lines)


def _log_odds(scores: Sequence[float]) -> NDArray[np.float32]:
    return np.array([logit(score) for score in scores], np.float32)


def _keywords(rules: Sequence[Rule]) -> KeywordIndex | None:
    entries = [
        Entry(column, keyword, excuses)
        for column, rule in enumerate(rules)
        for excuses, keywords in ((False, rule.keywords), (True, rule.excepts.keywords))
        for keyword in keywords
    ]
    return KeywordIndex(entries) if entries else None


def _excusing(ids: Sequence[str], rules: Sequence[Rule]) -> dict[int, tuple[int, ...]]:
    place = {name: column for column, name in enumerate(ids)}
    return {
        column: tuple(
            place[f"{ids[column].rpartition('/')[0]}/{name}"] for name in rule.excepts.rules
        )
        for column, rule in enumerate(rules)
        if rule.excepts.rules
    }


def _weight(rule: Rule, found: RuleCalibration | None, channel: str) -> float:
    """How much a channel counts; NaN where a learned head knows nothing of it."""
    if rule.fusion != "learned":
        return rule.weights.get(channel, 1.0)
    if channel in BESIDE_HEAD:
        return float("nan")
    return found.weights.get(channel, 1.0) if found is not None else 1.0


def _fusion_groups(
    rules: Sequence[Rule], calibrations: Calibrations, channels: Sequence[str]
) -> tuple[FusionGroup, ...]:
    pairs = list(zip(rules, calibrations, strict=True))
    weights = np.array(
        [
            [_weight(rule, found, channel) for rule, found in pairs]
            for channel in (*channels, KEYWORDS)
        ],
        np.float32,
    )
    bias = np.array([0.0 if found is None else found.bias for found in calibrations], np.float32)
    kinds = np.array([rule.fusion for rule in rules])
    groups = []
    for kind in dict.fromkeys(rule.fusion for rule in rules):
        found = np.flatnonzero(kinds == kind)
        # All of them as a slice: a view instead of a copy of every score.
        columns: Columns = found if len(found) < len(rules) else slice(None)
        groups.append(FusionGroup(kind, columns, weights[:, columns], bias[columns]))
    return tuple(groups)
