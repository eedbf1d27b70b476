"""Write the text encoder as ONNX, int8 or fp32, shaped for the caches of a CPU.

Tokens lie in one list of rows, (L * B, width) with the place in the text first, so that attention needs
no transposed copies (FusedMatMul reads queries and keys where they are); wide products are made in
columns as wide as the model, which stay in a core's own cache. RUNS.md has the times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

from graph import ONNXRUNTIME, Graph, Scaling, quantise

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from minilm import Encoder, Layer


def _array(parameter: nn.Parameter) -> np.ndarray:
    return parameter.detach().numpy().astype(np.float32)


@dataclass(frozen=True)
class _Batch:
    """What all layers share: the sizes (L, B, heads, size), what padding adds to logits, the scalings."""

    apart: str
    bias: str
    scalings: dict[str, Scaling]

    def quantised(self, g: Graph, x: str, name: str) -> str:
        """Rows as the named layer wants them: uint8, or as they are where nothing is int8."""
        return g.quantised(x, name, self.scalings[name]) if self.scalings else x

    def of(self, name: str) -> Scaling | None:
        """The named layer's scaling, if any."""
        return self.scalings.get(name)


def export_text(encoder: Encoder, path: Path, scalings: dict[str, Scaling] | None) -> None:
    """input_ids, attention_mask (B, L) int64 -> text_embeds (B, 384) float32, unit rows.

    `scalings` (see smooth.py) makes the weights int8; without it they stay float32. Raises ValueError
    where the encoder is not of rectified units.
    """
    if encoder.shape.activation != "relu":
        raise ValueError(f"the text graph wants relu, not {encoder.shape.activation}: steer.py makes it so")
    g = Graph("moderator_starter_text")
    width, heads = encoder.shape.width, encoder.shape.heads
    ids = g.add("Transpose", "input_ids", perm=[1, 0])
    mask = g.add("Cast", g.add("Transpose", "attention_mask", perm=[1, 0]), to=TensorProto.FLOAT)
    shape = g.add("Shape", ids)
    absent = g.add("Mul", g.add("Sub", mask, g.scalar(1.0)), g.scalar(1e4))
    bias = g.add("Unsqueeze", g.add("Transpose", absent, perm=[1, 0]), g.integers(1, 2))
    batch = _Batch(g.add("Concat", shape, g.integers(heads, width // heads), axis=0), bias, scalings or {})
    x = _embed_pieces(g, encoder, ids, shape, int8=scalings is not None)
    x = g.add("Reshape", _norm(g, x, encoder.norm, "norm"), g.integers(-1, width))
    for index, layer in enumerate(encoder.layers):
        x = _layer(g, x, layer, f"layers.{index}", batch)
    x = g.add("Reshape", x, g.add("Concat", shape, g.integers(width), axis=0))
    weight = g.add("Unsqueeze", mask, g.integers(2))
    total = g.add("ReduceSum", g.add("Mul", x, weight), g.integers(0), keepdims=0)
    count = g.add("Max", g.add("ReduceSum", weight, g.integers(0), keepdims=0), g.scalar(1.0))
    g.unit_rows(g.add("Div", total, count))
    g.rename_last("text_embeds")
    given = [helper.make_tensor_value_info(n, TensorProto.INT64, ["batch", "tokens"])
             for n in ("input_ids", "attention_mask")]  # fmt: skip
    g.write(path, given, [helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch", width])])


def _embed_pieces(g: Graph, encoder: Encoder, ids: str, shape: str, *, int8: bool) -> str:
    """Piece embeddings (one int8 scale per piece) plus positions (fp16 in the file), (L, B, width)."""
    table, positions = _array(encoder.pieces.weight), _array(encoder.positions)
    if int8:
        stored, scale = quantise(table, axis=1)
        rows = g.add("Gather", g.constant("pieces", stored), ids)
        scales = g.add("Gather", g.constant("pieces.scale", scale), ids)
        x = g.add("Mul", g.add("Cast", rows, to=TensorProto.FLOAT), scales)
        places = g.add("Cast", g.constant("positions", positions.astype(np.float16)), to=TensorProto.FLOAT)
    else:
        x = g.add("Gather", g.constant("pieces", table), ids)
        places = g.constant("positions", positions)
    length = g.add("Slice", shape, g.integers(0), g.integers(1))
    places = g.add("Slice", places, g.integers(0), length, g.integers(0))
    return g.add("Add", x, g.add("Unsqueeze", places, g.integers(1)))


def _layer(g: Graph, x: str, layer: Layer, name: str, batch: _Batch) -> str:
    """One layer over (L * B, width)."""
    mixed = g.linear(batch.quantised(g, _attend(g, x, layer, name, batch), f"{name}.out"), f"{name}.out",
                     _weight(layer.out), _array(layer.out.bias), scaling=batch.of(f"{name}.out"))  # fmt: skip
    x = _norm(g, g.add("Add", x, mixed), layer.norm_attention, f"{name}.norm_attention")
    inner = g.linear(_widen(g, x, layer, name, batch), f"{name}.down", _weight(layer.down), _array(layer.down.bias),
                     scaling=batch.of(f"{name}.down"))  # fmt: skip
    return _norm(g, g.add("Add", x, inner), layer.norm_output, f"{name}.norm_output")


def _attend(g: Graph, x: str, layer: Layer, name: str, batch: _Batch) -> str:
    """Queries, keys and values, and their products for each head -> (L * B, width)."""
    width = layer.out.in_features
    factors = [(width // layer.heads) ** -0.5, 1.0, 1.0]
    after = batch.of(f"{name}.out")
    if after:  # evened out where it costs nothing: what is attended to is a mean of the values
        factors[2] = 1 / after.divisor
    x = batch.quantised(g, x, f"{name}.qkv")
    parts = []
    for part, factor in enumerate(factors):
        columns = slice(part * width, (part + 1) * width)
        product = g.linear(x, f"{name}.{'qkv'[part]}", _weight(layer.qkv)[:, columns] * factor,
                           _array(layer.qkv.bias)[columns] * factor, scaling=batch.of(f"{name}.qkv"))  # fmt: skip
        parts.append(g.add("Reshape", product, batch.apart))
    q, k, v = parts
    logits = g.add("FusedMatMul", q, k, transB=1, transBatchA=1, transBatchB=1, domain=ONNXRUNTIME)
    weights = g.add("Softmax", g.add("Add", logits, batch.bias), axis=-1)
    mixed = g.add("FusedMatMul", weights, v, transBatchB=1, domain=ONNXRUNTIME)
    return g.add("Reshape", g.add("Transpose", mixed, perm=[2, 0, 1, 3]), g.integers(-1, width))


def _widen(g: Graph, x: str, layer: Layer, name: str, batch: _Batch) -> str:
    """The rectified inner units, as `down` wants them."""
    width, after = layer.out.in_features, batch.of(f"{name}.down")
    weight, bias = _weight(layer.up), _array(layer.up.bias)
    if after:  # rectified units may be evened out before as well as after
        weight, bias = weight / after.divisor, bias / after.divisor
    x = batch.quantised(g, x, f"{name}.up")
    parts = []
    for start in range(0, weight.shape[1], width):
        columns = slice(start, start + width)
        part = g.linear(x, f"{name}.up.{start // width}", weight[:, columns], bias[columns],
                        scaling=batch.of(f"{name}.up"), after=after)  # fmt: skip
        parts.append(part if after else g.add("Relu", part))
    return g.add("Concat", *parts, axis=-1)


def _weight(module: nn.Linear) -> np.ndarray:
    return _array(module.weight).T.copy()


def _norm(g: Graph, x: str, module: nn.LayerNorm, name: str) -> str:
    weight = g.constant(f"{name}.weight", _array(module.weight))
    return g.add(
        "LayerNormalization", x, weight, g.constant(f"{name}.bias", _array(module.bias)), axis=-1, epsilon=module.eps
    )
