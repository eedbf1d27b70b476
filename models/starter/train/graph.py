"""Build ONNX graphs node by node: every node and name is ours, so the bytes depend on weights only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from pathlib import Path

OPSET = 17


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

    def linear(self, x: str, name: str, weight: np.ndarray, bias: np.ndarray,
               *, divisor: np.ndarray | None = None) -> str:  # fmt: skip
        """X @ weight + bias; weight (inside, outside) float32; int8 where a divisor is given.

        The int8 form is the pattern that onnxruntime fuses: the activations are divided per channel
        (see smooth.py), their scale is found at run time over the whole tensor (uint8), and the
        weights are signed, with one scale per column.
        """
        bias_name = self.constant(f"{name}.bias", bias.astype(np.float32))
        if divisor is None:
            product = self.add("MatMul", x, self.constant(f"{name}.weight", weight.astype(np.float32)))
            return self.add("Add", product, bias_name)
        x = self.add("Mul", x, self.constant(f"{name}.smooth", 1 / divisor))
        stored, scale = quantise(weight * divisor[:, None], axis=0)
        base = f"dynamicquantizelinear_{len(self.nodes)}"
        outputs = [f"{base}_{part}" for part in ("value", "scale", "zero")]
        self.nodes.append(helper.make_node("DynamicQuantizeLinear", [x], outputs, name=base))
        zero = self.constant(f"{name}.zero", np.zeros(weight.shape[1], np.int8))
        product = self.add("MatMulInteger", outputs[0], self.constant(f"{name}.weight", stored), outputs[2], zero)
        product = self.add("Cast", product, to=TensorProto.FLOAT)
        both = self.add("Mul", outputs[1], self.constant(f"{name}.scale", scale.reshape(-1)))
        return self.add("Add", self.add("Mul", product, both), bias_name)

    def unit_rows(self, x: str) -> str:
        """Divide rows by their L2 norm."""
        norm = self.add("ReduceL2", x, axes=[-1], keepdims=1)
        return self.add("Div", x, self.add("Max", norm, self.scalar(1e-12)))

    def write(self, path: Path, inputs: list[onnx.ValueInfoProto], outputs: list[onnx.ValueInfoProto]) -> None:
        """Check, then write to a temporary name and rename."""
        initialisers = [numpy_helper.from_array(v, name) for name, v in self.constants.items()]
        graph = helper.make_graph(self.nodes, self.name, inputs, outputs, initialisers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8)
        model.producer_name = "moderator-starter"
        onnx.checker.check_model(model, full_check=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(model.SerializeToString(deterministic=True))
        partial.replace(path)


def quantise(weight: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Symmetric int8 with one float32 scale per slice; `axis` is the one reduced over."""
    scale = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-12).astype(np.float32) / 127
    return np.clip(np.rint(weight / scale), -127, 127).astype(np.int8), scale
