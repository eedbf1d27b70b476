"""Write checkpoints as ONNX: text int8 (or fp32), image with batch norm folded, and the small files."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import image
import numpy as np
import text
from graph import Graph, quantise
from minilm import WINDOW_TOKENS, Encoder
from onnx import TensorProto, helper
from smooth import divisor, input_peaks
from sums import write_sums
from torch import nn
from tower import MEAN, STD, Residual, Tower

GELU_DIVISOR = 2**0.5


def _array(parameter: nn.Parameter) -> np.ndarray:
    return parameter.detach().numpy().astype(np.float32)


def export_text(encoder: Encoder, path: Path, peaks: dict[str, np.ndarray] | None) -> None:
    """input_ids, attention_mask (B, L) int64 -> text_embeds (B, 384) float32, unit rows.

    `peaks` (see smooth.py) makes the weights int8; without it they stay float32.
    """
    g = Graph("moderator_starter_text")
    width, heads = encoder.shape.width, encoder.shape.heads
    x = _embed_pieces(g, encoder, int8=peaks is not None)
    x = _norm(g, x, encoder.norm, "norm")
    mask = g.add("Cast", "attention_mask", to=TensorProto.FLOAT)
    absent = g.add("Mul", g.add("Sub", mask, g.scalar(1.0)), g.scalar(1e4))
    bias = g.add("Unsqueeze", absent, g.integers(1, 2))
    for index, layer in enumerate(encoder.layers):
        name = f"layers.{index}"
        weight, offset = _array(layer.qkv.weight).T.copy(), _array(layer.qkv.bias).copy()
        weight[:, :width] *= (width // heads) ** -0.5
        offset[:width] *= (width // heads) ** -0.5
        split = _divisor(peaks, f"{name}.qkv", weight)
        mixed = _attend(g, g.linear(x, f"{name}.qkv", weight, offset, divisor=split), bias, width, heads)
        mixed = _linear(g, mixed, layer.out, f"{name}.out", peaks)
        x = _norm(g, g.add("Add", x, mixed), layer.norm_attention, f"{name}.norm_attention")
        inner = _gelu(g, _linear(g, x, layer.up, f"{name}.up", peaks))
        inner = _linear(g, inner, layer.down, f"{name}.down", peaks)
        x = _norm(g, g.add("Add", x, inner), layer.norm_output, f"{name}.norm_output")
    weight = g.add("Unsqueeze", mask, g.integers(2))
    total = g.add("ReduceSum", g.add("Mul", x, weight), g.integers(1), keepdims=0)
    count = g.add("Max", g.add("ReduceSum", weight, g.integers(1), keepdims=0), g.scalar(1.0))
    g.unit_rows(g.add("Div", total, count))
    g.rename_last("text_embeds")
    ids = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"])
           for n in ("input_ids", "attention_mask")]  # fmt: skip
    g.write(
        path,
        ids,
        [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch", width])],
    )


def _embed_pieces(g: Graph, encoder: Encoder, *, int8: bool) -> str:
    """Piece embeddings (one int8 scale per piece) plus positions."""
    table = _array(encoder.pieces.weight)
    if int8:
        stored, scale = quantise(table, axis=1)
        rows = g.add("Gather", g.constant("pieces", stored), "input_ids")
        scales = g.add("Gather", g.constant("pieces.scale", scale), "input_ids")
        x = g.add("Mul", g.add("Cast", rows, to=TensorProto.FLOAT), scales)
    else:
        x = g.add("Gather", g.constant("pieces", table), "input_ids")
    length = g.add("Slice", g.add("Shape", "input_ids"), g.integers(1), g.integers(2))
    positions = g.constant("positions", _array(encoder.positions))
    return g.add("Add", x, g.add("Slice", positions, g.integers(0), length, g.integers(0)))


def _linear(g: Graph, x: str, module: nn.Linear, name: str, peaks: dict[str, np.ndarray] | None) -> str:
    weight = _array(module.weight).T.copy()
    return g.linear(x, name, weight, _array(module.bias), divisor=_divisor(peaks, name, weight))


def _divisor(peaks: dict[str, np.ndarray] | None, name: str, weight: np.ndarray) -> np.ndarray | None:
    return None if peaks is None else divisor(peaks[name], weight)


def _norm(g: Graph, x: str, module: nn.LayerNorm, name: str) -> str:
    weight = g.constant(f"{name}.weight", _array(module.weight))
    bias = g.constant(f"{name}.bias", _array(module.bias))
    return g.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=module.eps)


def _gelu(g: Graph, x: str) -> str:
    """The exact form, in the order that onnxruntime fuses."""
    inner = g.add("Add", g.add("Erf", g.add("Div", x, g.scalar(GELU_DIVISOR))), g.scalar(1.0))
    return g.add("Mul", g.add("Mul", x, inner), g.scalar(0.5))


def _attend(g: Graph, qkv: str, bias: str, width: int, heads: int) -> str:
    """Scaled queries, keys, values side by side (B, L, 3 * width) -> (B, L, width)."""
    shape = g.integers(0, 0, heads, width // heads)
    parts = []
    for part, order in enumerate(([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3])):
        sliced = g.add("Slice", qkv, g.integers(part * width), g.integers((part + 1) * width), g.integers(2))
        parts.append(g.add("Transpose", g.add("Reshape", sliced, shape), perm=order))
    q, k, v = parts
    weights = g.add("Softmax", g.add("Add", g.add("MatMul", q, k), bias), axis=-1)
    mixed = g.add("Transpose", g.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    return g.add("Reshape", mixed, g.integers(0, 0, width))


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
    g.unit_rows(_linear(g, pooled, tower.head, "head", None))
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
    peaks = None if options.fp32 else input_peaks(encoder, options.work)
    export_text(encoder, options.out / "onnx" / "text_model.onnx", peaks)
    export_image(tower, options.out / "onnx" / "vision_model.onnx", options.side)
    shutil.copyfile(options.work / "tokenizer.json", options.out / "tokenizer.json")
    write_settings(options.out, encoder, tower, options.side)
    write_sums(options.out)


if __name__ == "__main__":
    main()
