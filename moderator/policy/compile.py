"""Rules to vectors: a policy set becomes one matrix for each channel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.encoders.base import Calibration, Matrix, Space
from moderator.errors import PolicyError
from moderator.policy.calibration_file import ChannelCalibration, RuleCalibration, lacking
from moderator.policy.combine import Combined, combinations
from moderator.policy.conditions import Breaker
from moderator.policy.embed import embed_prompts
from moderator.policy.fields import CHANNELS, KEYWORDS
from moderator.policy.policyset import PolicySet
from moderator.policy.resolve import ChannelBackground, resolve
from moderator.policy.schema import Policy, Rule
from moderator.policy.scope import Scope, scope_of
from moderator.scoring.calibration import Affine, logit, standardise
from moderator.scoring.fusion import Fusion
from moderator.scoring.keywords import Entry, KeywordIndex
from moderator.scoring.margin import direction
from moderator.verdicts import ModelRef, PolicyRef, Receipt

Columns = slice | NDArray[np.intp]
Calibrations: TypeAlias = Sequence[RuleCalibration | None]


@dataclass(frozen=True)
class CompiledChannel:
    """Every rule, as one channel sees it; one that does not read the channel is a zero column."""

    directions: NDArray[np.float32]  # (dimensions, rules), unit columns
    affine: Affine
    reads: NDArray[np.bool_]  # (rules,)
    prompts: tuple[str, ...]  # every distinct violating prompt
    prompt_vectors: Matrix  # (prompts, dimensions)
    violates: tuple[NDArray[np.intp], ...]  # for each rule, its rows among the prompts


@dataclass(frozen=True)
class FusionGroup:
    """The rules that fuse their channels in the same way."""

    kind: Fusion
    columns: Columns
    weights: NDArray[np.float32]  # (channels and then keywords, rules of the group)
    bias: NDArray[np.float32]  # (rules of the group,) of a learned fusion


@dataclass(frozen=True)
class CompiledRules:
    """All rules in force, ready to score. Immutable: a reload swaps the whole object."""

    ids: tuple[str, ...]  # policy/rule
    rules: tuple[Rule, ...]
    channels: Mapping[str, CompiledChannel]
    fusion: tuple[FusionGroup, ...]
    thresholds: tuple[float, ...]  # scores; what targets come to is written out
    review_lines: tuple[float, ...]
    threshold_log_odds: NDArray[np.float32]  # (rules,)
    review_log_odds: NDArray[np.float32]  # (rules,)
    scope: Scope
    keywords: KeywordIndex | None
    combined: tuple[Combined, ...]  # each after those it is made of
    excusing: Mapping[int, tuple[int, ...]]  # column: the columns that excuse it
    actions: tuple[str, ...]  # mildest first
    receipt: Receipt
    breakers: Mapping[int, Breaker]  # by column
    tripped: Mapping[int, Literal["shadow", "review"]] = field(default_factory=dict)  # by column

    def applies(
        self,
        surface: str | None,
        language: str | None = None,
        tier: str | None = None,
        holds: Iterable[str] = CHANNELS,
    ) -> NDArray[np.bool_] | None:
        """(rules,) which rules judge a post from there; None: all of them.

        All of them too when the surface is unknown to every policy: nothing goes unchecked because
        of a misspelt name. See `Scope`.
        """
        return self.scope.mask(surface, language, tier, holds)


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
    for name, rule in zip(ids, rules, strict=True):
        by_meaning = any(rule.prompts(channel)[0] for channel in rule.channels)
        if by_meaning and not set(rule.channels) & set(channels):
            raise PolicyError(
                f"{name}: reads {', '.join(rule.channels)}, but the models in use read only "
                f"{', '.join(channels)}; its posts would go unchecked"
            )
    calibrations = tuple(policies.calibration(policy, rule) for policy, rule in chosen)
    compiled = {
        channel: _compile_channel(channel, space, ids, rules, calibrations, cache)
        for channel, space in channels.items()
    }
    thresholds, review_lines = _lines(ids, rules, calibrations, channels, compiled)
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
            models={name: ModelRef(space.name, space.digest) for name, space in channels.items()},
        ),
        breakers={
            column: policy.breaker
            for column, (policy, _) in enumerate(chosen)
            if policy.breaker is not None
        },
    )


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


def _lines(
    ids: Sequence[str],
    rules: Sequence[Rule],
    calibrations: Calibrations,
    channels: Mapping[str, Space],
    compiled: Mapping[str, CompiledChannel],
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Every rule's threshold and review line as scores."""
    backgrounds = {
        name: ChannelBackground(channels[name], name, channel.directions, channel.affine)
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


def _compile_channel(
    channel: str,
    space: Space,
    ids: Sequence[str],
    rules: Sequence[Rule],
    calibrations: Calibrations,
    cache: VectorCache,
) -> CompiledChannel:
    learnt = [_learnt(found, channel, space) for found in calibrations]
    sides = [rule.prompts(channel) if channel in rule.channels else ((), ()) for rule in rules]
    vectors = embed_prompts(
        (prompt for side in (*sides, (space.neutral,)) for prompts in side for prompt in prompts),
        space,
        cache,
    )
    neutral = [vectors[prompt] for prompt in space.neutral]
    directions = np.zeros((space.dimensions, len(rules)), np.float32)
    for column, (violates, allows) in enumerate(sides):
        if violates:
            harmful = np.stack([vectors[prompt] for prompt in violates])
            directions[:, column] = direction(
                harmful, np.stack([*(vectors[prompt] for prompt in allows), *neutral])
            )
            if not directions[:, column].any():
                raise PolicyError(
                    f"{ids[column]}: `violates` and `allows` mean the same to the encoder "
                    f"{space.name}, so the rule cannot tell them apart; reword one side"
                )
            _replace_learnt(directions, column, ids[column], learnt[column])
    distinct = tuple(dict.fromkeys(prompt for violates, _ in sides for prompt in violates))
    places = {prompt: row for row, prompt in enumerate(distinct)}
    return CompiledChannel(
        directions=directions,
        affine=_affine(space.calibration[channel], directions, learnt),
        reads=np.array([bool(violates) for violates, _ in sides]),
        prompts=distinct,
        prompt_vectors=np.stack([vectors[prompt] for prompt in distinct])
        if distinct
        else np.zeros((0, space.dimensions), np.float32),
        violates=tuple(
            np.array([places[prompt] for prompt in violates], np.intp) for violates, _ in sides
        ),
    )


def _learnt(
    calibration: RuleCalibration | None, channel: str, space: Space
) -> ChannelCalibration | None:
    """What labels say about a rule in a channel, if it was learnt in this very space."""
    found = calibration.channels.get(channel) if calibration is not None else None
    return found if found is not None and found.space == space.digest else None


def _replace_learnt(
    directions: NDArray[np.float32], column: int, name: str, learnt: ChannelCalibration | None
) -> None:
    """Put a learned direction in the place of the prompts' own."""
    vector = learnt.vector if learnt is not None else None
    if vector is None:
        return
    if vector.shape != directions[:, column].shape:
        raise PolicyError(
            f"{name}: its calibration has a direction of {len(vector)} numbers, the space has "
            f"{len(directions)}; run `moderator policy calibrate` again"
        )
    directions[:, column] = vector


def _affine(
    calibration: Calibration,
    directions: NDArray[np.float32],
    learnt: Sequence[ChannelCalibration | None],
) -> Affine:
    slope = [calibration.slope if found is None else found.slope for found in learnt]
    intercept = [calibration.intercept if found is None else found.intercept for found in learnt]
    return standardise(
        calibration, directions, np.array(slope, np.float32), np.array(intercept, np.float32)
    )


def _fusion_groups(
    rules: Sequence[Rule], calibrations: Calibrations, channels: Sequence[str]
) -> tuple[FusionGroup, ...]:
    given = [
        found.weights if rule.fusion == "learned" and found is not None else rule.weights
        for rule, found in zip(rules, calibrations, strict=True)
    ]
    weights = np.array(
        [[weight.get(channel, 1.0) for weight in given] for channel in (*channels, KEYWORDS)],
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
