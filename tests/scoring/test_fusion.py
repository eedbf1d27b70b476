import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from moderator.scoring.fusion import Fusion, Logits, Present, Weights, fuse

SHAPE = (3, 4, 2)  # channels, posts, rules
logits = arrays(np.float32, SHAPE, elements=st.floats(-40, 40, width=32))
presents = arrays(np.bool_, SHAPE)
weights = arrays(np.float32, (3, 2), elements=st.floats(0.125, 8, width=32))


def naive(kind: str, values: list[float], shares: list[float]) -> float:
    """The log-odds of one rule for one post, from those of the channels it has; float64."""
    if not values:
        return -math.inf
    if kind == "max":
        return max(values)
    if kind in ("weighted", "learned"):  # without a learned bias there is no head
        return sum(v * w for v, w in zip(values, shares, strict=True)) / sum(shares)
    none = sum(-math.log1p(math.exp(value)) for value in values)  # log of the product of 1 - p
    if none > -1e-12:  # expm1 is as good as the identity, and 1 - exp(none) as good as none
        return math.log(-none)
    return math.log(-math.expm1(none)) - none


@pytest.mark.parametrize("kind", get_args(Fusion))
@given(values=logits, present=presents, weight=weights)
@settings(max_examples=25, deadline=None)
def test_fusions_equal_a_plain_loop(
    kind: Fusion, values: Logits, present: Present, weight: Weights
) -> None:
    fused = fuse(kind, values, present, weight)
    assert fused.shape == SHAPE[1:]
    assert fused.dtype == np.float32
    for post in range(4):
        for rule in range(2):
            there = np.flatnonzero(present[:, post, rule])
            expected = naive(
                kind,
                [float(values[channel, post, rule]) for channel in there],
                [float(weight[channel, rule]) for channel in there],
            )
            assert fused[post, rule] == pytest.approx(expected, rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("kind", get_args(Fusion))
@given(values=logits, junk=logits, present=presents, weight=weights)
@settings(max_examples=25, deadline=None)
def test_what_an_absent_channel_holds_makes_no_difference(
    kind: Fusion, values: Logits, junk: Logits, present: Present, weight: Weights
) -> None:
    other = np.where(present, values, junk)
    assert np.array_equal(fuse(kind, values, present, weight), fuse(kind, other, present, weight))


@pytest.mark.parametrize("kind", get_args(Fusion))
@given(values=logits, weight=weights)
@settings(max_examples=25, deadline=None)
def test_one_channel_alone_is_itself(kind: Fusion, values: Logits, weight: Weights) -> None:
    present = np.zeros(SHAPE, np.bool_)
    present[1] = True
    assert fuse(kind, values, present, weight) == pytest.approx(values[1], rel=1e-4, abs=1e-4)


@given(values=logits, present=presents, weight=weights)
@settings(max_examples=25, deadline=None)
def test_noisy_or_is_never_below_the_surest_channel(
    values: Logits, present: Present, weight: Weights
) -> None:
    surest = fuse("max", values, present, weight)
    added = fuse("noisy_or", values, present, weight)
    nothing = np.isneginf(surest)
    assert np.array_equal(nothing, np.isneginf(added))
    assert (added[~nothing] >= surest[~nothing] - 1e-3).all()


@pytest.mark.parametrize("kind", get_args(Fusion))
@pytest.mark.parametrize("far", [1e4, -1e4])
def test_extreme_odds_give_no_nan_and_keep_their_side(kind: Fusion, far: float) -> None:
    values = np.full((2, 1, 1), far, np.float32)
    present, weight = np.ones((2, 1, 1), np.bool_), np.ones((2, 1), np.float32)
    fused = float(fuse(kind, values, present, weight)[0, 0])
    assert math.copysign(1, fused) == math.copysign(1, far)
    assert abs(fused) > 30


def head(text: float | None, image: float | None, weights: list[float]) -> float:
    """A learned fusion of two channels, one of which may be absent; the bias is -1."""
    values = np.array([[[text or 0]], [[image or 0]]], np.float32)
    present = np.array([[[text is not None]], [[image is not None]]])
    weight = np.array([[weights[0]], [weights[1]]], np.float32)
    return float(fuse("learned", values, present, weight, np.array([-1], np.float32))[0, 0])


def test_a_learned_head_weighs_the_channels_and_adds_its_bias() -> None:
    assert head(2.0, 1.0, [0.5, 3.0]) == pytest.approx(0.5 * 2 + 3 * 1 - 1)


@pytest.mark.parametrize("weights", [[0.5, 3.0], [1.0, 0.0]])
def test_a_post_without_one_of_the_channels_has_the_score_of_the_other(
    weights: list[float],
) -> None:
    assert head(2.0, None, weights) == pytest.approx(2.0)
    assert head(None, -3.0, weights) == pytest.approx(-3.0)


def test_a_channel_that_a_learned_head_does_not_know_stands_beside_it() -> None:
    nan = np.nan
    values = np.array([[1.0, 1.0, 0.0], [2.0, 2.0, 0.0], [9.0, -9.0, 4.0]], np.float32)[..., None]
    present = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 1]], np.bool_)[..., None]
    weight = np.array([[0.5], [0.25], [nan]], np.float32)
    fused = fuse("learned", values, present, weight, np.array([-0.5], np.float32))
    assert fused[:, 0].tolist() == [9.0, 0.5, 4.0]
