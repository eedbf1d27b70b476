"""Read the training sets: pairs of image and text, labelled moderation texts, image tars."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True)
class Picture:
    """One row of image_text.jsonl.gz."""

    image: str
    texts: tuple[str, ...]
    kind: str
    label: str
    split: str

    @property
    def source(self) -> str:
        """The set an image comes from, which is the folder it lies in."""
        return self.image.split("/")[0]

    @property
    def captioned(self) -> bool:
        """Whether its texts describe this image alone rather than its class."""
        return self.kind.startswith("caption") or self.kind in {"emoji", "product-title"}


def read_rows(path: Path) -> Iterator[dict]:
    """Rows of a .jsonl or .jsonl.gz file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in lines)


def read_pictures(root: Path, splits: tuple[str, ...] = ("train",)) -> list[Picture]:
    """Pictures of the named splits, in file order."""
    rows = read_rows(root / "train" / "image_text.jsonl.gz")
    return [
        Picture(r["image"], tuple(r["texts"]), r["kind"], r["label"], r["split"])
        for r in rows
        if r["split"] in splits and r["texts"]
    ]


def read_moderation(root: Path) -> list[dict]:
    """Labelled texts: text, source, labels (name -> 0 or 1)."""
    rows = read_rows(root / "train" / "moderation_text.jsonl.gz")
    return [r | {"labels": {k: int(v) for k, v in r["labels"].items()}} for r in rows if r["text"].strip()]


def shortest_edge_crop(image: Image.Image, side: int) -> np.ndarray:
    """CLIP's resize and centre crop -> (side, side, 3) uint8; transparency becomes white."""
    if image.mode in {"RGBA", "LA", "P", "PA"}:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    image = image.convert("RGB")
    width, height = image.size
    short = min(width, height)
    size = (
        side if width == short else int(side * width / short),
        side if height == short else int(side * height / short),
    )
    image = image.resize(size, Image.Resampling.BICUBIC)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))
