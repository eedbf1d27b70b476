"""Train the image tower contrastively against locked text embeddings (LiT, Zhai et al. 2022)."""

from __future__ import annotations

import argparse
import copy
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from data import Picture, read_pictures
from pairs import Pairs, build_pairs
from torch import Tensor, nn
from tower import MEAN, STD, Plan, Tower

SOFT_SHARE = 0.25
SOFT_TEMPERATURE = 0.12
PULL_WEIGHT = 0.2
GROUPS = 8
LOG_SECONDS = 180


def augment(pixels: Tensor, side: int, generator: torch.Generator, strength: float) -> Tensor:
    """(batch, 72, 72, 3) uint8 -> (batch, 3, side, side) normalised: crop, flip, colour, grey.

    The crop's size is drawn per group of images and its place per image, so that a group is one
    antialiased resize.
    """
    stored = pixels.shape[1]
    images = pixels.permute(0, 3, 1, 2)
    parts = []
    for group in images.chunk(GROUPS):
        area = 1 - strength * (1 - 0.3) * torch.rand((), generator=generator).item()
        aspect = math.exp((torch.rand((), generator=generator).item() - 0.5) * 0.5 * strength)
        height = min(stored, max(16, round(stored * math.sqrt(area * aspect))))
        width = min(stored, max(16, round(stored * math.sqrt(area / aspect))))
        tops = torch.randint(0, stored - height + 1, (len(group),), generator=generator).tolist()
        lefts = torch.randint(0, stored - width + 1, (len(group),), generator=generator).tolist()
        crops = torch.stack([
            image[:, top : top + height, left : left + width]
            for image, top, left in zip(group, tops, lefts, strict=True)
        ])  # fmt: skip
        parts.append(F.interpolate(crops.float(), (side, side), mode="bilinear", antialias=True))
    x = torch.cat(parts) / 255
    count = len(x)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand((count, 1, 1, 1), generator=generator)

    flip = torch.rand(count, generator=generator) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(-1), x)
    grey = x.mean(1, keepdim=True)
    keep = torch.where(draw(0, 1) < 0.08, torch.zeros(()), draw(1 - 0.3 * strength, 1 + 0.3 * strength))
    x = grey + (x - grey) * keep
    level = x.mean((1, 2, 3), keepdim=True)
    x = level + (x - level) * draw(1 - 0.3 * strength, 1 + 0.3 * strength)
    x = (x * draw(1 - 0.25 * strength, 1 + 0.25 * strength)).clamp(0, 1)
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def normalise(pixels: np.ndarray, side: int) -> Tensor:
    """(batch, 72, 72, 3) uint8 -> (batch, 3, side, side) normalised, no augmentation."""
    x = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    if x.shape[-1] != side:
        x = F.interpolate(x, (side, side), mode="bicubic", antialias=True).clamp(0, 255)
    return (x / 255 - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]


def contrast(images: Tensor, texts: Tensor, positive: Tensor, scale: Tensor) -> Tensor:
    """Cross-entropy both ways with several positives and soft neighbours.

    images (b, d), texts (t, d) unit rows, positive (b, t) bool: every class prompt and every caption of
    the batch is a candidate. An image's target is its own texts, softened by how alike the texts are,
    so that "a dog" is no full negative of "a golden retriever".
    """
    logits = scale * images @ texts.T
    own = positive.float() / positive.sum(1, keepdim=True)
    with torch.no_grad():
        nearby = torch.softmax(F.normalize(own @ texts, dim=-1) @ texts.T / SOFT_TEMPERATURE, dim=-1)
        target = (1 - SOFT_SHARE) * own + SOFT_SHARE * nearby
    to_text = -(target * torch.log_softmax(logits, 1)).sum(1).mean()
    present = positive.any(0)
    back = positive[:, present].float()
    to_image = -(back / back.sum(0) * torch.log_softmax(logits[:, present], 0)).sum(0).mean()
    pull = 1 - (images @ texts.T * own).sum(1).mean()
    return to_text + 0.5 * to_image + PULL_WEIGHT * pull


class Batches:
    """Endless shuffled batches: pixels, candidate texts, which of them are positive."""

    def __init__(self, pixels: np.ndarray, pictures: list[Picture], pairs: Pairs, size: int, seed: int) -> None:
        self.pixels, self.pairs, self.size = pixels, pairs, size
        self.rng = np.random.default_rng(seed)
        rich = [i for i, p in enumerate(pictures) if p.kind in {"caption", "caption-long"}]
        self.order = np.array([*range(len(pictures)), *rich])
        self.at = len(self.order)

    def draw(self) -> tuple[Tensor, list[int], Tensor]:
        """Pixels (b, 72, 72, 3) uint8, rows of the text table (t), positive (b, t) bool."""
        if self.at + self.size > len(self.order):
            self.rng.shuffle(self.order)
            self.at = 0
        chosen = self.order[self.at : self.at + self.size]
        self.at += self.size
        rows = [int(self.rng.choice(options)) for options in self.pairs.class_rows]
        columns = []
        for picture in chosen:
            found = self.pairs.class_of[picture]
            if found < 0:
                rows.append(int(self.rng.choice(self.pairs.caption_rows[picture])))
                found = len(rows) - 1
            columns.append(found)
        table = np.array(rows)
        positive = torch.from_numpy(table[columns][:, None] == table[None, :])
        positive[torch.arange(len(chosen)), columns] = True
        return torch.from_numpy(self.pixels[chosen]), rows, positive


@torch.inference_mode()
def validate(tower: nn.Module, pixels: np.ndarray, labels: np.ndarray, texts: Tensor, side: int) -> float:
    """Top-1 over all class prompts on published validation pictures of the training classes."""
    tower.eval()
    right = 0
    for start in range(0, len(pixels), 256):
        with torch.autocast("cpu", torch.bfloat16):
            found = tower(normalise(pixels[start : start + 256], side).to(memory_format=torch.channels_last))
        guess = (found.float() @ texts.T).argmax(1).numpy()
        right += int((guess == labels[start : start + 256]).sum())
    return right / len(pixels)


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
    """Linear warm-up over 3 % of the time, then a cosine to 1 % of the peak."""
    if fraction < 0.03:
        return peak * max(0.02, fraction / 0.03)
    return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def side_at(fraction: float) -> int:
    """Pixels a side over the course of the training: small first, full size for the last part."""
    return 48 if fraction < 0.45 else 64


class Held:
    """Published validation pictures of the training classes."""

    def __init__(self, everything: list[Picture], stored: np.ndarray, pairs: Pairs) -> None:
        index = {name: c for c, name in enumerate(pairs.classes)}
        chosen = [i for i, p in enumerate(everything) if p.split == "val" and p.texts[0].lower() in index][::3]
        self.labels = np.array([index[everything[i].texts[0].lower()] for i in chosen])
        self.pixels = stored[chosen]


class Targets:
    """The locked text embeddings, read again when the file changes (teacher first, then student)."""

    def __init__(self, path: Path, pairs: Pairs) -> None:
        self.path, self.pairs, self.read_at = path, pairs, 0.0
        self.refresh()

    def refresh(self) -> None:
        """Read the file if it is newer: `rows` (texts, 384), `classes` (classes, 384) mean prompts."""
        changed = self.path.stat().st_mtime
        if changed != self.read_at:
            self.read_at = changed
            self.rows = torch.from_numpy(np.load(self.path)).float()
            means = [F.normalize(self.rows[rows].mean(0), dim=0) for rows in self.pairs.class_rows]
            self.classes = torch.stack(means)
            print("targets read", flush=True)


def make_optimiser(tower: Tower, scale: nn.Parameter, options: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW that decays weights of convolutions and matrices only."""
    decayed = [p for p in tower.parameters() if p.ndim > 1]
    plain = [p for p in tower.parameters() if p.ndim <= 1] + [scale]
    groups = [
        {"params": decayed, "weight_decay": options.decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=options.peak, betas=(0.9, 0.98), fused=True)


@torch.no_grad()
def follow(ema: Tower, tower: Tower, step: int) -> None:
    """Exponential moving average of weights and batch-norm statistics."""
    keep = min(0.998, (1 + step) / (10 + step))
    for slow, fast in zip(ema.state_dict().values(), tower.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1 - keep)
        else:
            slow.copy_(fast)


def train(batches: Batches, targets: Targets, held: Held, options: argparse.Namespace) -> None:
    """Run for `minutes` of wall-clock time; learning rate and image size follow the clock."""
    tower = Tower(Plan())
    scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
    if options.resume:
        tower = load(options.resume)
        scale = nn.Parameter(torch.load(options.resume, weights_only=True)["scale"])
    tower = tower.to(memory_format=torch.channels_last)
    ema = copy.deepcopy(tower).eval()
    optimiser = make_optimiser(tower, scale, options)
    generator = torch.Generator().manual_seed(options.seed)
    path, step, running = options.work / options.name, 0, []
    logged = time.monotonic()
    started = logged - options.begin * options.minutes * 60
    while (fraction := (time.monotonic() - started) / 60 / options.minutes) < 1:
        if step % 50 == 0:
            targets.refresh()
        for group in optimiser.param_groups:
            group["lr"] = rate(fraction, options.peak)
        pixels, rows, positive = batches.draw()
        strength = 1.0 if fraction < 0.9 else 0.6
        x = augment(pixels, side_at(fraction), generator, strength)
        tower.train()
        with torch.autocast("cpu", torch.bfloat16):
            found = tower(x.to(memory_format=torch.channels_last))
        loss = contrast(found, targets.rows[rows], positive, scale.exp().clamp(max=100))
        loss.backward()
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        running.append(loss.item())
        follow(ema, tower, step)
        if time.monotonic() - logged > LOG_SECONDS:
            logged = time.monotonic()
            top1 = validate(ema, held.pixels, held.labels, targets.classes, side_at(fraction))
            state = f"{fraction:.3f} step {step} side {side_at(fraction)} loss {np.mean(running):.3f}"
            print(f"{state} scale {scale.exp().item():.1f} held-out top-1 {top1:.4f}", flush=True)
            running = []
            save(ema, scale, path)
    save(ema, scale, path)
    top1 = validate(ema, held.pixels, held.labels, targets.classes, side_at(1.0))
    print("final held-out top-1", top1, "steps", step, flush=True)


def main() -> None:
    """Read everything, train, checkpoint the moving average as image.pt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--peak", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--name", default="image.pt", help="checkpoint to write under the work folder")
    parser.add_argument("--resume", type=Path, help="checkpoint to start from")
    parser.add_argument("--begin", type=float, default=0.0, help="share of the schedule to skip")
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)
    everything = read_pictures(options.data, ("train", "val", "test"))
    stored = np.load(options.work / "pixels.npy", mmap_mode="r")
    chosen = [i for i, p in enumerate(everything) if p.split == "train"]
    pictures = [everything[i] for i in chosen]
    pairs = build_pairs(pictures)
    held = Held(everything, stored, pairs)
    print(
        len(pictures),
        "pictures,",
        len(pairs.classes),
        "classes,",
        len(held.labels),
        "held out",
        flush=True,
    )
    batches = Batches(stored[chosen], pictures, pairs, options.batch, options.seed)
    train(batches, Targets(options.work / "targets.npy", pairs), held, options)


if __name__ == "__main__":
    main()
