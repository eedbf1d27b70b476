"""A folder of model files, ours or as anybody publishes them, to a `Space`."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderator.cache.base import VectorCache
from moderator.encoders import background
from moderator.encoders.background import Kept, OwnBackground
from moderator.encoders.base import Calibration, Space
from moderator.encoders.card import CARD, SpaceCard, read_card
from moderator.encoders.layouts.base import Published
from moderator.encoders.layouts.build import image_encoder, text_encoder
from moderator.encoders.layouts.detect import detect
from moderator.encoders.layouts.graphs import with_data
from moderator.encoders.manifest import SUMS, Manifest, describe, named, verify
from moderator.encoders.onnx import Provider
from moderator.errors import ModelError

_GPUS: Final = ("cuda", "cuda-graphs", "tensorrt")

__all__ = ["Manifest", "load_space", "verify"]


def load_space(
    folder: Path,
    provider: Provider = "auto",
    variant: str = "auto",
    cache: VectorCache | None = None,
) -> Space:
    """Load the encoders of a folder, and what a rule needs to be compiled for them.

    Where there is a `SHA256SUMS`, what it lists is checked first. Neutral prompts, calibration and
    background sample come from `space.json`; without one they are ours, and the sample is embedded
    by the space itself when first used (see `OwnBackground`), or taken from `cache`.

    Args:
        folder: any of the layouts in `moderator.encoders.layouts`.
        provider: where graphs run.
        variant: fp32, fp16, int8 or how else a graph's file name ends; `auto` is fp16 where a GPU
            was asked for by name and fp32 elsewhere.
        cache: keeps the background of spaces that bring none.

    Raises:
        ModelError: a file is missing, altered or not understood, or a graph does not fit the rest.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such folder of models; set MODERATOR_MODELS or --models")
    sums = verify(folder) if (folder / SUMS).exists() else None
    card = read_card(folder)
    if card.dimensions is not None and sums is None:
        sums = verify(folder)  # which says that ours come with it
    published = detect(folder, card, variant, gpu=provider in _GPUS)
    digest = _digest(folder, card, sums, _deciding(folder, card, published))
    text = text_encoder(published.text, provider, batch_invariant=card.batch_invariant)
    image = None if published.image is None else image_encoder(published.image, provider)
    dimensions = text.dimensions
    if image is not None and image.dimensions != dimensions:
        raise ModelError(
            f"{folder}: the text encoder gives {dimensions} dimensions, the image encoder "
            f"{image.dimensions}; they are not of one space"
        )
    if card.dimensions not in {None, dimensions}:
        raise ModelError(
            f"{folder / CARD}: says {card.dimensions} dimensions, the encoders give {dimensions}"
        )
    channels = ("text",) if image is None else ("text", "image")
    logistics = {**background.LOGISTICS, **(card.calibration or {})}
    return Space(
        name=card.name or folder.resolve().name,
        digest=digest,
        dimensions=dimensions,
        text=text,
        image=image,
        neutral=card.neutral or background.NEUTRAL,
        calibration=_calibration(folder, card, dimensions, channels)
        if card.background is not None
        else OwnBackground(text, image, logistics, Kept(cache, digest, dimensions)),
    )


def _deciding(folder: Path, card: SpaceCard, published: Published) -> set[Path]:
    """The files that decide an embedding or a score."""
    graphs = {published.text.graph, *([published.image.graph] if published.image else [])}
    of_ours = {CARD} if (folder / CARD).exists() else set()
    if card.background is not None:
        of_ours.add(card.background)
    return {
        *(part for path in graphs for part in with_data(path)),
        published.text.tokenizer,
        *published.configs,
        *(folder / name for name in of_ours),
    }


def _digest(folder: Path, card: SpaceCard, sums: Manifest | None, files: set[Path]) -> str:
    """Name the space. Raises ModelError for a file that the sums leave out."""
    if sums is not None:
        for path in sorted(files):
            if (name := path.relative_to(folder).as_posix()) not in sums.files:
                raise ModelError(
                    f"{folder / SUMS}: does not list {name}, so nothing says that it is whole; add "
                    f"its sha256, or delete {SUMS}"
                )
    manifest = sums or describe(folder, files)
    return manifest.digest if card.background is not None else named(manifest, background.VERSION)


def _calibration(
    folder: Path, card: SpaceCard, dimensions: int, channels: tuple[str, ...]
) -> dict[str, Calibration]:
    """The background sample that comes with a space."""
    path = folder / str(card.background)
    logistics = card.calibration or {}
    if lacking := set(channels) - set(logistics):
        raise ModelError(f"{folder / CARD}: no `calibration` of {', '.join(sorted(lacking))}")
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {
                channel: Calibration(
                    _sample(arrays[channel], dimensions), logistic.slope, logistic.intercept
                )
                for channel, logistic in logistics.items()
            }
    except (OSError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: not a background sample: {error}") from error


def _sample(rows: NDArray[Any], dimensions: int) -> NDArray[np.float32]:
    """Check the embeddings of one channel's ordinary content. Raises ValueError."""
    if rows.ndim != 2 or rows.shape[1] != dimensions or not len(rows):  # noqa: PLR2004
        raise ValueError(f"it has shape {rows.shape}, expected (sample, {dimensions})")
    if not np.isfinite(rows).all():  # a rule calibrated with NaN would never fire
        raise ValueError("it has NaN or infinity")
    return rows.astype(np.float32)
