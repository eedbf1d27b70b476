"""Write space.json and background.npz: neutral prompts, background embeddings, default calibration."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from data import Picture, read_moderation, read_pictures
from labelled import held_out
from pairs import prompts_of
from prompts import CALIBRATION_RULES, NEUTRAL, Rule
from sums import write_sums
from towers import ImageTower, TextTower

SEED = 2026
ROWS = 1024
CAPTION_SHARE = 0.2
PREVALENCE = 0.03
PER_LABEL = 800
# Sets whose harmless rows are ordinary posts; those of the others were written or picked to be near hate.
ORDINARY = ("davidson", "edos", "olid", "jigsaw", "surge", "sms_spam")


def held_rows(data: Path) -> list[dict]:
    """The moderation texts that no training saw: on the others the tower is surer than it should be."""
    return [r for r in read_moderation(data) if held_out(r["text"])]


def ordinary_texts(data: Path, rng: np.random.Generator) -> tuple[list[str], list[str]]:
    """Harmless posts, evenly over the ordinary sets, and a fifth captions: the background, and as many others."""
    rows = [r for r in held_rows(data) if not any(r["labels"].values())]
    captions = [t for p in read_pictures(data) if p.kind.startswith("caption") for t in p.texts]
    count = round(ROWS * CAPTION_SHARE)
    pools = {s: [r["text"] for r in rows if r["source"] == s] for s in ORDINARY}
    posts = _evenly(pools, 2 * (ROWS - count), rng)
    posts = [posts[i] for i in rng.permutation(len(posts))]
    chosen = rng.choice(captions, 2 * count, replace=False).tolist()
    half = len(posts) // 2
    return [*posts[:half], *chosen[:count]], [*posts[half:], *chosen[count:]]


def background_pictures(data: Path, rng: np.random.Generator) -> list[Picture]:
    """Training pictures, evenly over the sets."""
    pools: dict[str, list[Picture]] = {}
    for picture in read_pictures(data):
        pools.setdefault(picture.source, []).append(picture)
    return _evenly(pools, ROWS, rng)


def _evenly(pools: dict[str, list], count: int, rng: np.random.Generator) -> list:
    """The same number from each pool; small pools give all and the others make up for it."""
    chosen: list = []
    for place, name in enumerate(sorted(pools, key=lambda n: (len(pools[n]), n))):
        share = min(len(pools[name]), round((count - len(chosen)) / (len(pools) - place)))
        picks = rng.choice(len(pools[name]), share, replace=False)
        chosen += [pools[name][i] for i in sorted(picks)]
    return chosen


def embed_pictures(tower: ImageTower, data: Path, pictures: list[Picture]) -> np.ndarray:
    """Embeddings in the order of `pictures`."""
    table: dict[str, np.ndarray] = {}
    for source in sorted({p.source for p in pictures}):
        names = [p.image for p in pictures if p.source == source]
        table |= tower.embed_tar(data / "train" / f"{source}.tar", names)
    return np.stack([table[p.image] for p in pictures])


def standardise(rule: Rule, embed: dict[str, np.ndarray], x: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Z of each row: the margin over mean and deviation of the background's margins."""
    w = rule.direction(embed)
    base = background @ w
    return (x @ w - base.mean()) / base.std()


def fit(tasks: list[tuple[np.ndarray, np.ndarray]]) -> tuple[float, float]:
    """Logistic regression of label on z; each task weighs the same and has PREVALENCE positives."""
    z = np.concatenate([t[0] for t in tasks]).astype(np.float64)
    y = np.concatenate([t[1] for t in tasks]).astype(np.float64)
    weight = np.concatenate([
        np.where(truth == 1, PREVALENCE / truth.sum(), (1 - PREVALENCE) / (1 - truth).sum())
        for _, truth in tasks
    ])  # fmt: skip
    design = np.stack([z, np.ones_like(z)], axis=1)
    found = np.zeros(2)
    for _ in range(60):
        p = 1 / (1 + np.exp(-design @ found))
        curvature = (design * (weight * p * (1 - p))[:, None]).T @ design + 1e-9 * np.eye(2)
        found += np.clip(np.linalg.solve(curvature, design.T @ (weight * (y - p))), -1, 1)
    return float(found[0]), float(found[1])


def text_tasks(data: Path, tower: TextTower, background: np.ndarray, ordinary: list[str],
               rng: np.random.Generator) -> dict[str, tuple]:  # fmt: skip
    """(z, label) per (set, label): its harmful texts kept out of training against ordinary harmless ones.

    The negatives are ordinary posts, as in a stream, not the set's own, which were picked to be near
    hate (in davidson, what is "not hate" is mostly offensive all the same).
    """
    rules = CALIBRATION_RULES.values()
    prompts = sorted({t for r in rules for t in (*r.violates, *r.allows)} | set(NEUTRAL))
    embed = dict(zip(prompts, tower.embed(prompts), strict=True))
    rows = held_rows(data)
    others = tower.embed(ordinary)
    tasks = {}
    for (source, label), rule in CALIBRATION_RULES.items():
        pool = [r["text"] for r in rows if r["source"] == source and r["labels"].get(label) == 1]
        picks = rng.choice(len(pool), min(PER_LABEL, len(pool)), replace=False)
        found = np.concatenate([tower.embed([pool[i] for i in picks]), others])
        truth = np.array([1] * len(picks) + [0] * len(others))
        tasks[f"{source}/{label}"] = (standardise(rule, embed, found, background), truth)
    return tasks


def image_tasks(data: Path, text: TextTower, image: ImageTower, background: np.ndarray) -> dict[str, tuple]:
    """(z, label) of validation pictures per class, one against the rest of its set."""
    pictures = [p for p in read_pictures(data, ("val",)) if not p.captioned]
    found = embed_pictures(image, data, pictures)
    sets = np.array([p.source for p in pictures])
    names = np.array([p.texts[0] for p in pictures])
    kinds = {(p.source, p.texts[0]): p.kind for p in pictures}
    rules = {key: Rule(tuple(prompts_of(key[1], kind))) for key, kind in sorted(kinds.items())}
    prompts = sorted({t for rule in rules.values() for t in rule.violates} | set(NEUTRAL))
    embed = dict(zip(prompts, text.embed(prompts), strict=True))
    tasks = {}
    for (source, name), rule in rules.items():
        inside = sets == source
        truth = (names[inside] == name).astype(int)
        if truth.sum() >= 3:
            tasks[f"{source}/{name}"] = (standardise(rule, embed, found[inside], background), truth)
    return tasks


def describe(title: str, tasks: dict[str, tuple]) -> None:
    """How far apart the classes lie, for the card."""
    gaps = [float(z[y == 1].mean() - z[y == 0].mean()) for z, y in tasks.values()]
    high = [float(np.mean(z[y == 1] > 3)) for z, y in tasks.values()]
    false = [float(np.mean(z[y == 0] > 3)) for z, y in tasks.values()]
    print(f"{title}: {len(tasks)} tasks, mean gap {np.mean(gaps):.2f} z, above z=3:"
          f" positives {np.mean(high):.3f}, negatives {np.mean(false):.4f}", flush=True)  # fmt: skip


def main() -> None:
    """Embed the background with the exported towers, fit, write, refresh SHA256SUMS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the model directory")
    parser.add_argument("--only", choices=("text", "image"), help="leave the other modality's part as it is")
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    text, image = TextTower(options.out), ImageTower(options.out)
    background, tasks = {}, {}
    if options.only != "image":
        usual, ordinary = ordinary_texts(options.data, rng)
        background["text"] = text.embed(usual)
        tasks["text"] = text_tasks(options.data, text, background["text"], ordinary, rng)
    if options.only != "text":
        background["image"] = embed_pictures(image, options.data, background_pictures(options.data, rng))
        tasks["image"] = image_tasks(options.data, text, image, background["image"])
    calibration = {}
    if options.only:
        background = dict(np.load(options.out / "background.npz")) | background
        calibration = json.loads((options.out / "space.json").read_text(encoding="utf-8"))["calibration"]
    for channel, found in tasks.items():
        describe(channel, found)
        slope, intercept = fit(list(found.values()))
        print(
            channel,
            "slope",
            slope,
            "intercept",
            intercept,
            "half at z",
            -intercept / slope,
            flush=True,
        )
        calibration[channel] = {"slope": round(slope, 4), "intercept": round(intercept, 4)}
    space = {
        "name": "starter",
        "dimensions": 384,
        "window_tokens": 64,  # the graph takes 256; longer windows hide a sentence among harmless ones
        "batch_invariant": True,  # int8 by scales fixed beforehand
        "neutral": list(NEUTRAL),
        "calibration": calibration,
        "background": "background.npz",
    }
    np.savez(
        options.out / "background.partial.npz",
        **{k: v.astype(np.float16) for k, v in background.items()},
    )
    (options.out / "background.partial.npz").replace(options.out / "background.npz")
    (options.out / "space.partial").write_text(json.dumps(space, indent=2) + "\n", encoding="utf-8")
    (options.out / "space.partial").replace(options.out / "space.json")
    write_sums(options.out)


if __name__ == "__main__":
    main()
