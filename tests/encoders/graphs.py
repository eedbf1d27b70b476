"""Small ONNX graphs, written by the tests: what published ones do, and what they get wrong."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY, DIMENSIONS = 16_000, 8
#: One vector a token, which is all there is to the encoder of `write_sentence_graph`.
TABLE = np.random.default_rng(3).standard_normal((VOCABULARY, DIMENSIONS)).astype(np.float32)


def write_sentence_graph(
    path: Path,
    *,
    inputs: Sequence[str] = ("input_ids", "attention_mask", "token_type_ids"),
    output: str = "last_hidden_state",
) -> None:
    """A row of `TABLE` for each token; with `sentence_embedding` their sum."""
    if output == "sentence_embedding":
        nodes = [
            helper.make_node("Gather", ["table", inputs[0]], ["rows"]),
            helper.make_node("ReduceSum", ["rows", "one"], [output], keepdims=0),
        ]
    else:
        nodes = [helper.make_node("Gather", ["table", inputs[0]], [output])]
    axes: list[int | str] = ["batch", "n", DIMENSIONS]
    if output == "sentence_embedding":
        axes.remove("n")
    write(
        path,
        nodes,
        {name: (TensorProto.INT64, ["batch", "n"]) for name in inputs},
        {output: axes},
        {"table": TABLE, "one": np.array([1])},
    )


def write(
    path: Path,
    nodes: Sequence[onnx.NodeProto],
    inputs: Mapping[str, tuple[int, Sequence[int | str]]],
    outputs: Mapping[str, Sequence[int | str]],
    constants: Mapping[str, np.ndarray],
) -> None:
    """Write a graph with float outputs."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info(name, *kind) for name, kind in inputs.items()],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, list(shape))
            for name, shape in outputs.items()
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
