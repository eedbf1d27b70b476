"""What an ONNX graph says of itself, read from its file without loading the weights.

So looking at a model takes neither the onnx package nor the memory for it. Numbers of fields are
those of onnx/onnx.proto, IR version 10.
"""

import math
import mmap
from collections import Counter
from pathlib import Path
from typing import Final, NamedTuple

from moderator.errors import ModelError
from moderator.models.protobuf import fields, message, number, text, varints

_TYPES: Final = {
    1: "float32", 2: "uint8", 3: "int8", 5: "int16", 6: "int32", 7: "int64", 9: "bool",
    10: "float16", 11: "float64", 16: "bfloat16",
}  # fmt: skip
#: Products of integer matrices, and which of their inputs is the weight.
_INTEGER_PRODUCTS: Final = {
    "MatMulInteger": 1,
    "MatMulIntegerToFloat": 1,
    "DynamicQuantizeMatMul": 1,
    "QLinearMatMul": 3,
    "QGemm": 3,
}
_INPUT, _OUTPUT = 11, 12


class Port(NamedTuple):
    """An input or output; an axis is a size, or a name where any size will do."""

    name: str
    type: str
    axes: tuple[int | str, ...]


class GraphInfo(NamedTuple):
    """A graph at a glance."""

    opset: int
    producer: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parameters: Counter[str]  # how many numbers of which type
    operators: Counter[str]
    quantised: frozenset[str]  # types of the weights of integer matrix products

    @property
    def precision(self) -> str:
        """How its matrices are stored."""
        if self.quantised:
            return "uint8" if "uint8" in self.quantised else "int8"
        halves = self.parameters["float16"] > self.parameters["float32"]
        return "float16" if halves else "float32"


def read_graph(path: Path) -> GraphInfo:
    """Read a graph's head. Raises ModelError for a file that is none."""
    try:
        with path.open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return _model(memoryview(content))
    except (OSError, ValueError, IndexError, UnicodeDecodeError, TypeError) as error:
        raise ModelError(f"{path}: not an ONNX graph: {error}") from error


def _model(data: memoryview | bytes) -> GraphInfo:
    opset, producer, graph = 0, "", None
    for field, value in fields(data):
        match field:
            case 2:
                producer = text(value)
            case 7:
                graph = value
            case 8:
                parts = dict(fields(message(value)))
                if not text(parts.get(1, b"")):  # the default domain
                    opset = number(parts.get(2, 0))
    if graph is None:
        raise ValueError("it has no graph")
    return _graph(message(graph), opset, producer)


def _graph(data: memoryview | bytes, opset: int, producer: str) -> GraphInfo:
    ports: dict[int, list[Port]] = {_INPUT: [], _OUTPUT: []}
    constants: dict[str, str] = {}
    weights: set[str] = set()
    parameters: Counter[str] = Counter()
    operators: Counter[str] = Counter()
    for field, value in fields(data):
        match field:
            case 1:
                operator, weight = _node(message(value))
                operators[operator] += 1
                weights |= {weight} if weight else set()
            case 5:
                name, kind, count = _tensor(message(value))
                parameters[kind] += count
                constants[name] = kind
            case _ if field in ports:
                ports[field].append(_port(message(value)))
    quantised = {constants[name] for name in weights if name in constants} & {"int8", "uint8"}
    return GraphInfo(
        opset,
        producer,
        tuple(port for port in ports[_INPUT] if port.name not in constants),
        tuple(ports[_OUTPUT]),
        parameters,
        operators,
        frozenset(quantised),
    )


def _node(data: memoryview | bytes) -> tuple[str, str]:
    """Its operator, and the weight of an integer product, or ""."""
    operator, inputs = "", []
    for field, value in fields(data):
        match field:
            case 1:
                inputs.append(text(value))
            case 4:
                operator = text(value)
    place = _INTEGER_PRODUCTS.get(operator, len(inputs))
    return operator, inputs[place] if place < len(inputs) else ""


def _tensor(data: memoryview | bytes) -> tuple[str, str, int]:
    """Its name, its type, and how many numbers it holds."""
    name, kind, count = "", 0, 1
    for field, value in fields(data):
        match field:
            case 1:
                count *= math.prod([value] if isinstance(value, int) else varints(value))
            case 2:
                kind = number(value)
            case 8:
                name = text(value)
    return name, _TYPES.get(kind, str(kind)), count


def _port(data: memoryview | bytes) -> Port:
    parts = dict(fields(data))
    tensor = dict(fields(message(dict(fields(message(parts[2])))[1])))
    axes: list[int | str] = []
    for _, axis in fields(message(tensor.get(2, b""))):
        size = dict(fields(message(axis)))
        axes.append(number(size[1]) if 1 in size else text(size.get(2, b"?")))
    kind = number(tensor.get(1, 0))
    return Port(text(parts[1]), _TYPES.get(kind, str(kind)), tuple(axes))
