"""A folder of model files to a `Space`, every file checked against its sha256 first."""

import hashlib
import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from moderator.encoders.base import Calibration, Space
from moderator.encoders.image import ImageLayout, OnnxImageEncoder
from moderator.encoders.onnx import Provider, Session
from moderator.encoders.text import OnnxTextEncoder, TextLayout
from moderator.errors import ModelError

TEXT_GRAPH, IMAGE_GRAPH = "onnx/text_model.onnx", "onnx/vision_model.onnx"
TOKENIZER, CARD = "tokenizer.json", "space.json"
SUMS = "SHA256SUMS"


class _Logistic(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    slope: float = Field(gt=0, allow_inf_nan=False)
    intercept: float = Field(allow_inf_nan=False)


class SpaceCard(BaseModel):
    """`space.json`: what a space is, beside its graphs."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    name: str
    dimensions: int = Field(gt=0)
    window_tokens: int = Field(gt=2, default=256)
    batch_invariant: bool = True  # False for dynamic int8, see TextLayout
    neutral: tuple[str, ...] = Field(min_length=1)
    calibration: dict[str, _Logistic]
    background: str


def load_space(folder: Path, provider: Provider = "auto") -> Space:
    """Load encoders, card and background sample.

    Raises ModelError for a file that is missing, altered or not understood.
    """
    manifest = verify(folder)
    card = _card(folder)
    text = OnnxTextEncoder(
        session := Session(folder / TEXT_GRAPH, provider),
        folder / TOKENIZER,
        TextLayout(
            output=session.outputs[0],
            dimensions=card.dimensions,
            window_tokens=card.window_tokens,
            overlap_tokens=card.window_tokens // 4,
            pad_id=_pad_id(folder),
            batch_invariant=card.batch_invariant,
        ),
    )
    image = _image_encoder(folder, card, provider) if IMAGE_GRAPH in manifest.files else None
    calibration = _calibration(folder, card)
    channels = {"text"} if image is None else {"text", "image"}
    if lacking := channels - set(calibration):
        raise ModelError(f"{folder / CARD}: no `calibration` of {', '.join(sorted(lacking))}")
    return Space(
        name=card.name,
        digest=manifest.digest,
        dimensions=card.dimensions,
        text=text,
        image=image,
        neutral=card.neutral,
        calibration=calibration,
    )


class Manifest(NamedTuple):
    """The files that make a space, all checked."""

    files: frozenset[str]
    digest: str  # 32 hex digits that name the whole


def verify(folder: Path) -> Manifest:
    """Check every file that SHA256SUMS lists.

    Raises ModelError that names the first file which is missing or altered.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder of models; set MODERATOR_MODELS or --models")
    files: dict[str, str] = {}
    for line in _read(folder / SUMS).decode().splitlines():
        expected, _, name = line.partition("  ")
        actual = hashlib.sha256(_read(folder / name)).hexdigest()
        if actual != expected:
            raise ModelError(
                f"{folder / name}: sha256 is {actual[:16]}…, {SUMS} says {expected[:16]}…; "
                "the file was altered or cut short: fetch it again"
            )
        files[name] = expected
    for name in (TEXT_GRAPH, TOKENIZER, CARD):
        if name not in files:
            raise ModelError(f"{folder / SUMS}: does not list {name}")
    whole = json.dumps(files, sort_keys=True).encode()
    return Manifest(frozenset(files), hashlib.blake2b(whole, digest_size=16).hexdigest())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(_read(path))
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: not a JSON object")
    return value


def _card(folder: Path) -> SpaceCard:
    path = folder / CARD
    try:
        return SpaceCard.model_validate(_json(path))
    except ValidationError as error:
        raise ModelError(f"{path}: {error}") from error


def _pad_id(folder: Path) -> int:
    padding = _json(folder / TOKENIZER).get("padding") or {}
    return int(padding.get("pad_id", 0))


def _image_encoder(folder: Path, card: SpaceCard, provider: Provider) -> OnnxImageEncoder:
    path = folder / "preprocessor_config.json"
    config = _json(path)
    try:
        size = config["size"]
        layout = ImageLayout(
            output="image_embeds",
            dimensions=card.dimensions,
            side=int(size["shortest_edge"] if isinstance(size, dict) else size),
            mean=tuple(config["image_mean"]),
            std=tuple(config["image_std"]),
            resample=Image.Resampling(config["resample"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not understood: {error!r}") from error
    return OnnxImageEncoder(Session(folder / IMAGE_GRAPH, provider), layout)


def _calibration(folder: Path, card: SpaceCard) -> dict[str, Calibration]:
    path = folder / card.background
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {
                channel: Calibration(
                    _sample(arrays[channel], card), logistic.slope, logistic.intercept
                )
                for channel, logistic in card.calibration.items()
            }
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: not a background sample: {error}") from error


def _sample(rows: NDArray[Any], card: SpaceCard) -> NDArray[np.float32]:
    """Check the embeddings of one channel's ordinary content. Raises ValueError."""
    if rows.ndim != 2 or rows.shape[1] != card.dimensions or not len(rows):  # noqa: PLR2004
        raise ValueError(f"it has shape {rows.shape}, expected (sample, {card.dimensions})")
    if not np.isfinite(rows).all():  # a rule calibrated with NaN would never fire
        raise ValueError("it has NaN or infinity")
    return rows.astype(np.float32)
