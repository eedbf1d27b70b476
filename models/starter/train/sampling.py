"""What a training step sees: pictures, candidate texts, which of them suit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

    from data import Picture
    from pairs import Pairs

SUBJECTS_AGAIN = 2
# Captions that touch what rules are written about are few; their pictures come more often.
SUBJECTS = re.compile(
    r"smok|cigar|\bguns?\b|rifle|pistol|sword|knife|knives|weapon|soldier|flame|\bfire\b|burn|fight|beer|alcohol|blood"
)


class Lists:
    """Draws one of each list of rows at once."""

    def __init__(self, lists: list[list[int]]) -> None:
        self.lengths = np.array([len(rows) for rows in lists])
        self.table = np.zeros((len(lists), self.lengths.max()), np.int64)
        for line, rows in enumerate(lists):
            self.table[line, : len(rows)] = rows

    def draw(self, rng: np.random.Generator) -> np.ndarray:
        """One row of each list (lists,)."""
        return self.choose(np.arange(len(self.lengths)), rng)

    def choose(self, lists: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One row of each of the given lists."""
        columns = (rng.random(len(lists)) * self.lengths[lists]).astype(np.int64)
        return self.table[lists, columns]


class Batch(NamedTuple):
    """Places among the training pictures (b); rows of the text table (t); positive (b, t) bool.

    `owner` (t) is the picture whose caption a text is, -1 for a class prompt.
    """

    chosen: np.ndarray
    rows: np.ndarray
    positive: Tensor
    owner: np.ndarray


class Batches:
    """Endless shuffled batches of the training pictures that `present` (n,) bool admits.

    `again`: further times a captioned picture comes in one pass, at first and late in the training.
    """

    def __init__(  # noqa: PLR0917
        self,
        pictures: list[Picture],
        pairs: Pairs,
        present: np.ndarray,
        size: int,
        seed: int,
        again: tuple[int, int],
    ) -> None:
        self.pairs, self.size = pairs, size
        self.classes = Lists(pairs.class_rows)
        self.rng = np.random.default_rng(seed)
        rich = [i for i, p in enumerate(pictures) if p.kind in {"caption", "caption-long"}]
        subjects = [i for i in rich if any(SUBJECTS.search(t.lower()) for t in pictures[i].texts)]
        usual = [*range(len(pictures)), *subjects * SUBJECTS_AGAIN]
        orders = {late: np.array(usual + rich * n) for late, n in zip((False, True), again, strict=True)}
        self.orders = {late: order[present[order]] for late, order in orders.items()}
        self.at = {late: len(order) for late, order in self.orders.items()}

    def choose(self, *, late: bool) -> np.ndarray:
        """The next pictures of a shuffled pass."""
        order = self.orders[late]
        if self.at[late] + self.size > len(order):
            self.rng.shuffle(order)
            self.at[late] = 0
        chosen = order[self.at[late] : self.at[late] + self.size]
        self.at[late] += self.size
        return chosen

    def draw(self, *, late: bool) -> Batch:
        """One prompt of every class and one caption of each captioned picture of the batch."""
        chosen = self.choose(late=late)
        rows = self.classes.draw(self.rng).tolist()
        columns, owner = [], [-1] * len(rows)
        for picture in chosen:
            found = self.pairs.class_of[picture]
            if found < 0:
                rows.append(int(self.rng.choice(self.pairs.caption_rows[picture])))
                found = len(rows) - 1
                owner.append(int(picture))
            columns.append(found)
        table = np.array(rows)
        positive = torch.from_numpy(table[columns][:, None] == table[None, :])
        positive[torch.arange(len(chosen)), columns] = True
        return Batch(chosen, table, positive, np.array(owner))
