"""Write the image tower as ONNX, batch norms folded, and its part of the settings."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from onnx import TensorProto, helper

import image
from graph import Graph
from sums import write_sums
from tower import CUT, MEAN, STD, TOP, Backbone, Block, Convolution, Tower, same_pads

if TYPE_CHECKING:
    from torch import nn


def _stored(g: Graph, name: str, value: np.ndarray) -> str:
    """A float16 initialiser cast back to float32 when the graph is loaded: half the file."""
    return g.add("Cast", g.constant(name, value.astype(np.float16)), to=TensorProto.FLOAT)


class Writer:
    """Keeps the graph and the side of the map that the last node made."""

    def __init__(self, side: int) -> None:
        self.graph = Graph("moderator_starter_image")
        self.side = side

    def convolution(self, x: str, module: Convolution, name: str, *, half: bool = True) -> str:
        """Convolution with its batch norm folded in, then ReLU6."""
        convolution, g = module.conv, self.graph
        weight, bias = (value.detach().numpy() for value in module.folded())
        kernel, stride = convolution.kernel_size[0], convolution.stride[0]
        before, after = same_pads(self.side, kernel, stride)
        self.side = -(-self.side // stride)
        label = f"{name}.weight"
        stored = _stored(g, label, weight) if half else g.constant(label, weight.astype(np.float32))
        x = g.add("Conv", x, stored, g.constant(f"{name}.bias", bias.astype(np.float32)),
                  pads=[before, before, after, after], strides=[stride, stride],
                  kernel_shape=[kernel, kernel], group=convolution.groups)  # fmt: skip
        return x if module.linear else g.add("Clip", x, g.scalar(0.0), g.scalar(6.0))

    def block(self, x: str, block: Block, name: str) -> str:
        """Widen, filter, narrow, and the shortcut."""
        wide = x if block.expand is None else self.convolution(x, block.expand, f"{name}.expand")
        wide = self.convolution(wide, block.depthwise, f"{name}.depthwise")
        narrow = self.convolution(wide, block.project, f"{name}.project")
        return self.graph.add("Add", x, narrow) if block.residual else narrow

    def lower(self, x: str, module: Backbone) -> str:
        """Normalised pixels (B, 3, S, S) -> the map that enters block CUT."""
        x = self.convolution(x, module.stem, "stem", half=False)
        for index in range(CUT):
            x = self.block(x, module.blocks[index], f"blocks.{index}")
        return x

    def upper(self, x: str, module: Backbone) -> str:
        """That map -> pooled features (B, 1280)."""
        for index in range(CUT, len(module.blocks)):
            x = self.block(x, module.blocks[index], f"blocks.{index}")
        g, x = self.graph, self.convolution(x, module.top, "top")
        return g.add("Squeeze", g.add("GlobalAveragePool", x), g.integers(2, 3))

    def linear(self, x: str, module: nn.Linear, name: str) -> str:
        """Matrix product and bias."""
        g = self.graph
        x = g.add("MatMul", x, _stored(g, f"{name}.weight", module.weight.detach().numpy().T.copy()))
        return x if module.bias is None else g.add("Add", x, g.constant(f"{name}.bias", module.bias.detach().numpy()))


def export_image(tower: Tower, path: Path, side: int) -> None:
    """pixel_values (B, 3, S, S) float32 -> image_embeds (B, 384) float32, unit rows.

    The first convolution stays float32 so that mean and deviation can still be folded into it.
    """
    writer = Writer(side)
    g, head = writer.graph, tower.head
    x = writer.upper(writer.lower("pixel_values", tower.backbone), tower.backbone)
    sharpness = g.scalar(head.sharpness.exp().item())
    logits = g.add("Mul", writer.linear(x, tower.backbone.classifier, "classifier"), sharpness)
    named = writer.linear(g.add("Softmax", logits, axis=-1), head.names, "names")
    centred = g.add("Sub", x, g.constant("mean", head.mean.numpy()))
    x = g.add("Div", centred, g.constant("deviation", head.deviation.numpy()))
    inner = writer.linear(g.add("Relu", writer.linear(x, head.inner, "inner")), head.outer, "outer")
    g.unit_rows(g.add("Add", g.add("Add", named, writer.linear(x, head.linear, "linear")), inner))
    g.rename_last("image_embeds")
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch", 3, side, side])
    out = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch", tower.plan.dimensions])
    g.write(path, [pixels], [out])


def export_maps(backbone: Backbone, path: Path, side: int, *, pooled: bool) -> None:
    """pixel_values (B, S, S, 3) uint8 -> maps before block CUT float16; if `pooled`, features (B, 1280) float32 too."""
    writer = Writer(side)
    g = writer.graph
    x = g.add("Transpose", g.add("Cast", "pixel_values", to=TensorProto.FLOAT), perm=[0, 3, 1, 2])
    x = g.add("Div", g.add("Sub", x, g.scalar(255 * MEAN[0])), g.scalar(255 * STD[0]))
    x = writer.lower(x, backbone)
    g.add("Cast", x, to=TensorProto.FLOAT16)
    g.rename_last("maps")
    channels, area = backbone.blocks[CUT].expand.conv.in_channels, [writer.side, writer.side]
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.UINT8, ["batch", side, side, 3])
    outputs = [helper.make_tensor_value_info("maps", TensorProto.FLOAT16, ["batch", channels, *area])]
    if pooled:
        writer.upper(x, backbone)
        g.rename_last("features")
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", TOP]))
    g.write(path, [pixels], outputs)


def preprocessor(side: int) -> dict:
    """What the loader does to a picture."""
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": True,
        "do_resize": True, "size": {"shortest_edge": side}, "resample": 3,
        "do_center_crop": True, "crop_size": {"height": side, "width": side},
        "do_rescale": True, "rescale_factor": 1 / 255,
        "do_normalize": True, "image_mean": list(MEAN), "image_std": list(STD),
    }  # fmt: skip


def main() -> None:
    """Export beside the text tower (export.py writes config.json), and refresh SHA256SUMS."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True, help="where image.pt lies")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--side", type=int, default=128)
    options = parser.parse_args()
    export_image(image.load(options.work / "image.pt"), options.out / "onnx" / "vision_model.onnx", options.side)
    config = json.loads((options.out / "config.json").read_text(encoding="utf-8"))
    config["vision_config"] = {"image_size": options.side, "num_channels": 3, "hidden_size": TOP}
    for name, tree in (("config.json", config), ("preprocessor_config.json", preprocessor(options.side))):
        (options.out / name).write_text(json.dumps(tree, indent=2) + "\n", encoding="utf-8")
    write_sums(options.out)


if __name__ == "__main__":
    main()
