"""The graphs of a folder: opened once, held against what an encoder can feed and use."""

import mmap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.onnx import Provider, Session
from moderator.encoders.text import ID_INPUTS, MORE_INPUTS, Graph
from moderator.errors import ModelError

PIXEL_INPUTS: Final = ("pixel_values", "image")
TEXT_INPUTS: Final = (*ID_INPUTS, *MORE_INPUTS)

Feeds = Mapping[str, NDArray[Any]]


class Graphs:
    """Opens graphs for one provider; a merged one, which serves for texts and images, once."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._open: dict[Path, Session] = {}

    def open(self, path: Path, inputs: Sequence[str], rest: Feeds) -> Graph:
        """A graph that is fed `inputs`, as far as it has them.

        Args:
            path: the file.
            inputs: what the encoder has for it.
            rest: what a merged graph gets for its other tower: constants, computed each time.

        Raises:
            ModelError: it cannot be loaded, or has an input that nobody has anything for.
        """
        if path not in self._open:
            self._open[path] = Session(path, self._provider)
        session = self._open[path]
        if strange := set(session.inputs) - {*inputs, *rest}:
            raise ModelError(
                f"{path}: no value is known for its input {', '.join(sorted(strange))}; export it "
                f"with no inputs but {', '.join(inputs)}"
            )
        if not set(session.inputs) & set(inputs):
            raise ModelError(
                f"{path}: has the inputs {', '.join(session.inputs)}, none of {', '.join(inputs)}"
            )
        rest = {name: value for name, value in rest.items() if name in session.inputs}
        return _Half(session, rest) if rest else session


class _Half:
    """One tower of a merged graph; the other gets constants."""

    def __init__(self, session: Graph, rest: Feeds) -> None:
        self._session = session
        self._rest = {
            name: value.astype(np.int32 if session.types[name] == "tensor(int32)" else value.dtype)
            for name, value in rest.items()
        }
        self.inputs = {name: axes for name, axes in session.inputs.items() if name not in rest}
        self.types = session.types
        self.outputs = session.outputs

    def run(self, output: str, feeds: Feeds) -> NDArray[np.floating]:
        return self._session.run(output, {**feeds, **self._rest})


def output(path: Path, graph: Graph, names: Sequence[str]) -> str:
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
