"""A checkpoint of transformers: CLIP and SigLIP as two towers, others as a sentence encoder."""

import shutil
from pathlib import Path
from typing import Any, Final

import torch
from transformers import AutoConfig, AutoImageProcessor, AutoModel, AutoTokenizer

from moderator.models.export.graphs import Tower, write

DUAL: Final = {"clip": ("text_embeds", "image_embeds"), "siglip": ("pooler_output",) * 2}
_POOLING: Final = (
    "1_Pooling/config.json", "modules.json", "sentence_bert_config.json",
    "config_sentence_transformers.json",
)  # fmt: skip
_TEXT: Final = "We planted tomatoes, and they came up."
_ROWS: Final = {0: "batch_size"}
_TOKENS: Final = {0: "batch_size", 1: "sequence_length"}


def export(checkpoint: str, folder: Path) -> dict[str, float]:
    """Write the layout of transformers.js; the drift of each graph by its name."""
    config = AutoConfig.from_pretrained(checkpoint)
    model = AutoModel.from_pretrained(checkpoint, attn_implementation="eager").float().eval()
    tokenizer = AutoTokenizer.from_pretrained(checkpoint)
    config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    if config.model_type not in DUAL:
        return _sentence(checkpoint, model, tokenizer, folder)
    AutoImageProcessor.from_pretrained(checkpoint, backend="pil").save_pretrained(folder)
    return _dual(model, tokenizer, config, folder)


def _dual(model: Any, tokenizer: Any, config: Any, folder: Path) -> dict[str, float]:
    text, image = DUAL[config.model_type]
    length = config.text_config.max_position_embeddings
    padding = "max_length" if config.model_type == "siglip" else False  # it pools the last one
    ids = tokenizer(_TEXT, padding=padding, max_length=length, truncation=True).input_ids
    side = config.vision_config.image_size
    return {
        "onnx/text_model.onnx": write(
            Tower(model, lambda input_ids: _rows(model.get_text_features(input_ids=input_ids))),
            {"input_ids": torch.tensor([ids])},
            text,
            folder / "onnx/text_model.onnx",
            {"input_ids": _TOKENS, text: _ROWS},
        ),
        "onnx/vision_model.onnx": write(
            Tower(model, lambda pixels: _rows(model.get_image_features(pixel_values=pixels))),
            {"pixel_values": torch.rand(1, 3, side, side)},
            image,
            folder / "onnx/vision_model.onnx",
            {"pixel_values": _ROWS, image: _ROWS},
        ),
    }


def _rows(found: Any) -> Any:
    """Embeddings; from version 5 on transformers wraps them."""
    return getattr(found, "pooler_output", found)


def _sentence(checkpoint: str, model: Any, tokenizer: Any, folder: Path) -> dict[str, float]:
    for name in _POOLING:
        if (source := Path(checkpoint) / name).exists():
            (folder / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(source, folder / name)
    tokens = tokenizer(_TEXT, return_tensors="pt")
    names = [name for name in tokenizer.model_input_names if name in tokens]
    encode = Tower(model, lambda *given: model(**dict(zip(names, given, strict=True)))[0])
    axes = dict.fromkeys((*names, "last_hidden_state"), _TOKENS)
    inputs = {name: tokens[name] for name in names}
    path = folder / "onnx/model.onnx"
    return {"onnx/model.onnx": write(encode, inputs, "last_hidden_state", path, axes)}
