"""Graphs, held against what an encoder can feed and use."""

import mmap
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from moderator.encoders.onnx import Provider, Session
from moderator.encoders.text import ID_INPUTS, MORE_INPUTS
from moderator.errors import ModelError

PIXEL_INPUTS: Final = ("pixel_values", "image")  # (batch, 3, height, width)
TEXT_INPUTS: Final = (*ID_INPUTS, *MORE_INPUTS)  # (batch, tokens)


def open_graph(path: Path, provider: Provider, inputs: Sequence[str], axes: int) -> Session:
    """A graph that is fed `inputs`, of so many axes, as far as it has them, and nothing else.

    Raises ModelError for one that cannot be loaded, or is no such graph.
    """
    session = Session(path, provider)
    known = set(session.inputs) & set(inputs)
    if strange := set(session.inputs) - known:
        raise ModelError(
            f"{path}: no value is known for its input {', '.join(sorted(strange))}; export it with "
            f"no inputs but {', '.join(inputs)}"
        )
    if inputs[0] not in known and inputs[1] not in known:
        raise ModelError(
            f"{path}: none of its inputs {', '.join(session.inputs)} is {inputs[0]} or {inputs[1]}"
        )
    if wrong := [name for name in known if len(session.inputs[name]) != axes]:
        shape = session.inputs[wrong[0]]
        raise ModelError(f"{path}: its input {wrong[0]} has the shape {shape}, not {axes} axes")
    return session


def output(path: Path, graph: Session, names: Sequence[str]) -> str:
    """The first of `names` that the graph puts out, else its only output. Raises ModelError."""
    for name in names:
        if name in graph.outputs:
            return name
    if len(graph.outputs) == 1:
        return graph.outputs[0]
    raise ModelError(
        f"{path}: puts out {', '.join(graph.outputs)}; expected is one of {', '.join(names)}"
    )


def is_dynamic(path: Path) -> bool:
    """Whether it quantises activations by what is in the batch: operators DynamicQuantize…."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"DynamicQuantize") >= 0


def with_data(path: Path) -> list[Path]:
    """A graph and the files beside it that hold its larger weights."""
    return [path, *sorted(path.parent.glob(f"{path.name}[._]*data*"))]
