"""Prompts to directions: what one channel compares posts with."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.encoders.base import Calibration, Space
from moderator.errors import PolicyError
from moderator.policy.calibration_file import ChannelCalibration, RuleCalibration
from moderator.policy.compiled import CompiledChannel
from moderator.policy.embed import embed_prompts
from moderator.policy.fields import PROMPTED
from moderator.policy.schema import Rule
from moderator.scoring.calibration import Curve, Scale, standardise
from moderator.scoring.margin import direction

Calibrations: TypeAlias = Sequence[RuleCalibration | None]


def compile_channel(
    channel: str,
    space: Space,
    ids: Sequence[str],
    rules: Sequence[Rule],
    calibrations: Calibrations,
    cache: VectorCache,
) -> CompiledChannel:
    """Every rule as one channel sees it. Raises PolicyError and InferenceError."""
    learnt = [_learnt(found, channel, space) for found in calibrations]
    sides = [rule.prompts(channel) if channel in rule.reads else ((), ()) for rule in rules]
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
        scale=_scale(space.calibration[channel], directions, learnt),
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
    """What labels say about a rule in a channel, if it was learnt in this very space.

    What was learnt of texts holds for texts in images where nothing was learnt of those.
    """
    known = calibration.channels if calibration is not None else {}
    found = known.get(channel) or known.get(PROMPTED.get(channel, channel))
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


def _scale(
    calibration: Calibration,
    directions: NDArray[np.float32],
    learnt: Sequence[ChannelCalibration | None],
) -> Scale:
    slope = [calibration.slope if found is None else found.slope for found in learnt]
    intercept = [calibration.intercept if found is None else found.intercept for found in learnt]
    affine = standardise(
        calibration, directions, np.array(slope, np.float32), np.array(intercept, np.float32)
    )
    curves = {
        column: Curve(*np.array(found.curve, np.float32).T)
        for column, found in enumerate(learnt)
        if found is not None and found.curve
    }
    return affine._replace(curves=curves)
