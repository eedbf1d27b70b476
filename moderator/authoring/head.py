"""The channels of labelled posts as one, and the weights of `fusion: learned`.

Those are a logistic head on the log-odds of a rule's channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.fit import Floats, Labels, folds
from moderator.authoring.zero_shot import Places
from moderator.extras import needed
from moderator.policy.fields import BESIDE_HEAD
from moderator.policy.schema import Rule
from moderator.scoring.fusion import fuse

_STRENGTH = 1.0  # of the labels against weights of nothing


@dataclass(frozen=True)
class Head:
    """What the fusion adds up."""

    weights: NDArray[np.float64]  # (channels,), none below 0; NaN for those beside it
    bias: float

    def __call__(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """(channels, posts) log-odds to (posts,)."""
        return np.asarray(self.weights @ logits + self.bias)


def fit_head(logits: NDArray[np.float64], labels: Labels) -> Head:
    """Fit it on (channels, posts) log-odds of posts that have every channel.

    A channel by which the rule would fall where it should rise says nothing: it is left out, weight
    0, and the others are fitted anew. What is left of one channel alone is that channel as it is.
    """
    weights, kept = np.zeros(len(logits)), list(range(len(logits)))
    while len(kept) > 1:
        model = needed("sklearn.linear_model", "calibrate").LogisticRegression(C=_STRENGTH)
        model.fit(logits[kept].T, labels)
        found = model.coef_[0]
        if found.min() > 0:
            weights[kept] = found
            return Head(weights, float(model.intercept_[0]))
        kept.pop(int(found.argmin()))
    weights[kept] = 1.0
    return Head(weights, 0.0)


def out_of_fold(logits: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """(posts,) what heads make of posts that they were not fitted on."""
    out = np.empty(len(labels))
    for train, held_out in folds(labels):
        out[held_out] = fit_head(logits[:, train], labels[train])(logits[:, held_out])
    return out


@dataclass(frozen=True)
class Channels:
    """What each channel says of labelled posts."""

    names: tuple[str, ...]
    logits: NDArray[np.float64]  # (channels, posts); 0 where the post lacks the channel
    present: NDArray[np.bool_]  # (channels, posts)

    @classmethod
    def of(cls, found: Mapping[str, tuple[Floats, Places]], posts: Places) -> "Channels":
        """Put side by side the log-odds of each channel and whose they are; `posts` ascending."""
        logits = np.zeros((len(found), len(posts)))
        present = np.zeros(logits.shape, np.bool_)
        for row, (values, owners) in enumerate(found.values()):
            places = np.searchsorted(posts, owners)
            logits[row, places], present[row, places] = values, True
        return cls(tuple(found), logits, present)

    @property
    def complete(self) -> NDArray[np.bool_]:
        """(posts,) those that have every channel that a head weighs."""
        return np.asarray(self.present[self._weighed].all(axis=0))

    @property
    def _weighed(self) -> NDArray[np.bool_]:
        """(channels,)."""
        return np.array([name not in BESIDE_HEAD for name in self.names], np.bool_)

    def fused(self, rule: Rule, head: Head | None = None) -> Floats:
        """(posts,) log-odds as the pipeline fuses them; `head` is that of a learned fusion.

        Before it is learned, all channels that it would weigh count alike.
        """
        if head is None and rule.fusion == "learned":
            even = 1 / max(1, int(self._weighed.sum()))
            head = Head(np.where(self._weighed, even, np.nan), 0.0)
        weights = head.weights if head else [rule.weights.get(name, 1.0) for name in self.names]
        columns = np.array(weights, np.float32)[:, None]
        bias = None if head is None else np.array([head.bias], np.float32)
        logits = self.logits[:, :, None].astype(np.float32)
        found = fuse(rule.fusion, logits, self.present[:, :, None], columns, bias)
        return found[:, 0].astype(np.float64)

    def learned(self, rule: Rule, labels: Labels) -> tuple[Head, Floats]:
        """Fit a head, and what heads make of posts they were not fitted on.

        A post without one of the channels is judged as the pipeline does, by those it has.
        """
        whole, weighed = self.complete, self._weighed
        logits = self.logits[weighed][:, whole]
        fitted = fit_head(logits, labels[whole])
        weights = np.full(len(self.names), np.nan)
        weights[weighed] = fitted.weights
        head = Head(weights, fitted.bias)
        fused = self.fused(rule, head)
        rest = np.where(self.present, self.logits, -np.inf)[~weighed][:, whole]
        fused[whole] = np.vstack([out_of_fold(logits, labels[whole]), rest]).max(axis=0)
        return head, fused

    def said(self, head: Head, fused: Floats, labels: Labels) -> str:
        """What was learned, with the average precision of each channel alone beside it."""
        precision: Any = needed("sklearn.metrics", "calibrate").average_precision_score
        whole = self.complete
        parts = [
            f"{name} {weight:.2f} (AP alone {precision(labels[whole], logits[whole]):.3f})"
            for name, weight, logits in zip(self.names, head.weights, self.logits, strict=True)
            if name not in BESIDE_HEAD
        ]
        together = precision(labels[whole], fused[whole])
        return (
            f"fusion: weights {', '.join(parts)}, bias {head.bias:+.2f}; AP together "
            f"{together:.3f}, of {int(whole.sum())} posts that have both"
        )
