"""Text in images: how well it is read, what it gives, what it costs: `python -m tests.bench.ocr`.

Text drawn here in sizes and on backgrounds; then, where `../shared` is, thumbnails of memes with
the text that people transcribed, scam screenshots, receipts and photographs. Costs are CPU time of
one core, so that a busy machine gives the same. `IMAGES=N`: so many of each kind, by default 60.
"""

import io
import json
import os
import statistics
import tarfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from moderator.app import build_core
from moderator.evaluation.resampling import (
    Figure,
    Scores,
    Truth,
    Values,
    auroc,
    draw,
    figure,
    on_draws,
)
from moderator.ocr.base import Written
from moderator.posts import Media, Post
from moderator.reading import LoadedPost
from moderator.settings import bundled, load_settings
from moderator.verdicts import Verdict
from tests.bench.photographs import photograph

_DATA = Path("../shared/data/eval/images")
_SAMPLE = (
    "Your account is locked. Reply with your card number and PIN,\n"
    "or follow http://bank.example/verify today.\n"
    "You have won $1,000! Send $50 to claim it @ 7:30 p.m."
)
_SCAM_KIND = "scam-screenshot"
_KINDS = (_SCAM_KIND, "document-ocr", "license-plate", "smoking", "fire", "weapons")

Part = tuple[str, str]  # a rule and a channel of it
_HARMFUL = "benchmarks/harmful-meme"
_MEME_WAYS = (("text",), ("ocr",), ("image",), ("text", "image"), ("ocr", "image"))
_PICTURE: Part = ("benchmarks/screenshot", "image")
_WRITTEN: tuple[Part, ...] = (("benchmarks/scam", "ocr"), ("benchmarks/smishing", "ocr"))
_SCAM_WAYS: tuple[Sequence[Part], ...] = ((_PICTURE,), _WRITTEN, (_PICTURE, *_WRITTEN))


class Kind(NamedTuple):
    """Pictures of one kind, and the text in each where somebody transcribed it."""

    name: str
    pictures: Sequence[bytes]
    texts: Sequence[str | None]
    harmful: Sequence[bool]


class Judged(NamedTuple):
    """What became of one picture."""

    verdict: Verdict
    written: Written
    cpu_ms: float  # with decoding, embedding and judging

    @property
    def text(self) -> str:
        return " ".join(writing.text for writing in self.written.writings)


def drawn(points: int, background: str, contrast: int = 200) -> bytes:
    """The sample as a PNG of 1080 x 1080."""
    picture = Image.new("RGB", (1080, 1080), (240, 240, 240))
    if background == "photograph":
        picture = Image.open(io.BytesIO(photograph(7, 1080))).convert("RGB")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(points)
    words, lines, line = _SAMPLE.split(), list[str](), ""
    for word in words:
        if draw.textlength(f"{line} {word}", font) > 1000:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    shade = 240 - contrast
    edge = max(1, points // 12) if background == "photograph" else 0
    draw.multiline_text(
        (40, 60),
        "\n".join([*lines, line]),
        fill=(shade, shade, shade),
        font=font,
        stroke_width=edge,
        stroke_fill="white",
    )
    file = io.BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()


def accuracy(told: str, read: str) -> float:
    """1 minus the character error rate, of letters and digits whatever their case; 0 at least."""
    wanted, found = ("".join(filter(str.isalnum, text.lower())) for text in (told, read))
    row = np.arange(len(found) + 1)
    letters = np.array([ord(letter) for letter in found])
    for number, letter in enumerate(wanted, 1):
        best = np.minimum(row[:-1] + (letters != ord(letter)), row[1:] + 1)
        steps = np.concatenate([[number], best]) - np.arange(len(found) + 1)
        row = np.minimum.accumulate(steps) + np.arange(len(found) + 1)
    return max(0.0, 1 - int(row[-1]) / max(1, len(wanted)))


def shared(most: int) -> Iterator[Kind]:
    """A sample of each kind of picture."""
    random = np.random.default_rng(0)
    memes = [json.loads(line) for line in (_DATA / "harmeme.jsonl").open(encoding="utf-8")]
    rows = [json.loads(line) for line in (_DATA / "index.jsonl").open(encoding="utf-8")]
    files = {**_members("harmeme.tar"), **_members("images.tar")}
    chosen = [memes[place] for place in random.permutation(len(memes))[: 3 * most]]
    yield Kind(
        "meme",
        [files[row["image"]] for row in chosen],
        [row["text"] for row in chosen],
        ["not harmful" not in row["labels"] for row in chosen],
    )
    for category in _KINDS:
        of_it = [files[row["image"]] for row in rows if row["category"] == category]
        some = [of_it[place] for place in random.permutation(len(of_it))[:most]]
        yield Kind(category, some, [None] * len(some), [category == _SCAM_KIND] * len(some))


def _members(name: str) -> dict[str, bytes]:
    with tarfile.open(_DATA / name) as archive:
        return {
            member.name: content.read()
            for member in archive
            if (content := archive.extractfile(member))
        }


class Bench:
    """The core with `MODERATOR_OCR=on`, in this process and one thread, so that CPU is counted."""

    def __init__(self) -> None:
        settings = load_settings(
            {
                "ocr": "on",
                "ocr_seconds": 60.0,
                "decoder_processes": 0,
                "callers": 1,
                "policies": (bundled("policies") / "benchmarks/public-sets.yaml",),
                "verdict_detail": "full",
                "media_cache_bytes": 0,
            }
        )
        self._core = build_core(settings)
        self._written: list[Written] = []
        self._core.screener.embedder.on_written = self._written.extend
        self.judge(drawn(40, "plain"))  # loads the models

    def judge(self, picture: bytes, text: str | None = None) -> Judged:
        self._written.clear()
        post = Post(id="bench", text=text, media=(Media(data=picture),))
        began = time.process_time()
        (verdict,) = self._core.screener.screen([LoadedPost(post, (picture,))])
        taken = (time.process_time() - began) * 1000
        (written,) = self._written or [Written()]
        return Judged(verdict, written, taken)


def scores(judged: Sequence[Judged], parts: Sequence[Part]) -> Scores:
    """The highest of these rules' scores by these channels; 0 where there is nothing to read."""
    found = []
    for each in judged:
        rules = {rule.id: rule.channels for rule in each.verdict.rules}
        read = [rules[rule].get(channel) for rule, channel in parts]
        found.append(max((score.score for score in read if score), default=0.0))
    return np.array(found)


def shown(figure: Figure) -> str:
    return f"{figure.value:.3f} ({figure.low:.3f} to {figure.high:.3f})"


def compare(title: str, truth: Truth, judged: Sequence[Judged], *ways: Sequence[Part]) -> None:
    """AUROC of each way, parts of which the highest counts, and its gain over the first way."""
    print(f"\n{title}: {int(truth.sum())} against {int((~truth).sum())}\n")
    print("| highest of | AUROC (95 %) | gain over the first |\n|---|---|---|")
    counts = draw(len(truth))

    def on_all(way: Sequence[Part]) -> Values:
        return on_draws(auroc, truth, scores(judged, way), counts)

    first = on_all(ways[0])
    for way in ways:
        values = on_all(way)
        value = figure(values)
        better = "" if way is ways[0] else shown(figure(values - first))
        names = ", ".join(f"{rule.rpartition('/')[2]} by {channel}" for rule, channel in way)
        print(f"| {names} | {shown(value)} | {better} |", flush=True)


def report_drawn(bench: Bench) -> None:
    print("Text drawn on 1080 x 1080, accuracy by character\n")
    print("| points | plain | low contrast (40 levels) | photograph | CPU ms, plain |")
    print("|---:|---:|---:|---:|---:|")
    for points in (14, 18, 24, 36, 64):
        pictures = (
            drawn(points, "plain"),
            drawn(points, "plain", contrast=40),
            drawn(points, "photograph"),
        )
        read = [bench.judge(picture) for picture in pictures]
        cells = " | ".join(f"{accuracy(_SAMPLE, each.text):.3f}" for each in read)
        print(f"| {points} | {cells} | {read[0].cpu_ms:.0f} |", flush=True)


def report_kinds(bench: Bench, most: int) -> None:
    print("\nPictures of ../shared, thumbnails of 100 to 480 pixels\n")
    print("| kind | pictures | spared | blank | read | cut | ms, median | ms, 95 % | characters |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    judged: dict[str, list[Judged]] = {}
    kinds = {kind.name: kind for kind in shared(most)}
    for name, kind in kinds.items():
        found = [
            bench.judge(picture, text)
            for picture, text in zip(kind.pictures, kind.texts, strict=True)
        ]
        judged[name] = found
        outcomes = Counter(each.written.outcome for each in found)
        shares = " | ".join(
            f"{outcomes[outcome] / len(found):.2f}"
            for outcome in ("spared", "blank", "read", "cut")
        )
        taken = [each.cpu_ms for each in found]
        print(
            f"| {name} | {len(found)} | {shares} | {statistics.median(taken):.0f} "
            f"| {np.quantile(taken, 0.95):.0f} "
            f"| {statistics.median(len(each.text) for each in found):.0f} |",
            flush=True,
        )
    memes = judged["meme"]
    right = [
        accuracy(text or "", each.text)
        for text, each in zip(kinds["meme"].texts, memes, strict=True)
    ]
    print(
        f"\nmemes: accuracy by character against their transcription, median "
        f"{statistics.median(right):.3f}, mean {statistics.mean(right):.3f}, "
        f"none at all in {np.mean(np.array(right) == 0):.3f}"
    )
    print("receipts: there is no transcription of them here, so no accuracy of theirs")
    ways = [[(_HARMFUL, name) for name in names] for names in _MEME_WAYS]
    compare("harmeme", np.array(kinds["meme"].harmful), memes, *ways)
    everything = [each for found in judged.values() for each in found]
    scams = np.array([name == _SCAM_KIND for name, found in judged.items() for _ in found])
    compare("scam screenshots against all other pictures", scams, everything, *_SCAM_WAYS)


def main() -> None:
    bench = Bench()
    report_drawn(bench)
    if not _DATA.is_dir():
        print(f"\n{_DATA} is not here, so nothing is said of memes, screenshots and photographs")
        return
    report_kinds(bench, int(os.environ.get("IMAGES", "60")))


if __name__ == "__main__":
    main()
