"""Throughput of the exported towers: texts of 32 tokens a second, images a second from file bytes."""

from __future__ import annotations

import argparse
import io
import statistics
import tarfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from data import shortest_edge_crop
from towers import ImageTower, session

if TYPE_CHECKING:
    from collections.abc import Callable

CALLERS = 2
TOKENS = 32
TEXTS, IMAGES, BATCH = 512, 512, 16


def median_rate(job: Callable[[int], None], batches: int, items: int, runs: int = 5) -> float:
    """Items a second: median of `runs`, CALLERS threads over sessions of one thread."""
    rates = []
    with ThreadPoolExecutor(CALLERS) as pool:
        list(pool.map(job, range(CALLERS)))
        for _ in range(runs):
            started = time.perf_counter()
            list(pool.map(job, range(batches)))
            rates.append(items / (time.perf_counter() - started))
    return statistics.median(rates)


def text_rate(folder: Path) -> float:
    """Ids to embeddings; tokenising is left out."""
    model = session(folder / "onnx" / "text_model.onnx", 1)
    ids = np.random.default_rng(1).integers(200, 12000, (BATCH, TOKENS))
    feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return median_rate(lambda _: model.run(None, feed) and None, TEXTS // BATCH, TEXTS)


def image_rate(folder: Path, archive_path: Path) -> tuple[float, float]:
    """File bytes (500-pixel JPEG made from training pictures) to embeddings; and pixels to embeddings."""
    tower = ImageTower(folder, 1)
    payloads = []
    with tarfile.open(archive_path) as archive:
        for member in list(archive)[: BATCH * 4]:
            picture = Image.open(io.BytesIO(archive.extractfile(member).read())).convert("RGB")  # type: ignore[union-attr]
            buffer = io.BytesIO()
            picture.resize((500, 375), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=88)
            payloads.append(buffer.getvalue())

    def prepared(batch: int) -> np.ndarray:
        chosen = [payloads[(batch * BATCH + i) % len(payloads)] for i in range(BATCH)]
        return np.stack([shortest_edge_crop(Image.open(io.BytesIO(p)), tower.side) for p in chosen])

    ready = prepared(0)
    whole = median_rate(lambda batch: tower.embed_pixels(prepared(batch)), IMAGES // BATCH, IMAGES)
    return whole, median_rate(lambda _: tower.embed_pixels(ready), IMAGES // BATCH, IMAGES)


def main() -> None:
    """Print three rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True)
    options = parser.parse_args()
    print(f"text: {text_rate(options.model):.0f} texts of {TOKENS} tokens a second, {CALLERS} callers")
    whole, bare = image_rate(options.model, options.data / "train" / "flickr8k.tar")
    print(f"image: {whole:.0f} images a second from 500 x 375 JPEG bytes, {bare:.0f} from pixels")


if __name__ == "__main__":
    main()
