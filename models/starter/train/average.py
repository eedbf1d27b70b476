"""Average checkpoints that share a trunk (model soup, Wortsman et al. 2022)."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    """Write the mean of the given checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    stored = [torch.load(path, weights_only=True) for path in options.checkpoints]
    mean = dict(stored[0])
    mean["state"] = {
        name: torch.stack([s["state"][name] for s in stored]).mean(0) if value.dtype.is_floating_point else value
        for name, value in stored[0]["state"].items()
    }
    torch.save(mean, options.out)


if __name__ == "__main__":
    main()
