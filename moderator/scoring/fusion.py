"""Late fusion: the channels' log-odds of a rule into one.

A channel that a post does not have, or that a rule does not read, is absent: it drops out and the
weights of the others are renormalised. With no channel left the result is minus infinity (score 0).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Fusion = Literal["max", "weighted", "noisy_or", "learned"]

Logits = NDArray[np.float32]  # (channels, posts, rules)
Present = NDArray[np.bool_]  # (channels, posts, rules)
Weights = NDArray[np.float32]  # (channels, rules), positive; NaN: a learned head knows no such


_LEAST = np.float32(1e-6)


def fuse(
    kind: Fusion,
    logits: Logits,
    present: Present,
    weights: Weights,
    bias: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """(channels, posts, rules) to (posts, rules); `bias`, (rules,), is that of a learned fusion."""
    if kind == "learned" and bias is not None:
        fused = _learned(logits, present, weights, bias)
    elif kind in ("weighted", "learned"):
        fused = _weighted(logits, present, weights)
    elif kind == "noisy_or":
        fused = _noisy_or(logits, present)
    else:
        fused = np.where(present, logits, -np.inf).max(axis=0)
    return np.asarray(np.where(present.any(axis=0), fused, -np.inf), np.float32)


def _weighted(logits: Logits, present: Present, weights: Weights) -> NDArray[np.float32]:
    """The mean of the log-odds by weight: a logarithmic opinion pool."""
    shares = np.where(present, weights[:, None, :], np.float32(0))
    total = shares.sum(axis=0)
    pooled = (shares * np.where(present, logits, np.float32(0))).sum(axis=0)
    return np.asarray(pooled / np.where(total > 0, total, np.float32(1)))


def _learned(
    logits: Logits, present: Present, weights: Weights, bias: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A logistic head on the log-odds of all channels; without one of them, their weighted mean.

    The head was fitted on posts that have all channels that weigh anything, so it says nothing
    about others; each channel is calibrated by itself, so their mean is. A channel that the head
    does not know at all stands beside it, and the higher of the two counts.
    """
    unknown = np.isnan(weights)[:, None, :]
    beside = np.where(present & unknown, logits, -np.inf).max(axis=0)
    present, weights = present & ~unknown, np.nan_to_num(weights, nan=0.0)
    needed = weights[:, None, :] > 0
    complete = (present | ~needed).all(axis=0) & (needed.sum(axis=0) > 1)
    there = np.where(present & needed, logits, np.float32(0))
    head = (weights[:, None, :] * there).sum(axis=0) + bias
    # A channel that weighs nothing beside others still counts where it is all there is.
    mean = np.where(
        present.any(axis=0), _weighted(logits, present, np.maximum(weights, _LEAST)), -np.inf
    )
    return np.asarray(np.maximum(np.where(complete, head, mean), beside))


def _noisy_or(logits: Logits, present: Present) -> NDArray[np.float32]:
    """P = 1 - prod(1 - p): each channel is a cause of its own (Pearl 1988, section 4.3.2).

    log(1 - p) = -log(1 + exp(x)); with s their sum, the log-odds of 1 - exp(s) are
    log(expm1(-s)), which for large -s is -s itself.
    """
    survival = np.where(present, np.logaddexp(np.float32(0), logits), np.float32(0)).sum(axis=0)
    tiny = np.float32(np.finfo(np.float32).tiny)
    small = np.log(np.expm1(np.clip(survival, tiny, 30.0)))
    return np.asarray(np.where(survival < 30.0, small, survival), np.float32)  # noqa: PLR2004
