"""Read an exported image tower back into a checkpoint that image.py can go on from."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn

from image import save
from tower import Backbone, Convolution, Plan, Tower


def read_constants(path: Path) -> dict[str, Tensor]:
    """Every initialiser by its name, as float32."""
    graph = onnx.load(path).graph
    return {i.name: torch.from_numpy(numpy_helper.to_array(i).copy()).float() for i in graph.initializer}


def read_sharpness(path: Path) -> float:
    """The factor of the logits: the graph's only product with a constant."""
    graph = onnx.load(path).graph
    (factor,) = [node.input[1] for node in graph.node if node.op_type == "Mul"]
    return float(next(numpy_helper.to_array(i) for i in graph.initializer if i.name == factor))


def convolutions(backbone: Backbone) -> dict[str, Convolution]:
    """Every convolution under the name that vision.py gives it."""
    return {name: module for name, module in backbone.named_modules() if isinstance(module, Convolution)}


@torch.no_grad()
def restore(path: Path) -> Tower:
    """The tower; its batch norms, which the export folded, only add what they are called bias."""
    stored = read_constants(path)
    tower = Tower(Plan(hidden=len(stored["inner.bias"]), dimensions=len(stored["linear.bias"])))
    for name, module in convolutions(tower.backbone).items():
        module.conv.weight.copy_(stored[f"{name}.weight"])
        module.norm.bias.copy_(stored[f"{name}.bias"])
        module.norm.running_var.fill_(1 - module.norm.eps)
    head = tower.head
    linears = {"classifier": tower.backbone.classifier, "names": head.names, "linear": head.linear,
               "inner": head.inner, "outer": head.outer}  # fmt: skip
    for name, module in linears.items():
        module.weight.copy_(stored[f"{name}.weight"].T)
        if module.bias is not None:
            module.bias.copy_(stored[f"{name}.bias"])
    head.mean.copy_(stored["mean"])
    head.deviation.copy_(stored["deviation"])
    head.sharpness.fill_(math.log(read_sharpness(path)))
    return tower.eval()


def main() -> None:
    """The scale of the contrast is not in the graph: give it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graph", type=Path, help="vision_model.onnx")
    parser.add_argument("--scale", type=float, default=28.0, help="of the contrast, as the last run printed it")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    save(restore(options.graph), nn.Parameter(torch.tensor(math.log(options.scale))), options.out)


if __name__ == "__main__":
    main()
