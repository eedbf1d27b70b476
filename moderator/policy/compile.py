"""Rules to vectors: a policy set becomes one matrix for each channel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.encoders.base import Matrix, Space
from moderator.errors import PolicyError
from moderator.policy.embed import embed_prompts
from moderator.policy.load import PolicySet
from moderator.policy.schema import Policy, Rule
from moderator.scoring.calibration import Affine, logit, standardise
from moderator.scoring.fusion import Fusion
from moderator.scoring.margin import direction
from moderator.verdicts import ModelRef, PolicyRef, Receipt

Columns = slice | NDArray[np.intp]


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
    weights: NDArray[np.float32]  # (channels, rules of the group)


@dataclass(frozen=True)
class CompiledRules:
    """All rules in force, ready to score. Immutable: a reload swaps the whole object."""

    ids: tuple[str, ...]  # policy/rule
    rules: tuple[Rule, ...]
    channels: Mapping[str, CompiledChannel]
    fusion: tuple[FusionGroup, ...]
    review_log_odds: NDArray[np.float32]  # (rules,) the review lines
    surfaces: Mapping[str, NDArray[np.bool_]]  # (rules,) which rules apply there
    actions: tuple[str, ...]  # mildest first
    receipt: Receipt

    def applies(self, surface: str | None) -> NDArray[np.bool_] | None:
        """(rules,) which rules judge a post from there; None: all of them.

        All of them too when the surface is unknown to every policy: nothing goes unchecked because
        of a misspelt name.
        """
        return None if surface is None else self.surfaces.get(surface)


def compile_rules(
    policies: PolicySet, channels: Mapping[str, Space], cache: VectorCache
) -> CompiledRules:
    """Compile every rule that is not off.

    Raises PolicyError when no rule is left, when no channel in use can read a rule, or when a
    rule's two sides mean the same to the encoder.
    """
    chosen = [(policy, rule) for policy, rule in policies if rule.mode != "off"]
    if not chosen:
        raise PolicyError("every rule is `mode: off`; nothing would be checked")
    ids = tuple(f"{policy.name}/{rule.id}" for policy, rule in chosen)
    rules = tuple(rule for _, rule in chosen)
    for name, rule in zip(ids, rules, strict=True):
        if not set(rule.channels) & set(channels):
            raise PolicyError(
                f"{name}: reads {', '.join(rule.channels)}, but the models in use read only "
                f"{', '.join(channels)}; its posts would go unchecked"
            )
    return CompiledRules(
        ids=ids,
        rules=rules,
        channels={
            channel: _compile_channel(channel, space, ids, rules, cache)
            for channel, space in channels.items()
        },
        fusion=_fusion_groups(rules, tuple(channels)),
        review_log_odds=np.array([logit(rule.review_at) for rule in rules], np.float32),
        surfaces=_surfaces(chosen),
        actions=policies.actions,
        receipt=Receipt(
            policy=PolicyRef(policies.name, policies.version, policies.digest),
            models={name: ModelRef(space.name, space.digest) for name, space in channels.items()},
        ),
    )


def _compile_channel(
    channel: str, space: Space, ids: Sequence[str], rules: Sequence[Rule], cache: VectorCache
) -> CompiledChannel:
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
    distinct = tuple(dict.fromkeys(prompt for violates, _ in sides for prompt in violates))
    places = {prompt: row for row, prompt in enumerate(distinct)}
    return CompiledChannel(
        directions=directions,
        affine=standardise(space.calibration[channel], directions),
        reads=np.array([bool(violates) for violates, _ in sides]),
        prompts=distinct,
        prompt_vectors=np.stack([vectors[prompt] for prompt in distinct])
        if distinct
        else np.zeros((0, space.dimensions), np.float32),
        violates=tuple(
            np.array([places[prompt] for prompt in violates], np.intp) for violates, _ in sides
        ),
    )


def _fusion_groups(rules: Sequence[Rule], channels: Sequence[str]) -> tuple[FusionGroup, ...]:
    weights = np.array(
        [[(rule.weights or {}).get(channel, 1.0) for rule in rules] for channel in channels],
        np.float32,
    )
    kinds = np.array([rule.fusion for rule in rules])
    groups = []
    for kind in dict.fromkeys(rule.fusion for rule in rules):
        found = np.flatnonzero(kinds == kind)
        # All of them as a slice: a view instead of a copy of every score.
        columns: Columns = found if len(found) < len(rules) else slice(None)
        groups.append(FusionGroup(kind, columns, weights[:, columns]))
    return tuple(groups)


def _surfaces(chosen: Sequence[tuple[Policy, Rule]]) -> dict[str, NDArray[np.bool_]]:
    names = {surface for policy, _ in chosen for surface in policy.surfaces or ()}
    return {
        name: np.array([not policy.surfaces or name in policy.surfaces for policy, _ in chosen])
        for name in names
    }
