"""A checkpoint of open_clip: two towers in its own layout, unit rows."""

import json
from pathlib import Path
from typing import Any, Final

import open_clip
import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from moderator.errors import ModelError
from moderator.models.export.graphs import Tower, write

_ROWS: Final = {0: "batch_size"}
_TEXT: Final = "We planted tomatoes, and they came up."
# As openai/CLIP's simple_tokenizer.py splits words.
_WORDS: Final = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"


def export(name: str, folder: Path) -> dict[str, float]:
    """Write `visual/` and `textual/`; the drift of each graph by its name. Raises ModelError."""
    architecture, _, pretrained = name.partition("/")
    if not pretrained:
        raise ModelError(f"open_clip:{name}: give the weights as well, open_clip:MODEL/PRETRAINED")
    config = open_clip.get_model_config(architecture)
    if config is None:
        raise ModelError(f"open_clip:{name}: open_clip knows no model {architecture!r}")
    model = open_clip.create_model(architecture, pretrained=pretrained, precision="fp32").eval()
    pixels = open_clip.get_model_preprocess_cfg(model)
    side = pixels["size"][0] if isinstance(pixels["size"], (tuple, list)) else pixels["size"]
    tokenizer = open_clip.get_tokenizer(architecture)
    for path, value in (("config.json", config), ("visual/preprocess_cfg.json", pixels)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(json.dumps(value, indent=2) + "\n", "utf-8")
    (folder / "textual").mkdir()
    fast_tokenizer(tokenizer).save(str(folder / "textual/tokenizer.json"))
    return {
        "visual/model.onnx": write(
            Tower(model, lambda image: model.encode_image(image, normalize=True)),
            {"image": torch.rand(1, 3, side, side)},
            "embedding",
            folder / "visual/model.onnx",
            {"image": _ROWS, "embedding": _ROWS},
        ),
        "textual/model.onnx": write(
            Tower(model, lambda text: model.encode_text(text, normalize=True)),
            {"text": tokenizer([_TEXT]).int()},
            "embedding",
            folder / "textual/model.onnx",
            {"text": _ROWS, "embedding": _ROWS},
        ),
    }


def fast_tokenizer(tokenizer: Any) -> Tokenizer:
    """The same tokens from the tokenizers library: open_clip's own has no file format.

    As with Hugging Face's tokenizer of CLIP, broken encodings and HTML entities are not mended
    first: texts with such read differently (4 of 27 awkward ones), all others are the same.
    """
    if hasattr(tokenizer, "tokenizer"):  # one of transformers, wrapped
        wrapped: Tokenizer = tokenizer.tokenizer.backend_tokenizer
        return wrapped
    merges = [pair for pair, _ in sorted(tokenizer.bpe_ranks.items(), key=lambda item: item[1])]
    start, end = "<start_of_text>", "<end_of_text>"
    fast = Tokenizer(
        models.BPE(tokenizer.encoder, merges, end_of_word_suffix="</w>", unk_token=end)
    )
    fast.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    fast.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), "removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    fast.decoder = decoders.ByteLevel()
    ids = [(token, tokenizer.encoder[token]) for token in (start, end)]
    fast.add_special_tokens([start, end])
    fast.post_processor = processors.TemplateProcessing(
        single=f"{start} $A {end}", special_tokens=ids
    )
    return fast
