"""Dual encoders as transformers.js and optimum export them: `onnx/{text,vision}_model.onnx`.

Beside the graphs lie `config.json`, `tokenizer.json` and `preprocessor_config.json`. The starter
has this layout too.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from PIL import Image

from moderator.encoders.card import SpaceCard
from moderator.encoders.image import ImageLayout
from moderator.encoders.layouts.base import (
    ImageFiles,
    Published,
    TextFiles,
    pad_token,
    triple,
    window,
)
from moderator.encoders.layouts.variants import graph
from moderator.encoders.manifest import read_json, read_json_if_there
from moderator.encoders.tokens import Clean
from moderator.errors import ModelError

NEEDS: Final = "onnx/text_model.onnx (and onnx/vision_model.onnx, preprocessor_config.json)"

_TEXT_OUTPUTS: Final = ("text_embeds", "pooler_output", "sentence_embedding")
_IMAGE_OUTPUTS: Final = ("image_embeds", "pooler_output")
# Tokens that transformers assumes where `config.json`, which leaves out defaults, is silent.
_WINDOWS: Final = {"clip": 77, "siglip": 64, "siglip2": 64}


def find(folder: Path, card: SpaceCard, variant: str, *, gpu: bool) -> Published | None:
    """See the package. Raises ModelError for files that are missing or not understood."""
    text = graph(folder / "onnx/text_model", variant, gpu=gpu)
    image = graph(folder / "onnx/vision_model", variant, gpu=gpu)
    if text is None:
        _check_text_only(folder, image)
        return None
    return Published(
        layout="transformers",
        text=_text(folder, card, text),
        image=None
        if image is None
        else ImageFiles(image, pixels(folder / "preprocessor_config.json"), _IMAGE_OUTPUTS),
        configs=tuple(
            path
            for name in ("config.json", "preprocessor_config.json", "tokenizer_config.json")
            if (path := folder / name).is_file()
        ),
    )


def _check_text_only(folder: Path, image: Path | None) -> None:
    """Raise ModelError for a dual encoder that lacks its text graph."""
    if image is not None:
        raise ModelError(
            f"{folder}: {image.relative_to(folder)} is there, but no onnx/text_model.onnx; rules "
            "are texts, so fetch it too"
        )
    if (merged := folder / "onnx/model.onnx").exists() and "vision_config" in read_json_if_there(
        folder / "config.json"
    ):
        raise ModelError(
            f"{merged}: computes both towers for each text and each image; fetch or export "
            "onnx/text_model.onnx and onnx/vision_model.onnx instead"
        )


def _text(folder: Path, card: SpaceCard, graph_file: Path) -> TextFiles:
    config = read_json(folder / "config.json")
    of_text = config.get("text_config") or {}
    tokenizer = read_json(folder / "tokenizer.json")
    settings = read_json_if_there(folder / "tokenizer_config.json")
    family = str(config.get("model_type", ""))
    return TextFiles(
        graph=graph_file,
        tokenizer=folder / "tokenizer.json",
        window_tokens=card.window_tokens
        or window(
            folder / "config.json",
            settings.get("model_max_length"),
            of_text.get("max_position_embeddings", _WINDOWS.get(family)),
        ),
        pad_token=pad_token(folder, tokenizer, of_text),
        outputs=_TEXT_OUTPUTS,
        # CLIP attends to the left only and pools the first end-of-text token, so padding, which
        # comes after it, is not seen. SigLIP attends to all and pools the last position.
        trims=family == "clip",
        clean=_clean(family, str(settings.get("tokenizer_class", "")), tokenizer),
        prefix=card.prefix or "",
    )


def _clean(family: str, tokenizer_class: str, tokenizer: Mapping[str, Any]) -> Clean:
    """What transformers' tokenizer class does in Python, unless the file has it built in.

    SiglipTokenizer lower-cases and drops punctuation; Siglip2Tokenizer, or the Gemma tokenizer that
    SigLIP 2 was published with before it, lower-cases (transformers pull request 43101).
    """
    if not family.startswith("siglip") or "Lowercase" in str(tokenizer.get("normalizer")):
        return ""
    return "canonical" if tokenizer_class.startswith("SiglipTokenizer") else "lower"


def pixels(path: Path) -> ImageLayout:
    """What transformers' image processor of that configuration does. Raises ModelError."""
    config = read_json(path)
    try:
        return _pixels(config)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not understood: {error!r}") from error


def _pixels(config: Mapping[str, Any]) -> ImageLayout:
    if not config.get("do_resize", True):
        raise ValueError("`do_resize: false` is not supported")
    crops, normalises = config.get("do_center_crop"), config.get("do_normalize", True)
    side, squash = _size(config["size"], crops=bool(crops))
    crop = _box(config.get("crop_size", side)) if crops else None
    if crop is not None and (max(crop) > side if squash is None else crop != squash):
        raise ValueError(f"`crop_size` {crop} does not fit `size` {config['size']}")
    rescales = config.get("do_rescale", True)
    return ImageLayout(
        output="",
        dimensions=0,
        side=side,
        squash=squash,
        crop=crop,
        mean=triple(config["image_mean"] if normalises else (0, 0, 0)),
        std=triple(config["image_std"] if normalises else (1, 1, 1)),
        resample=Image.Resampling(config.get("resample", Image.Resampling.BICUBIC)),
        rescale=float(config.get("rescale_factor", 1 / 255)) if rescales else 1.0,
    )


def _size(size: Any, *, crops: bool) -> tuple[int, tuple[int, int] | None]:
    """`size` as the side to scale to, and the exact size where it is one.

    A bare number, as early files have it, is the shortest side where the centre is then cut out
    (CLIPFeatureExtractor), else both sides.
    """
    if isinstance(size, Mapping) and "shortest_edge" in size:
        if "longest_edge" in size:
            raise ValueError(f"`size` {size} is not supported")
        if not crops:
            raise ValueError("`shortest_edge` without `do_center_crop` gives images of any shape")
        return int(size["shortest_edge"]), None
    if not isinstance(size, Mapping) and crops:
        return int(size), None
    squash = _box(size)
    return min(squash), squash


def _box(size: Any) -> tuple[int, int]:
    """(height, width) of a number or an object that has both."""
    if isinstance(size, Mapping):
        return int(size["height"]), int(size["width"])
    return int(size), int(size)
