"""Distil the text student: cosine to the teacher's sentence embedding, and in-batch similarities."""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from minilm import Encoder, Shape, initialise_student, load_teacher
from teacher import bucketed, pad
from vocabulary import choose, open_tokenizer, write_tokenizer

HELD_OUT = 1500
RELATION_WEIGHT = 4.0


def load_targets(work: Path, count: int) -> np.ndarray:
    """Teacher embeddings in corpus order -> (count, 384) float16."""
    shards = sorted(work.glob("teacher_*.npy"))
    targets = np.zeros((count, 384), np.float16)
    for number, path in enumerate(shards):
        targets[number :: len(shards)] = np.load(path)
    return targets


def loss_of(student: Tensor, teacher: Tensor) -> Tensor:
    """1 - cosine, plus the squared error of all pairwise cosines; rows are unit."""
    cosine = (student * teacher).sum(-1).mean()
    relation = (student @ student.T - teacher @ teacher.T).pow(2).mean()
    return 1.0 - cosine + RELATION_WEIGHT * relation


def rate(fraction: float, peak: float) -> float:
    """Linear warm-up over the first 3 % of the time, then a cosine to 2 % of the peak."""
    if fraction < 0.03:
        return peak * (0.05 + fraction / 0.03 * 0.95)
    return peak * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, fraction))))


def save(student: Encoder, path: Path) -> None:
    """Write a checkpoint whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save({"shape": vars(student.shape), "state": student.state_dict()}, partial)
    partial.replace(path)


def load(path: Path) -> Encoder:
    """Read a checkpoint written by `save`."""
    stored = torch.load(path, weights_only=True)
    student = Encoder(Shape(**stored["shape"]))
    student.load_state_dict(stored["state"])
    return student.eval()


@torch.inference_mode()
def held_out_cosine(student: Encoder, rows: list[list[int]], targets: np.ndarray) -> float:
    """Mean cosine to the teacher over texts kept out of training."""
    student.eval()
    total = 0.0
    for batch in bucketed([len(r) for r in rows], 8192):
        with torch.autocast("cpu", torch.bfloat16):
            found = student(*pad([rows[i] for i in batch])).float()
        total += float((found * torch.from_numpy(targets[batch]).float()).sum())
    student.train()
    return total / len(rows)


def shuffled_batches(lengths: list[int], rng: random.Random, budget: int) -> list[list[int]]:
    """Length buckets with jitter, so that a batch differs from epoch to epoch, in random order."""
    jittered = [round(n * rng.uniform(0.85, 1.15)) for n in lengths]
    batches = []
    for batch in bucketed(jittered, budget):
        size = max(lengths[i] for i in batch) * len(batch)
        batches += [batch] if size <= 1.5 * budget else [batch[::2], batch[1::2]]
    rng.shuffle(batches)
    return batches


def train(student: Encoder, rows: list[list[int]], targets: np.ndarray, options: argparse.Namespace) -> None:
    """Run for `minutes` of wall-clock time; the learning rate follows the clock."""
    held = list(range(0, len(rows), len(rows) // HELD_OUT))
    kept = sorted(set(range(len(rows))) - set(held))
    held_rows, held_targets = [rows[i] for i in held], targets[held]
    rng = random.Random(7)
    optimiser = torch.optim.AdamW(student.parameters(), lr=options.peak, weight_decay=0.01, fused=True)
    started = logged = time.monotonic()
    step, epoch, running = 0, 0, []
    while True:
        for batch in shuffled_batches([len(rows[i]) for i in kept], rng, options.tokens):
            fraction = (time.monotonic() - started) / 60 / options.minutes
            if fraction >= 1:
                save(student, options.work / "text.pt")
                print("final held-out cosine", held_out_cosine(student, held_rows, held_targets))
                return
            for group in optimiser.param_groups:
                group["lr"] = rate(fraction, options.peak)
            chosen = [kept[i] for i in batch]
            with torch.autocast("cpu", torch.bfloat16):
                found = student(*pad([rows[i] for i in chosen]))
            loss = loss_of(found.float(), torch.from_numpy(targets[chosen]).float())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad(set_to_none=True)
            step += 1
            running.append(loss.item())
            if time.monotonic() - logged > 120:
                logged = time.monotonic()
                cosine = held_out_cosine(student, held_rows, held_targets)
                print(f"{fraction:.3f} epoch {epoch} step {step} loss {np.mean(running):.4f}"
                      f" held-out cosine {cosine:.4f}", flush=True)  # fmt: skip
                running = []
                save(student, options.work / "text.pt")
        epoch += 1


def main() -> None:
    """Choose the vocabulary, initialise from the teacher (or resume), train, checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--peak", type=float, default=4e-4)
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--pieces", type=int, default=16000)
    parser.add_argument("--layers", type=int, nargs="+", default=[0, 2, 5])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    options = parser.parse_args()
    torch.manual_seed(7)
    torch.set_num_threads(options.threads)
    texts = json.loads((options.work / "corpus.json").read_text(encoding="utf-8"))
    trimmed = options.work / "tokenizer.json"
    if options.resume:
        student = load(options.work / "text.pt")
    else:
        tokenizer = open_tokenizer(options.teacher / "tokenizer.json")
        kept = choose(tokenizer, texts, options.pieces)
        write_tokenizer(options.teacher / "tokenizer.json", kept, trimmed)
        student = initialise_student(load_teacher(options.teacher), kept, options.layers)
    rows = [e.ids for e in open_tokenizer(trimmed).encode_batch(texts)]
    print(len(rows), "texts,", sum(map(len, rows)), "tokens after trimming", flush=True)
    student.train()
    train(student, rows, load_targets(options.work, len(texts)), options)


if __name__ == "__main__":
    main()
