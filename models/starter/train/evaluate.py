"""Zero-shot figures on the evaluation sets, student against teacher, with chance and 95 % intervals."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score

import prompts
from data import read_pictures, read_rows
from figures import Figure, auroc, both, interval, precision, show
from minilm import load_teacher
from prompts import NEUTRAL, Rule
from teacher import embed
from towers import ImageTower, TextTower
from vocabulary import open_tokenizer

Embed = Callable[[list[str]], np.ndarray]

# Categories of openai_moderation that are part of another: threatening hate of hate, graphic violence of violence.
PARTS = {"H2", "V2"}


class Rules:
    """Compiles rules with one text encoder; prompts are embedded once."""

    def __init__(self, encode: Embed) -> None:
        texts = {t for rule in vars(prompts).values() if isinstance(rule, Rule) for t in (*rule.violates, *rule.allows)}
        ordered = sorted(texts | set(NEUTRAL))
        self.table = dict(zip(ordered, encode(ordered), strict=True))

    def margins(self, rule: Rule, embeddings: np.ndarray) -> np.ndarray:
        """(n, 384) -> (n) margins."""
        return embeddings @ rule.direction(self.table)


def _dedupe(rows: list[dict]) -> list[dict]:
    return list({row["text"]: row for row in rows if row["text"].strip()}.values())


def text_figures(name: str, encode: Embed, folder: Path) -> list[Figure]:
    """All text sets for one encoder."""
    rules = Rules(encode)

    def rows_of(stem: str) -> list[dict]:
        return list(read_rows(folder / f"{stem}.jsonl.gz"))

    figures = _openai(name, encode, rules, rows_of("openai_moderation"))

    def binary(title: str, rule: Rule, rows: list[dict], truth: list[int], note: str = "") -> None:
        score = rules.margins(rule, encode([r["text"] for r in rows]))
        figures.append(auroc(title, name, np.array(truth), score, note))

    for stem in ("hatecheck", "hatemoji_check"):
        rows = rows_of(stem)
        binary(stem, prompts.HATE, rows, [int(r["hateful"]) for r in rows])
    rows = rows_of("xstest")
    binary("xstest", prompts.UNSAFE_REQUEST, rows, [int(r["unsafe"]) for r in rows])
    rows = [r for r in rows_of("scam_posts") if {"scam", "phishing", "clean"} & set(r["labels"])]
    bad = [int("clean" not in r["labels"]) for r in rows]
    binary("scam_posts", prompts.SCAM, rows, bad, "scam or phishing against clean")
    rows = rows_of("sms_smishing")
    labels = [r["label"] for r in rows]
    # The file's labels sit one row too early (its last one is empty): on words such as "claim"
    # and "www" found in 20 % of every class as shipped, in 55 % of smishing and 12 % of ham one row later.
    for title, aligned in (("as shipped", labels), ("labels moved one row", ["", *labels[:-1]])):
        pairs = [
            (row, int(label == "smishing"))
            for row, label in zip(rows, aligned, strict=True)
            if label in {"ham", "smishing"}
        ]
        binary(
            f"sms_smishing, {title}",
            prompts.SMISHING,
            [r for r, _ in pairs],
            [y for _, y in pairs],
            "smishing against ham",
        )
    return figures


def _openai(name: str, encode: Embed, rules: Rules, rows: list[dict]) -> list[Figure]:
    """Average precision per category and their mean; posts labelled S3 and that label are left out."""
    rows = [r for r in rows if r["labels"].get("S3") not in (1, "1")]
    embeddings = encode([r["text"] for r in rows])
    table = np.array([[_label(r["labels"].get(c)) for c in prompts.OPENAI_RULES] for r in rows])
    scores = np.stack([rules.margins(rule, embeddings) for rule in prompts.OPENAI_RULES.values()], axis=1)
    figures = []
    for column, category in enumerate(prompts.OPENAI_RULES):
        known = table[:, column] >= 0
        figures.append(
            precision(
                f"openai_moderation {category} AP",
                name,
                table[known, column],
                scores[known, column],
            )
        )

    def mean_precision(index: np.ndarray) -> float:
        parts = []
        for column in range(table.shape[1]):
            truth, score = table[index, column], scores[index, column]
            parts.append(both(average_precision_score, truth[truth >= 0], score[truth >= 0]))
        return float(np.nanmean(parts))

    low, high = interval(mean_precision, len(rows))
    chance = float(np.mean([f.chance for f in figures]))
    mean = Figure(
        "openai_moderation mean AP",
        name,
        mean_precision(np.arange(len(rows))),
        low,
        high,
        chance,
        len(rows),
    )
    harmful = (table == 1).any(1)
    harmless = (table == 0).all(1) | ((table <= 0).all(1) & (table == 0).any(1))
    known = harmful | harmless
    standard = (scores - scores.mean(0)) / scores.std(0)
    wide = [c not in PARTS for c in prompts.OPENAI_RULES]
    anything = [
        precision(f"openai_moderation any harm AUPRC{title}", name, harmful[known].astype(int),
                  standard[known][:, columns].max(1), f"largest of the {sum(columns)} standardised margins")
        for title, columns in (("", [True] * len(wide)), (", without H2 and V2", wide))
    ]  # fmt: skip
    return [mean, *figures, *anything]


def _label(value: object) -> int:
    return -1 if value in (None, "") else int(value)  # type: ignore[call-overload]


def image_figures(
    encode: Embed, tower: ImageTower, data: Path, background: dict[str, np.ndarray] | None
) -> list[Figure]:
    """Harm sets, memes, retrieval and classes."""
    rules = Rules(encode)
    folder = data / "eval" / "images"
    rows = list(read_rows(folder / "index.jsonl"))
    table = tower.embed_tar(folder / "images.tar", [r["image"] for r in rows])
    embeddings = np.stack([table[r["image"]] for r in rows])
    source = np.array([r["image"].split("/")[0] for r in rows])
    positive = np.array([r["positive"] for r in rows])

    def within(name: str, rule: Rule, where: np.ndarray, note: str = "") -> Figure:
        keep = where & (positive != "ambiguous")
        return auroc(
            name,
            "student",
            (positive[keep] == "1").astype(int),
            rules.margins(rule, embeddings[keep]),
            note,
        )

    def against(name: str, rule: Rule, positives: str, others: tuple[str, ...]) -> Figure:
        """A set without negatives of its own, against pictures of the other sets."""
        keep = (source == positives) | np.isin(source, others)
        truth = (source[keep] == positives).astype(int)
        return auroc(
            name,
            "student",
            truth,
            rules.margins(rule, embeddings[keep]),
            f"negatives: {', '.join(others)}",
        )

    everything = (
        "weapons-vs-lookalikes",
        "pistols-ugr",
        "fire",
        "smokers",
        "plates",
        "receipts-sroie",
        "scam-screenshots",
    )

    def rest(*names: str) -> tuple[str, ...]:
        return tuple(n for n in everything if n not in names)

    figures = [
        within("weapons vs look-alikes", prompts.WEAPONS_IMAGE, source == "weapons-vs-lookalikes"),
        against(
            "pistols",
            prompts.WEAPONS_IMAGE,
            "pistols-ugr",
            rest("pistols-ugr", "weapons-vs-lookalikes"),
        ),
        within("smoking", prompts.SMOKING_IMAGE, source == "smokers"),
        within("fire", prompts.FIRE_IMAGE, source == "fire"),
        against(
            "scam screenshots",
            prompts.SCREENSHOT_IMAGE,
            "scam-screenshots",
            rest("scam-screenshots", "receipts-sroie"),
        ),
        against("licence plates", prompts.PLATE_IMAGE, "plates", rest("plates")),
        against(
            "receipts",
            prompts.RECEIPT_IMAGE,
            "receipts-sroie",
            rest("receipts-sroie", "scam-screenshots"),
        ),
    ]
    figures += _memes(encode, tower, folder, rules, background)
    return figures + _classes(encode, tower, data)


def _memes(
    encode: Embed,
    tower: ImageTower,
    folder: Path,
    rules: Rules,
    background: dict[str, np.ndarray] | None,
) -> list[Figure]:
    rows = list(read_rows(folder / "harmeme.jsonl"))
    truth = np.array([int("not harmful" not in r["labels"]) for r in rows])
    table = tower.embed_tar(folder / "harmeme.tar", [r["image"] for r in rows])
    channels = {
        "text": (prompts.HARMFUL_MEME, encode([r["text"] or " " for r in rows])),
        "image": (prompts.MEME_IMAGE, np.stack([table[r["image"]] for r in rows])),
    }
    figures, standard = [], []
    for channel, (rule, embeddings) in channels.items():
        score = rules.margins(rule, embeddings)
        base = rules.margins(rule, background[channel].astype(np.float32)) if background else score
        figures.append(auroc(f"harmeme {channel} only", "student", truth, score))
        standard.append((score - base.mean()) / base.std())
    figures.append(auroc("harmeme fused (max of z)", "student", truth, np.max(standard, axis=0)))
    figures.append(auroc("harmeme fused (mean of z)", "student", truth, np.mean(standard, axis=0)))
    text, image = standard
    figures.append(auroc("harmeme fused (z of text 3, of image 1)", "student", truth, 3 * text + image))
    return figures


def _classes(encode: Embed, tower: ImageTower, data: Path) -> list[Figure]:
    """Text-to-image recall at 10 on Flickr8k test; top-1 on Tiny-ImageNet val."""
    flickr = [p for p in read_pictures(data, ("test",)) if p.source == "flickr8k"][:1000]
    table = tower.embed_tar(data / "train" / "flickr8k.tar", [p.image for p in flickr])
    queries = encode([p.texts[0] for p in flickr])
    similar = queries @ np.stack([table[p.image] for p in flickr]).T
    hits = ((similar > np.diag(similar)[:, None]).sum(1) < 10).astype(float)
    low, high = interval(lambda i: float(hits[i].mean()), len(hits))
    recall = Figure(
        "Flickr8k text-to-image recall@10",
        "student",
        float(hits.mean()),
        low,
        high,
        10 / len(flickr),
        len(flickr),
        "first caption of each image",
    )
    tiny = [p for p in read_pictures(data, ("val",)) if p.source == "tiny-imagenet"]
    names = sorted({p.texts[0] for p in tiny})
    table = tower.embed_tar(data / "train" / "tiny-imagenet.tar", [p.image for p in tiny])
    classes = sum(encode([template.format(n) for n in names]) for template in ("a photo of a {}", "{}"))
    guess = (np.stack([table[p.image] for p in tiny]) @ classes.T).argmax(1)
    right = np.array([names[g] == p.texts[0] for g, p in zip(guess, tiny, strict=True)], float)
    low, high = interval(lambda i: float(right[i].mean()), len(right))
    top1 = Figure("Tiny-ImageNet val top-1", "student", float(right.mean()), low, high, 1 / len(names), len(right),
                  f"{len(names)} class prompts; classes seen in training")  # fmt: skip
    return [recall, top1]


def main() -> None:
    """Evaluate the student (and the teacher, if given) and write figures.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--only", choices=("text", "image"))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    figures: list[Figure] = []
    student = TextTower(options.model)
    if options.only != "image":
        figures += text_figures("student", student.embed, options.data / "eval" / "text")
    if options.teacher:
        tokenizer, encoder = (
            open_tokenizer(options.teacher / "tokenizer.json"),
            load_teacher(options.teacher),
        )
        figures += text_figures(
            "teacher",
            lambda texts: embed(encoder, [e.ids for e in tokenizer.encode_batch(texts)], quiet=True),
            options.data / "eval" / "text",
        )
    if options.only != "text":
        stored = options.model / "background.npz"
        background = dict(np.load(stored)) if stored.exists() else None
        figures += image_figures(student.embed, ImageTower(options.model), options.data, background)
    show(figures)
    if options.out:
        options.out.write_text(json.dumps([asdict(f) for f in figures], indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
