"""Images as the reference implementation prepares them, then through the shipped model."""

import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from moderator.encoders.image import ImageLayout, OnnxImageEncoder
from moderator.encoders.load import load_space
from moderator.encoders.onnx import Session
from moderator.errors import ModelError
from moderator.media.decode import DecodeLimits, decode

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
CLIP = ImageLayout(output="image_embeds", dimensions=128, side=64, mean=MEAN, std=STD)
# Where decoding leaves the reference on purpose: 16-bit gray is scaled rather than clipped, and the
# one transparent colour of a palette shows rather than being white.
LEFT_ON_PURPOSE = {"gray16.png", "palette_transparent.png"}


@pytest.fixture(scope="module")
def clip(shared: Path) -> OnnxImageEncoder:
    """The tiny CLIP of the fixtures: real architecture and preprocessing, random weights."""
    session = Session(shared / "fixtures/tiny-clip/onnx/vision_model.onnx", "cpu")
    with np.load(shared / "fixtures/golden/tiny-clip.npz") as golden:
        dimensions = golden["image_embeds"].shape[1]
    layout = ImageLayout(
        output=CLIP.output, dimensions=dimensions, side=CLIP.side, mean=MEAN, std=STD
    )
    return OnnxImageEncoder(session, layout)


@pytest.fixture(scope="module")
def encoder(starter: Path) -> OnnxImageEncoder:
    encoder = load_space(starter, "cpu").image
    assert isinstance(encoder, OnnxImageEncoder)
    return encoder


@pytest.fixture(scope="module")
def golden(shared: Path) -> dict[str, NDArray[np.uint8]]:
    """Reference pixels by file."""
    with np.load(shared / "fixtures/golden/tiny-clip.npz") as arrays:
        return {name[3:]: arrays[name] for name in arrays.files if name.startswith("u8/")}


def test_pixels_equal_those_of_the_reference(
    clip: OnnxImageEncoder, golden: dict[str, NDArray[np.uint8]], shared: Path
) -> None:
    assert len(golden) == 22
    differing = set()
    for name, expected in golden.items():
        content = (shared / "fixtures/images" / name).read_bytes()
        pixels = clip.prepare(decode(content, DecodeLimits()))
        assert pixels.shape == (64, 64, 3)
        assert pixels.dtype == np.uint8
        if not np.array_equal(pixels, expected):
            differing.add(name)
    assert differing == LEFT_ON_PURPOSE


def test_normalised_pixels_equal_the_formula_of_the_reference_bit_for_bit(
    clip: OnnxImageEncoder, golden: dict[str, NDArray[np.uint8]]
) -> None:
    images = [*golden.values(), np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3)]
    batch = clip.normalise(images)
    assert batch.dtype == np.float32
    mean, std = np.array(MEAN, np.float32), np.array(STD, np.float32)
    for pixels, found in zip(images, batch, strict=True):
        x = (pixels.astype(np.float64) * (1 / 255)).astype(np.float32)
        expected = ((x - mean) / std).transpose(2, 0, 1)
        assert found.tobytes() == np.ascontiguousarray(expected).tobytes()


def test_embeddings_equal_those_of_the_reference(
    clip: OnnxImageEncoder, golden: dict[str, NDArray[np.uint8]], shared: Path
) -> None:
    with np.load(shared / "fixtures/golden/tiny-clip.npz") as arrays:
        expected = arrays["image_embeds"]
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    vectors = clip.encode(list(golden.values()))
    assert np.abs(vectors - expected).max() < 1e-4


@pytest.mark.parametrize("size", [(32_768, 1), (1, 32_768), (3000, 10)])
def test_a_strip_is_scaled_at_its_centre_only(
    clip: OnnxImageEncoder, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    strip = Image.new("RGB", size, "red")
    middle = (size[0] // 2 - 5, size[1] // 2 - 5)
    strip.paste("blue", (*middle, size[0] // 2 + 5, size[1] // 2 + 5))
    file = io.BytesIO()
    strip.save(file, "PNG")
    original, made = Image.Image.resize, []

    def resize(image: Image.Image, *arguments: object) -> Image.Image:
        made.append(original(image, *arguments))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(Image.Image, "resize", resize)
    pixels = clip.prepare(decode(file.getvalue(), DecodeLimits()))
    assert [image.size for image in made] == [(64, 64)]
    assert pixels[32, 32].tolist() == [0, 0, 255]


@pytest.mark.parametrize("size", [(1100, 60), (60, 1100), (1700, 101)])
def test_a_strip_has_the_pixels_of_the_reference_but_for_rounding(
    clip: OnnxImageEncoder, size: tuple[int, int]
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    strip = Image.fromarray(noise)
    short, long = sorted(size)
    scaled = int(64 * long / short)
    wide = size[0] > size[1]
    whole = strip.resize((scaled, 64) if wide else (64, scaled), Image.Resampling.BICUBIC)
    start = (scaled - 64) // 2
    expected = np.asarray(
        whole.crop((start, 0, start + 64, 64) if wide else (0, start, 64, start + 64))
    )
    difference = np.abs(clip.prepare(strip).astype(int) - expected)  # of noise, the worst case
    assert difference.mean() < 0.5
    assert difference.max() < 20


def test_a_batch_gives_what_its_images_give_alone(
    encoder: OnnxImageEncoder, golden: dict[str, NDArray[np.uint8]]
) -> None:
    pictures = map(Image.fromarray, golden.values())
    images = [encoder.prepare(picture) for picture in pictures]  # 22, so three batches
    together = encoder.encode(images)
    alone = np.concatenate([encoder.encode([image]) for image in images])
    assert ((together * alone).sum(axis=1) > 1 - 2e-3).all()
    assert np.linalg.norm(together, axis=1) == pytest.approx([1] * 22, abs=1e-5)
    assert np.unique(together.round(4), axis=0).shape[0] > 15


def test_no_images_no_vectors(encoder: OnnxImageEncoder) -> None:
    assert encoder.encode([]).shape == (0, 384)


def test_a_graph_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "vision.onnx").write_bytes(b"not a graph")
    with pytest.raises(ModelError, match=r"vision\.onnx: onnxruntime cannot load it"):
        Session(tmp_path / "vision.onnx", "cpu")
