"""What configurations of image processors say, against Pillow and the formula written out."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from moderator.encoders.image import ImageLayout, OnnxImageEncoder
from moderator.encoders.layouts import open_clip, transformers
from moderator.encoders.onnx import Session

HALF = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3}
BICUBIC, BILINEAR = Image.Resampling.BICUBIC, Image.Resampling.BILINEAR


@pytest.fixture(scope="module")
def session(shared: Path) -> Session:
    """Any graph: nothing is run."""
    return Session(shared / "fixtures/tiny-clip/onnx/vision_model.onnx", "cpu")


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    noise = np.random.default_rng(0).integers(0, 256, (90, 150, 3), dtype=np.uint8)
    return Image.fromarray(noise)


def read(config: dict[str, Any], folder: Path) -> ImageLayout:
    path = folder / "config.json"
    path.write_text(json.dumps(config))
    return open_clip.pixels(path) if "mean" in config else transformers.pixels(path)


def cut(image: Image.Image, left: int, top: int, width: int, height: int) -> Image.Image:
    return image.crop((left, top, left + width, top + height))


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        # CLIP as first published: numbers
        (
            {"size": 30, "crop_size": 30, "do_center_crop": True, "resample": 3},
            lambda image: cut(image.resize((50, 30), BICUBIC), 10, 0, 30, 30),
        ),
        # scaled further than cut, with another height than width
        (
            {
                "size": {"shortest_edge": 45},
                "crop_size": {"height": 30, "width": 40},
                "do_center_crop": True,
                "resample": 2,
            },
            lambda image: cut(image.resize((75, 45), BILINEAR), 17, 7, 40, 30),
        ),
        # as SigLIP wants it, both sides at once
        (
            {"size": {"height": 30, "width": 30}, "resample": 3},
            lambda image: image.resize((30, 30), BICUBIC),
        ),
        ({"size": 30, "resample": 2}, lambda image: image.resize((30, 30), BILINEAR)),
        (
            {"size": {"height": 20, "width": 40}, "do_center_crop": False},
            lambda image: image.resize((40, 20), BICUBIC),
        ),
    ],
)
def test_transformers_sizes(
    config: dict[str, Any], expected: Any, session: Session, photo: Image.Image, tmp_path: Path
) -> None:
    encoder = OnnxImageEncoder(session, read(config | HALF, tmp_path))
    pixels = encoder.prepare(photo)
    assert np.array_equal(pixels, np.asarray(expected(photo)))
    assert encoder.normalise([pixels]).shape == (1, 3, *pixels.shape[:2])


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"size": 30}, lambda image: cut(image.resize((50, 30), BICUBIC), 10, 0, 30, 30)),
        (
            {"size": [30, 30], "resize_mode": "shortest", "interpolation": "bilinear"},
            lambda image: cut(image.resize((50, 30), BILINEAR), 10, 0, 30, 30),
        ),
        (
            {"size": [30, 30], "resize_mode": "squash", "interpolation": "bicubic"},
            lambda image: image.resize((30, 30), BICUBIC),
        ),
    ],
)
def test_open_clip_sizes(
    config: dict[str, Any], expected: Any, session: Session, photo: Image.Image, tmp_path: Path
) -> None:
    layout = read(config | {"mean": [0.5] * 3, "std": [0.25] * 3}, tmp_path)
    pixels = OnnxImageEncoder(session, layout).prepare(photo)
    assert np.array_equal(pixels, np.asarray(expected(photo)))


def test_half_a_pixel_is_rounded_down_in_both_layouts(
    session: Session, tmp_path: Path, shared: Path
) -> None:
    """open_clip itself would start at 18; transformers and immich start at 17."""
    image = Image.open(shared / "fixtures/images/odd_crop.png").convert("RGB")
    assert image.size == (99, 64)
    size = {"size": {"shortest_edge": 64}, "crop_size": 64, "do_center_crop": True}
    for config in (size | HALF, {"size": 64, "mean": [0.5] * 3, "std": [0.5] * 3}):
        pixels = OnnxImageEncoder(session, read(config, tmp_path)).prepare(image)
        assert np.array_equal(pixels, np.asarray(cut(image, 17, 0, 64, 64)))


def scaled(levels: NDArray[np.uint8], factor: float) -> NDArray[np.float32]:
    return (levels.astype(np.float64) * factor).astype(np.float32)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, lambda x: (scaled(x, 1 / 255) - np.float32(0.5)) / np.float32(0.25)),
        ({"do_normalize": False}, lambda x: scaled(x, 1 / 255)),
        ({"do_rescale": False, "do_normalize": False}, lambda x: scaled(x, 1)),
        (
            {"rescale_factor": 1 / 127.5},
            lambda x: (scaled(x, 1 / 127.5) - np.float32(0.5)) / np.float32(0.25),
        ),
    ],
)
def test_levels_become_what_the_processor_makes_of_them(
    config: dict[str, Any], expected: Any, session: Session, tmp_path: Path
) -> None:
    layout = read(config | HALF | {"size": 16}, tmp_path)
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    found = OnnxImageEncoder(session, layout).normalise([levels])[0, 0]
    assert found.tobytes() == expected(levels[..., 0]).tobytes()
