"""The published text graph back to a checkpoint that training can go on from: int8 weights as numbers again."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from minilm import Encoder, Shape
from text import save

LAYER_NORMS = ("norm_attention", "norm_output")


class Published:
    """Initialisers and products of the graph that `export_text.py` wrote."""

    def __init__(self, path: Path) -> None:
        graph = onnx.load(path).graph
        self.stored = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
        self.products = dict(map(self._product, (n for n in graph.node if n.op_type == "QGemm")))

    def _product(self, node: onnx.NodeProto) -> tuple[str, tuple[np.ndarray, np.ndarray]]:
        """Name -> weight (inside, outside), bias (outside,)."""
        _, scale, _, weight, columns, _, bias = (self.stored.get(name) for name in node.input[:7])
        name = node.input[3].removesuffix(".weight")
        return name, (weight * columns, bias * float(scale) * columns)

    def linear(self, layer: str, parts: tuple[str, ...], evened: str = "") -> tuple[np.ndarray, np.ndarray]:
        """Weight (outside, inside) and bias of what was cut into parts; `evened`: the input's divisor's name."""
        weights, biases = zip(*(self.products[f"{layer}.{part}"] for part in parts), strict=True)
        weight = np.concatenate(weights, axis=1)
        if evened:
            weight = weight * self.stored[f"{layer}.{evened}.smooth"][:, None]
        return weight.T, np.concatenate(biases)


def restored(path: Path) -> Encoder:
    """The encoder, to rounding. What evens out values, and after rectified units, stays folded in."""
    published = Published(path)
    stored = published.stored
    pieces = stored["pieces"] * stored["pieces.scale"]
    layers = len({name.split(".")[1] for name in published.products})
    encoder = Encoder(Shape(pieces=len(pieces), positions=len(stored["positions"]), layers=layers, activation="relu"))
    state = {"pieces.weight": pieces, "positions": stored["positions"]}
    norms = ["norm"]
    for index, module in enumerate(encoder.layers):
        layer = f"layers.{index}"
        norms += [f"{layer}.{norm}" for norm in LAYER_NORMS]
        units = module.up.out_features // module.out.in_features
        linears = {
            "qkv": published.linear(layer, tuple("qkv"), "qkv"),
            "out": published.linear(layer, ("out",)),
            "up": published.linear(layer, tuple(f"up.{part}" for part in range(units)), "up"),
            "down": published.linear(layer, ("down",)),
        }
        queries = module.out.in_features
        for array in linears["qkv"]:
            array[:queries] *= (queries // module.heads) ** 0.5  # the graph holds them scaled
        for name, (weight, bias) in linears.items():
            state |= {f"{layer}.{name}.weight": weight, f"{layer}.{name}.bias": bias}
    state |= {f"{norm}.{side}": stored[f"{norm}.{side}"] for norm in norms for side in ("weight", "bias")}
    encoder.load_state_dict({name: torch.tensor(value, dtype=torch.float32) for name, value in state.items()})
    return encoder


def main() -> None:
    """Write the checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True, help="folder of the exported text tower")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint to write")
    options = parser.parse_args()
    save(restored(options.model / "onnx" / "text_model.onnx"), options.out)


if __name__ == "__main__":
    main()
