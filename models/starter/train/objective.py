"""What a training step of the image tower minimises, and what it sees of pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F

from contrast import contrast, divergence
from imagined import Imagined
from recent import Recent
from sampling import Lists
from upper import upper
from views import Views

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from pairs import Table
    from sampling import Batch
    from tower import Tower

KNOWN_WEIGHT = 1.0
IMAGINED_WEIGHT = 0.5


class Pictures:
    """What the network makes of training pictures: whole, by the published network; any view, by the present one."""

    def __init__(self, work: Path, places: list[int], tuned: int) -> None:
        self.published = torch.from_numpy(np.load(work / "features.npy", mmap_mode="r")[places]).float()
        self.present = self.published.any(1)
        self.tuned = tuned
        self.views = Views(work, places) if tuned else None

    def features(self, tower: Tower, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
        """(b, 1280), with gradients where a part of the backbone is trained."""
        if self.views is None:
            return self.published[chosen]
        return upper(self.views.draw(chosen, rng), tower.backbone, self.tuned)


class Objective:
    """The loss of a step."""

    def __init__(self, tower: Tower, table: Table, pictures: Pictures, dropped: float, recent: int) -> None:
        self.tower, self.table, self.pictures, self.dropped = tower, table, pictures, dropped
        self.classifier, present = tower.backbone.classifier, pictures.present
        labels = np.array(table.pairs.class_of)[present.numpy()]
        self.imagined = Imagined(pictures.published[present], labels, self.classifier)
        self.names = Lists(table.imagenet)
        self.recent = Recent(recent, tower.plan.dimensions)

    def loss(self, batch: Batch, scale: Tensor, rng: np.random.Generator) -> Tensor:
        """Contrast with texts; what the published classifier knew of pictures, and of imagined ones."""
        count = len(batch.chosen)
        with torch.autocast("cpu", torch.bfloat16):
            own = self.pictures.features(self.tower, batch.chosen, rng)
            x = torch.cat([own, self.imagined.draw(own[: count // 2].detach(), rng)])
            logits = self.classifier(x).float()
            found = self.tower.head(F.dropout(x, self.dropped), logits)
            with torch.no_grad():
                known = torch.softmax(self.classifier(self.pictures.published[batch.chosen]).float(), 1)
        found = F.normalize(found.float(), dim=-1)
        to_names = scale.exp() * found @ self.table.rows[self.names.draw(rng)].T
        seen = self.recent.beside(found[:count], batch)
        self.recent.keep(found[:count], batch)
        size = (count, len(batch.rows))
        loss = contrast(seen.images, self.table.rows[seen.rows], seen.positive, scale.exp().clamp(max=100), size)
        loss = loss + KNOWN_WEIGHT * divergence(known, to_names[:count])
        return loss + IMAGINED_WEIGHT * divergence(torch.softmax(logits[count:].detach(), 1), to_names[count:])
