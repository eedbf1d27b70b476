"""Published dual encoders give what the reference implementation gives, in both layouts.

The golden files are transformers' own output: EXIF turned, alpha dropped, converted to RGB, scaled,
cropped with the offset rounded down. immich, whose layout the other is, rounds down as well;
open_clip itself would round half a pixel to even. Both layouts are held to the same files.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from moderator.encoders.base import Space
from moderator.encoders.image import OnnxImageEncoder
from moderator.encoders.load import load_space
from moderator.encoders.text import OnnxTextEncoder
from moderator.media.decode import DecodeLimits, decode

FOLDERS = ["tiny-clip", "tiny-siglip", "tiny-clip-immich", "tiny-siglip-immich"]
EXACT = 1e-4
# Decoding leaves the reference on purpose, see `moderator.media.decode`: 16-bit gray is scaled
# rather than clipped to white, and the transparent colour of a palette shows.
PIXELS_LEFT = {"gray16.png", "palette_transparent.png"}
# Here the reference takes what a user typed for the end of the text, and reads no further.
TEXTS_LEFT = {"tiny-clip": {"special_inline"}, "tiny-siglip": set[str]()}


class Golden(NamedTuple):
    name: str
    images: list[str]
    texts: dict[str, str]
    arrays: dict[str, NDArray[Any]]


def unit(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.fixture(scope="module", params=FOLDERS)
def space(request: pytest.FixtureRequest, shared: Path) -> Space:
    return load_space(shared / "fixtures" / request.param, "cpu")


@pytest.fixture(scope="module")
def golden(space: Space, shared: Path) -> Golden:
    fixtures = shared / "fixtures"
    name = space.name.removesuffix("-immich")
    with np.load(fixtures / f"golden/{name}.npz") as arrays:
        loaded = {key: arrays[key] for key in arrays.files}
    listed = json.loads((fixtures / f"golden/{name}.json").read_text())
    texts = {row["name"]: row["text"] for row in json.loads((fixtures / "texts.json").read_text())}
    assert (len(listed["images"]), len(texts)) == (22, 27)
    return Golden(name, listed["images"], texts, loaded)


def test_pixels_are_identical_after_resize_and_crop(
    space: Space, golden: Golden, shared: Path
) -> None:
    assert isinstance(space.image, OnnxImageEncoder)
    differing = set()
    for name in golden.images:
        content = (shared / "fixtures/images" / name).read_bytes()
        pixels = space.image.prepare(decode(content, DecodeLimits()))
        assert pixels.shape == (64, 64, 3)
        assert pixels.dtype == np.uint8
        if not np.array_equal(pixels, golden.arrays[f"u8/{name}"]):
            differing.add(name)
    assert differing == PIXELS_LEFT


def test_image_embeddings_equal_the_reference(space: Space, golden: Golden) -> None:
    assert space.image is not None
    vectors = space.image.encode([golden.arrays[f"u8/{name}"] for name in golden.images])
    assert np.abs(vectors - unit(golden.arrays["image_embeds"])).max() < EXACT


def test_token_ids_are_identical(space: Space, golden: Golden) -> None:
    assert isinstance(space.text, OnnxTextEncoder)
    windows, owners, _ = space.text.tokenizer.windows(list(golden.texts.values()))
    differing = set()
    for row, name in enumerate(golden.texts):
        found = windows[owners.index(row)]
        expected = golden.arrays["input_ids"][row]
        padding = expected[len(found) :]
        if found != expected[: len(found)].tolist() or (padding != expected[-1]).any():
            differing.add(name)
    assert differing == TEXTS_LEFT[golden.name]


def test_text_embeddings_equal_the_reference(space: Space, golden: Golden) -> None:
    found = space.text.encode(list(golden.texts.values()))
    first = found.vectors[np.flatnonzero(np.diff(found.owners, prepend=-1))]
    far = np.abs(first - unit(golden.arrays["text_embeds"])).max(axis=1) >= EXACT
    assert {name for name, is_far in zip(golden.texts, far, strict=True) if is_far} == (
        TEXTS_LEFT[golden.name]
    )


def test_a_text_is_the_same_alone_and_beside_a_longer_one(space: Space) -> None:
    texts = ["a cat", "the police stopped a car on the street at night " * 3, "a photo of a dog"]
    together = space.text.encode(texts).vectors
    for place in (0, 2):
        row = place if place == 0 else -1
        assert np.abs(space.text.encode([texts[place]]).vectors[0] - together[row]).max() < 1e-6


@pytest.mark.parametrize(
    ("variant", "least"), [("fp16", 0.9999), ("int8", 0.999), ("quantized", 0.999)]
)
@pytest.mark.parametrize("name", ["tiny-clip", "tiny-siglip"])
def test_a_variant_is_as_near_as_its_precision_allows(
    shared: Path, name: str, variant: str, least: float
) -> None:
    exact = load_space(shared / "fixtures" / name, "cpu")
    space = load_space(shared / "fixtures" / name, "cpu", variant)
    texts = ["a photo of a cat", "fire", "hello there, how are you"]
    cosines = (space.text.encode(texts).vectors * exact.text.encode(texts).vectors).sum(axis=1)
    assert least < cosines.min() < 1 - 1e-9
    assert space.digest != exact.digest


@pytest.mark.parametrize("name", ["tiny-clip", "tiny-siglip"])
def test_a_dynamic_variant_gives_the_very_same_vectors_in_any_company(
    shared: Path, name: str
) -> None:
    space = load_space(shared / "fixtures" / name, "cpu", "int8")
    texts = ["a cat", "fire and smoke in the street", "x"]
    images = list(np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8))
    assert space.image is not None
    alone = np.concatenate([space.image.encode([image]) for image in images])
    assert np.array_equal(space.image.encode(images), alone)
    alone = np.concatenate([space.text.encode([text]).vectors for text in texts])
    assert np.array_equal(space.text.encode(texts).vectors, alone)
