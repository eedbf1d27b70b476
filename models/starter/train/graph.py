"""Build ONNX graphs node by node: every node and name is ours, so the bytes depend on weights only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

OPSET = 17
ONNXRUNTIME = "com.microsoft"  # its fused operators, part of every build of onnxruntime


@dataclass(frozen=True)
class Scaling:
    """How a linear layer's input becomes uint8."""

    divisor: np.ndarray  # (inside,) float32
    scale: float
    zero: int
    evens_out: bool  # whether the divisor is still to be applied, rather than by the layer before


class Graph:
    """A list of nodes and initialisers under construction."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, np.ndarray] = {}

    def constant(self, name: str, value: np.ndarray) -> str:
        """Store an initialiser once under its name."""
        self.constants.setdefault(name, value)
        return name

    def add(self, op: str, *inputs: str, outputs: int = 1, **attributes: object) -> str:
        """Append a node -> its first output's name."""
        base = f"{op.lower()}_{len(self.nodes)}"
        names = [base] if outputs == 1 else [f"{base}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(op, list(inputs), names, name=base, **attributes))
        return names[0]

    def rename_last(self, name: str) -> None:
        """Give the last node's output its public name."""
        self.nodes[-1].output[0] = name

    def integers(self, *values: int) -> str:
        """A 1-D int64 constant."""
        label = "_".join(map(str, values)).replace("-", "m")
        return self.constant(f"i64_{label}", np.array(values, np.int64))

    def scalar(self, value: float) -> str:
        """A 0-D float32 constant."""
        return self.constant(f"f32_{value!r}".replace("-", "m"), np.array(value, np.float32))

    def quantised(self, x: str, name: str, scaling: Scaling) -> str:
        """X as uint8, by a scale fixed beforehand: a row's result depends on that row alone."""
        if scaling.evens_out:
            x = self.add("Mul", x, self.constant(f"{name}.smooth", 1 / scaling.divisor))
        return self.add("QuantizeLinear", x, *self._scale(scaling))

    def linear(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray, *, scaling: Scaling | None = None,
               after: Scaling | None = None) -> str:  # fmt: skip
        """X @ weight + bias; weight (inside, outside) float32; int8 where a scaling is given, x then uint8 rows.

        The weights are signed, with one scale per column. What comes out is float32, or uint8 for the layer
        whose scaling is `after`, which must have the zero point 0: negative values are cut off, as by Relu.
        """
        if scaling is None:
            product = self.add("MatMul", x, self.constant(f"{name}.weight", weight.astype(np.float32)))
            return self.add("Add", product, self.constant(f"{name}.bias", bias.astype(np.float32)))
        assert after is None or after.zero == 0
        stored, columns = quantise(weight * scaling.divisor[:, None], axis=0)
        columns = columns.reshape(-1)
        offset = np.rint(bias / (scaling.scale * columns)).astype(np.int32)
        return self.add(
            "QGemm", x, *self._scale(scaling), self.constant(f"{name}.weight", stored),
            self.constant(f"{name}.scale", columns), self.constant(f"{name}.zero", np.zeros(len(columns), np.int8)),
            self.constant(f"{name}.bias", offset), *(self._scale(after) if after else ()), domain=ONNXRUNTIME,
        )  # fmt: skip

    def _scale(self, scaling: Scaling) -> tuple[str, str]:
        zero = self.constant(f"u8_{scaling.zero}", np.array(scaling.zero, np.uint8))
        return self.scalar(float(scaling.scale)), zero

    def unit_rows(self, x: str) -> str:
        """Divide rows by their L2 norm."""
        norm = self.add("ReduceL2", x, axes=[-1], keepdims=1)
        return self.add("Div", x, self.add("Max", norm, self.scalar(1e-12)))

    def write(self, path: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> None:
        """Check, then write to a temporary name and rename."""
        initialisers = [numpy_helper.from_array(v, name) for name, v in self.constants.items()]
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, initialisers)
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET), helper.make_opsetid(ONNXRUNTIME, 1)], ir_version=8
        )
        model.producer_name = "moderator-starter"
        onnx.checker.check_model(model, full_check=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(model.SerializeToString(deterministic=True))
        partial.replace(path)


def quantise(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 with one float32 scale per slice; `axis` is the one reduced over."""
    scale = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / 127
    return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale
