"""Training pictures as the network's trained part gets them: maps of views that features.py stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from sampling import Lists

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor


class Views:
    """All stored views of the pictures at `places`, in memory: 6 KB a view."""

    def __init__(self, work: Path, places: list[int]) -> None:
        rows: list[list[int]] = [[] for _ in places]
        kept, count = [], 0
        for path in sorted(work.glob("view[0-9].npy")):
            stored = np.load(path, mmap_mode="r")[places]
            present = np.flatnonzero(stored.any((1, 2, 3)))
            kept.append(stored[present])
            for row, place in enumerate(present, count):
                rows[place].append(row)
            count += len(present)
        self.maps = np.concatenate(kept)
        self.lists = Lists(rows)

    def draw(self, chosen: np.ndarray, rng: np.random.Generator) -> Tensor:
        """One view of each of the chosen pictures (b, 192, 4, 4) float32."""
        return torch.from_numpy(self.maps[self.lists.choose(chosen, rng)]).float()


def whole(work: Path, places: list[int]) -> Tensor:
    """The pictures as they are (b, 192, 4, 4) float32."""
    return torch.from_numpy(np.load(work / "view0.npy", mmap_mode="r")[places]).float()
