"""Dual encoders as immich exports them from open_clip: `textual/` and `visual/`, a graph in each.

`config.json` is open_clip's; `visual/preprocess_cfg.json` says what to do with pixels.
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
)
from moderator.encoders.layouts.variants import graph
from moderator.encoders.manifest import read_json
from moderator.errors import ModelError

NEEDS: Final = "textual/model.onnx (and visual/model.onnx, visual/preprocess_cfg.json)"

_CONTEXT: Final = 77  # open_clip's default
_RESAMPLING: Final = {
    "bicubic": Image.Resampling.BICUBIC,
    "bilinear": Image.Resampling.BILINEAR,
    "nearest": Image.Resampling.NEAREST,
    "lanczos": Image.Resampling.LANCZOS,
}


def find(folder: Path, card: SpaceCard, variant: str, *, gpu: bool) -> Published | None:
    """See the package. Raises ModelError for files that are missing or not understood."""
    text = graph(folder / "textual/model", variant, gpu=gpu)
    image = graph(folder / "visual/model", variant, gpu=gpu)
    if text is None:
        if image is not None:
            raise ModelError(
                f"{folder}: visual/{image.name} is there, but no textual/model.onnx; "
                "rules are texts, so fetch it too"
            )
        return None
    return Published(
        layout="open_clip",
        text=_text(folder, card, text),
        image=None
        if image is None
        else ImageFiles(
            image, pixels(folder / "visual/preprocess_cfg.json"), ("embedding", "image_embeds")
        ),
        configs=tuple(
            path
            for name in (
                "config.json",
                "visual/preprocess_cfg.json",
                "textual/tokenizer_config.json",
            )
            if (path := folder / name).is_file()
        ),
    )


def _text(folder: Path, card: SpaceCard, graph_file: Path) -> TextFiles:
    path = folder / "config.json"
    config = read_json(path).get("text_cfg")
    if not isinstance(config, Mapping):
        raise ModelError(f"{path}: no `text_cfg`: not a configuration of open_clip")
    tokenizer = folder / "textual/tokenizer.json"
    return TextFiles(
        graph=graph_file,
        tokenizer=tokenizer,
        window_tokens=card.window_tokens or int(config.get("context_length", _CONTEXT)),
        pad_token=pad_token(folder / "textual", read_json(tokenizer), config),
        outputs=("embedding", "text_embeds"),
        # As for transformers' CLIP; SigLIP's configurations have one of these keys.
        trims=config.get("pool_type", "argmax") == "argmax"
        and not config.get("no_causal_mask")
        and "hf_model_name" not in config,
        clean="canonical" if _cleaning(config) == "canonicalize" else "",
        prefix=card.prefix or "",
    )


def _cleaning(config: Mapping[str, Any]) -> object:
    return (config.get("tokenizer_kwargs") or {}).get("clean")


def pixels(path: Path) -> ImageLayout:
    """What immich does with pixels, which is open_clip's way but for the rounding of the crop.

    Both round the crop's offset where a side is an odd number of pixels too long: open_clip to the
    even neighbour, immich and transformers down, and so do we.

    Raises ModelError.
    """
    config = read_json(path)
    try:
        return _pixels(config)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not understood: {error!r}") from error


def _pixels(config: Mapping[str, Any]) -> ImageLayout:
    size = config["size"]
    height, width = map(int, size) if isinstance(size, list) else (int(size), int(size))
    mode = config.get("resize_mode", "shortest")  # open_clip's default for older files
    if mode not in {"shortest", "squash"}:
        raise ValueError(f"`resize_mode: {mode}` is not supported")
    if mode == "shortest" and height != width:
        raise ValueError(f"`size` {size} is no square")
    return ImageLayout(
        output="",
        dimensions=0,
        side=min(height, width),
        squash=(height, width) if mode == "squash" else None,
        mean=triple(config["mean"]),
        std=triple(config["std"]),
        resample=_RESAMPLING[config.get("interpolation", "bicubic")],
    )
