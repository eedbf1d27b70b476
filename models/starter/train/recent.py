"""Captioned pictures of the last steps, so that a caption competes with more pictures than one batch holds.

Cross-batch memory (Wang et al. 2020): embeddings drift slowly enough that those of a few steps ago still serve.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from sampling import Batch


class Candidates(NamedTuple):
    """Images (b + m, d), rows of the text table (t + m), positive (b + m, t + m); the first b and t are the batch's."""

    images: Tensor
    rows: np.ndarray
    positive: Tensor


class Recent:
    """At most `size` captioned pictures: which they were, the captions drawn, their embeddings."""

    def __init__(self, size: int, dimensions: int) -> None:
        self.size = size
        self.pictures = np.zeros(0, np.int64)
        self.rows = np.zeros(0, np.int64)
        self.images = torch.zeros(0, dimensions)

    def beside(self, images: Tensor, batch: Batch) -> Candidates:
        """The batch's images and texts, then those kept."""
        count, texts, kept = len(images), len(batch.rows), len(self.pictures)
        positive = torch.zeros(count + kept, texts + kept, dtype=torch.bool)
        positive[:count, :texts] = batch.positive
        positive[:count, texts:] = torch.from_numpy(batch.chosen[:, None] == self.pictures[None, :])
        positive[count:, :texts] = torch.from_numpy(self.pictures[:, None] == batch.owner[None, :])
        return Candidates(torch.cat([images, self.images]), np.concatenate([batch.rows, self.rows]), positive)

    def keep(self, images: Tensor, batch: Batch) -> None:
        """Take in the batch's captioned pictures; forget the oldest."""
        own = np.flatnonzero(batch.owner >= 0)
        place = {picture: line for line, picture in enumerate(batch.chosen.tolist())}
        lines = [place[picture] for picture in batch.owner[own].tolist()]
        oldest = max(0, len(self.pictures) + len(own) - self.size)
        self.pictures = np.concatenate([self.pictures, batch.owner[own]])[oldest:]
        self.rows = np.concatenate([self.rows, batch.rows[own]])[oldest:]
        self.images = torch.cat([self.images, images.detach()[lines]])[oldest:]
