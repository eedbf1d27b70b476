"""What the second reading of disguised texts gains: `python -m tests.bench.disguises`.

The offences of the demo's sample posts are disguised by one trick after the other and screened with
the starter and the bundled policies three ways: as written, without what is not seen (`plain`), and
with the second reading. Recall is the share whose intended rule reaches its review line. Below,
what the second reading costs: ordinary texts of the samples, and of a file of texts given by name.
"""

import gzip
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

from moderator import reading
from moderator.app import build_core
from moderator.demo.samples.offences import OFFENCES
from moderator.demo.samples.posts import drafts
from moderator.demo.samples.topics import fill
from moderator.disguises import undisguised
from moderator.pipeline import Screener
from moderator.posts import Post
from moderator.reading import LoadedPost
from moderator.settings import load_settings
from moderator.verdicts import Verdict

_BATCH = 16
_ALIKE = str.maketrans("aceiopsxyABCEHKMOPTX", "асеіорѕхуАВСЕНКМОРТХ")  # noqa: RUF001 - the trick
_LEET = str.maketrans("aeiostAEIOST", "431057431057")

Trick = Callable[[str, random.Random], str]


def _some(text: str, rng: random.Random, share: float, change: Callable[[str], str]) -> str:
    return "".join(change(c) if c.isalpha() and rng.random() < share else c for c in text)


def _each_word(text: str, change: Callable[[str], str]) -> str:
    return " ".join(change(word) for word in text.split())


TRICKS: dict[str, Trick] = {
    "none": lambda text, _: text,
    "zero-width": lambda text, _: "\u200b".join(text),
    "full-width": lambda text, _: "".join(
        chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text
    ),
    "look-alikes": lambda text, _: text.translate(_ALIKE),
    "half of the look-alikes": lambda text, rng: _some(
        text, rng, 0.5, lambda c: c.translate(_ALIKE)
    ),
    "combining flood": lambda text, rng: _some(
        text, rng, 1, lambda c: c + "".join(rng.choices("\u0336\u0337\u0321\u0334\u0322", k=3))
    ),
    "backwards": lambda text, _: f"\u202e{text[::-1]}\u202c",
    "leetspeak": lambda text, _: text.translate(_LEET),
    "half leetspeak": lambda text, rng: _some(text, rng, 0.5, lambda c: c.translate(_LEET)),
    "letters spaced out": lambda text, _: "  ".join(map(" ".join, text.split())),
    "dots between letters": lambda text, _: _each_word(text, ".".join),
    "boxed letters": lambda text, _: "".join(
        chr(0x1F170 + ord(c.upper()) - ord("A")) if c.isascii() and c.isalpha() else c for c in text
    ),
}


def offences(variants: int) -> list[tuple[str, str, str | None]]:
    """Text, rule and surface of each template of each offence, `variants` times."""
    rng = random.Random(7)
    return [
        (fill(template, rng), topic.rule, topic.surface)
        for topic in OFFENCES
        for template in topic.templates
        for _ in range(variants)
    ]


def screened(screener: Screener, texts: Sequence[tuple[str, str | None]]) -> list[Verdict]:
    posts = [
        LoadedPost(Post(id=str(place), text=text, surface=surface))
        for place, (text, surface) in enumerate(texts)
    ]
    return [
        verdict
        for start in range(0, len(posts), _BATCH)
        for verdict in screener.screen(posts[start : start + _BATCH])
    ]


def recall(screener: Screener, trick: Trick, variants: int = 4) -> float:
    """The share of disguised offences whose intended rule reaches its review line."""
    rng = random.Random(8)
    cases = offences(variants)
    verdicts = screened(screener, [(trick(text, rng), surface) for text, _, surface in cases])
    hits = [
        any(rule.id == wanted for rule in verdict.rules)
        for verdict, (_, wanted, _) in zip(verdicts, cases, strict=True)
    ]
    return sum(hits) / len(hits)


def flagged(screener: Screener, texts: Sequence[str]) -> int:
    return sum(bool(verdict.rules) for verdict in screened(screener, [(t, None) for t in texts]))


def everyday() -> list[str]:
    samples = [draft for draft in drafts(2000) if draft.kind in ("everyday", "look-alike")]
    return [text for each in samples if (text := json.loads(each.sample.value).get("text"))]


def _texts(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [row["text"] for row in rows if not row.get("unsafe")]


def main(files: Sequence[str]) -> None:
    screener = build_core(load_settings()).screener
    once = mock.patch.object(reading, "undisguised", return_value=None)
    as_written = mock.patch.object(reading, "plain", lambda text: text)
    print("| trick | as written | plain | with the second reading |\n|---|---:|---:|---:|")
    for name, trick in TRICKS.items():
        with once:
            with as_written:
                written = recall(screener, trick)
            plain = recall(screener, trick)
        both = recall(screener, trick)
        print(f"| {name} | {written:.2f} | {plain:.2f} | {both:.2f} |")
    for name, texts in {
        "ordinary samples": everyday(),
        **{Path(file).name: _texts(Path(file)) for file in files},
    }.items():
        with once:
            before = flagged(screener, texts)
        began = time.perf_counter()
        twice = sum(undisguised(text) is not None for text in texts)
        cost = (time.perf_counter() - began) / len(texts) * 1e6
        after = flagged(screener, texts)
        print(
            f"\n{name}: {len(texts)} texts, {twice} read twice, {cost:.0f} µs each to tell; "
            f"at a review line before {before}, after {after}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
