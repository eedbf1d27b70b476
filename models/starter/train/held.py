"""How good a tower is on published validation pictures: what the training is watched and chosen by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from upper import upper
from views import whole

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from data import Picture
    from pairs import Table
    from tower import Tower

DEV = "tiny-imagenet"  # its validation pictures are one of the dev figures, so nothing is chosen by them
BATCH = 256


class Held:
    """Maps of validation pictures of the training classes, and of those with captions."""

    def __init__(self, everything: list[Picture], work: Path, table: Table) -> None:
        index = {name: c for c, name in enumerate(table.pairs.classes)}
        held = [i for i, p in enumerate(everything) if p.split == "val"]
        named = [i for i in held if everything[i].source != DEV and everything[i].texts[0].lower() in index]
        captioned = [i for i in held if everything[i].captioned]
        self.labels = np.array([index[everything[i].texts[0].lower()] for i in named])
        self.named, self.captioned = whole(work, named), whole(work, captioned)
        self.classes = table.classes
        self.captions = torch.stack([table.rows[rows[:5]] for rows in table.held])  # (pictures, 5, 384)

    @torch.inference_mode()
    def figures(self, tower: Tower) -> tuple[float, float]:
        """Top-1 over all class prompts; recall@10 of a captioned picture by one of its captions."""
        right = (_embed(tower, self.named) @ self.classes.T).argmax(1).numpy() == self.labels
        similar = self.captions @ _embed(tower, self.captioned).T  # (pictures, 5, pictures)
        own = similar.diagonal(dim1=0, dim2=2).T[..., None]
        return float(right.mean()), float(((similar > own).sum(2) < 10).float().mean())


def _embed(tower: Tower, maps: Tensor) -> Tensor:
    """(n, 192, 4, 4) -> unit rows (n, 384)."""
    found = []
    for part in maps.split(BATCH):
        features = upper(part, tower.backbone, 0)
        found.append(tower.head(features, tower.backbone.classifier(features)))
    return torch.nn.functional.normalize(torch.cat(found), dim=-1)
