"""Features of ImageNet classes that no training picture here shows, made from those of other pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tower import CLASSES

if TYPE_CHECKING:
    from torch import Tensor, nn


class Imagined:
    """Moves a picture's features towards a class.

    A softmax over classes that spread alike has weights w = inverse(S) @ mean, S being the spread within
    a class; so S @ (w_c - w_here) leads from a picture's features to those of class c.
    """

    def __init__(self, features: Tensor, labels: np.ndarray, classifier: nn.Linear) -> None:
        """`features` (n, 1280) and `labels` (n,) of the training pictures; classifier: the published one."""
        centred = features.clone()
        for label in np.unique(labels):
            rows = torch.from_numpy(np.flatnonzero(labels == label))
            centred[rows] -= centred[rows].mean(0)
        self.classifier, self.weight = classifier, classifier.weight.detach()
        self.toward = self.weight @ (centred.T @ centred) / len(centred)

    @torch.no_grad()
    def draw(self, features: Tensor, rng: np.random.Generator) -> Tensor:
        """(b, 1280) of pictures -> (b, 1280) moved until a class drawn at random leads clearly."""
        count = len(features)
        logits = self.classifier(features).float()
        here = torch.softmax(logits, 1)
        drawn = torch.from_numpy(rng.integers(0, CLASSES, count))
        step = self.toward[drawn] - (here @ self.toward).float()
        lift = ((self.weight[drawn] - (here @ self.weight).float()) * step).sum(1)
        gap = logits.max(1).values - logits[torch.arange(count), drawn] + 2 + 3 * torch.rand(count)
        far = (gap / lift.clamp(min=1e-3)).clamp(0, 50)
        return (features + step * far[:, None]).clamp(0, 6)
