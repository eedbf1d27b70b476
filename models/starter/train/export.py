"""Write checkpoints as ONNX: text int8 (or fp32), image with batch norm folded, and the small files."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper
from torch import nn

import image
import text
from export_text import export_text
from graph import Graph
from minilm import WINDOW_TOKENS, Encoder
from smooth import scalings
from sums import write_sums
from tower import MEAN, STD, Residual, Tower


def _array(parameter: nn.Parameter) -> np.ndarray:
    return parameter.detach().numpy().astype(np.float32)


def _linear(g: Graph, x: str, module: nn.Linear, name: str) -> str:
    return g.linear(x, name, _array(module.weight).T.copy(), _array(module.bias))


def export_image(tower: Tower, path: Path, side: int) -> None:
    """pixel_values (B, 3, S, S) float32 -> image_embeds (B, 384) float32, unit rows.

    Weights are stored as float16 and cast back when the graph is loaded: half the file, and all
    arithmetic in float32. The first convolution stays float32 so that mean and deviation can still
    be folded into it.
    """
    g = Graph("moderator_starter_image")
    x = _convolve(g, "pixel_values", tower.stem[0], "stem.0", half=False)
    x = _convolve(g, g.add("Relu", x), tower.stem[2], "stem.1")
    x = g.add("Relu", x)
    for index, block in enumerate(tower.blocks):
        x = _residual(g, x, block, f"blocks.{index}")
    pooled = g.add("ReduceMean", x, axes=[2, 3], keepdims=0)
    g.unit_rows(_linear(g, pooled, tower.head, "head"))
    g.rename_last("image_embeds")
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, side, side])
    out = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", tower.plan.dimensions])
    g.write(path, [pixels], [out])


def _convolve(g: Graph, x: str, module: nn.Sequential, name: str, *, half: bool = True) -> str:
    """Convolution with its batch norm folded in."""
    convolution, norm = module
    factor = norm.weight.detach() / (norm.running_var + norm.eps).sqrt()
    weight = (convolution.weight.detach() * factor[:, None, None, None]).numpy()
    bias = (norm.bias.detach() - norm.running_mean * factor).numpy()
    stored = g.constant(f"{name}.weight", weight.astype(np.float16 if half else np.float32))
    if half:
        stored = g.add("Cast", stored, to=TensorProto.FLOAT)
    pads, stride = [convolution.padding[0]] * 4, [convolution.stride[0]] * 2
    return g.add("Conv", x, stored, g.constant(f"{name}.bias", bias), pads=pads, strides=stride,
                 kernel_shape=list(convolution.kernel_size))  # fmt: skip


def _residual(g: Graph, x: str, block: Residual, name: str) -> str:
    inner = g.add("Relu", _convolve(g, x, block.first, f"{name}.first"))
    inner = _convolve(g, inner, block.second, f"{name}.second")
    plain = isinstance(block.shortcut, nn.Identity)
    shortcut = x if plain else _convolve(g, x, block.shortcut, f"{name}.shortcut")
    return g.add("Relu", g.add("Add", shortcut, inner))


def write_settings(out: Path, encoder: Encoder, tower: Tower, side: int) -> None:
    """config.json and preprocessor_config.json."""
    config = {
        "model_type": "moderator-starter",
        "projection_dim": tower.plan.dimensions,
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
        "vision_config": {
            "image_size": side,
            "num_channels": 3,
            "hidden_size": tower.plan.widths[-1],
        },
    }
    preprocessor = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True, "size": {"shortest_edge": side}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": side, "width": side},
        "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": list(MEAN), "image_std": list(STD),
    }  # fmt: skip
    for name, tree in (("config.json", config), ("preprocessor_config.json", preprocessor)):
        (out / name).write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    """Export both towers and refresh SHA256SUMS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="where text.pt and image.pt lie")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--fp32", action="store_true", help="text weights as float32")
    options = parser.parse_args()
    encoder, tower = text.load(options.work / "text.pt"), image.load(options.work / "image.pt")
    (options.out / "onnx").mkdir(parents=True, exist_ok=True)
    scaled = None if options.fp32 else scalings(encoder, options.work)
    export_text(encoder, options.out / "onnx" / "text_model.onnx", scaled)
    export_image(tower, options.out / "onnx" / "vision_model.onnx", options.side)
    shutil.copyfile(options.work / "tokenizer.json", options.out / "tokenizer.json")
    write_settings(options.out, encoder, tower, options.side)
    write_sums(options.out)


if __name__ == "__main__":
    main()
