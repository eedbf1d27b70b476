"""Carry a trained image head over to another text tower: least squares between the two towers' embeddings."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from image import load, save

if TYPE_CHECKING:
    from tower import Tower

RIDGE = 1e-3  # of the mean diagonal


def turn(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(n, 384) of the same texts by the old and the new tower -> (384, 384) with before @ it near after."""
    x, y = before.astype(np.float64), after.astype(np.float64)
    gram = x.T @ x
    return np.linalg.solve(gram + RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram)), x.T @ y).astype(np.float32)


@torch.no_grad()
def carry(tower: Tower, matrix: Tensor) -> None:
    """Fold the matrix into the head's last layers."""
    head = tower.head
    for module in (head.names, head.linear, head.outer):
        module.weight.copy_(matrix.T @ module.weight)
    head.linear.bias.copy_(matrix.T @ head.linear.bias)


def main() -> None:
    """Write the checkpoint in the new space; image.py --resume goes on from it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--before", type=Path, required=True, help="targets.npy by the old text tower")
    parser.add_argument("--after", type=Path, required=True, help="targets.npy by the new one")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    before, after = np.load(options.before), np.load(options.after)
    matrix = turn(before, after)
    near = (before @ matrix * after).sum(1) / np.linalg.norm(before @ matrix, axis=1)
    print(f"same text by both: cosine {(before * after).sum(1).mean():.4f}, after the turn {near.mean():.4f}")
    tower, scale = load(options.checkpoint), torch.load(options.checkpoint, weights_only=True)["scale"]
    carry(tower, torch.from_numpy(matrix))
    save(tower, scale, options.out)


if __name__ == "__main__":
    main()
