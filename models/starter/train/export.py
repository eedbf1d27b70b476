"""Write the text tower as ONNX, int8 or fp32, and the small files; vision.py adds the image tower."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import text
from export_text import export_text
from minilm import WINDOW_TOKENS, Encoder
from smooth import scalings
from sums import write_sums


def settings(encoder: Encoder) -> dict:
    """config.json; vision.py adds its own part."""
    return {
        "model_type": "moderator-starter",
        "projection_dim": encoder.shape.width,
        "text_config": {
            "vocab_size": encoder.shape.pieces,
            "max_position_embeddings": WINDOW_TOKENS,
            "hidden_size": encoder.shape.width,
            "num_hidden_layers": encoder.shape.layers,
            "num_attention_heads": encoder.shape.heads,
            "intermediate_size": encoder.shape.inner,
            "pooling": "mean",
            "pad_token_id": 0,
        },
    }


def main() -> None:
    """Export the text tower and refresh SHA256SUMS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="where text.pt and tokenizer.json lie")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--fp32", action="store_true", help="weights as float32")
    options = parser.parse_args()
    encoder = text.load(options.work / "text.pt")
    (options.out / "onnx").mkdir(parents=True, exist_ok=True)
    scaled = None if options.fp32 else scalings(encoder, options.work)
    export_text(encoder, options.out / "onnx" / "text_model.onnx", scaled)
    shutil.copyfile(options.work / "tokenizer.json", options.out / "tokenizer.json")
    (options.out / "config.json").write_text(json.dumps(settings(encoder), indent=2) + "\n", encoding="utf-8")
    write_sums(options.out)


if __name__ == "__main__":
    main()
