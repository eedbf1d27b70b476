"""A torch module to an ONNX graph that was seen to agree with it."""

import io
import warnings
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnxruntime as ort
import torch

from moderator.errors import ModelError

OPSET: Final = 17
_MOST_DRIFT: Final = 1e-4  # 1 - cosine, in fp32
_ROWS: Final = 3


class Tower(torch.nn.Module):  # type: ignore[misc]  # torch has no types here
    """A function of a model as a module, for torch's exporter."""

    def __init__(self, model: Any, encode: Callable[..., Any]) -> None:
        super().__init__()
        self.model = model
        self.encode = encode

    def forward(self, *inputs: Any) -> Any:
        """One embedding a row."""
        return self.encode(*inputs)


def write(
    tower: Tower, inputs: Mapping[str, Any], output: str, path: Path, axes: Mapping[str, Any]
) -> float:
    """Export with any number of rows, and return the largest drift of a row from the module.

    Raises ModelError if graph and module differ.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.backends.mha.set_fastpath_enabled(False)  # ONNX has no operator for it
    quiet = redirect_stdout(io.StringIO())  # the exporter prints the whole graph when it fails
    with torch.no_grad(), quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the tracer, about shapes that it fixes
        torch.onnx.export(
            tower.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=[output],
            dynamic_axes=dict(axes),
            opset_version=OPSET,
            dynamo=False,
        )
        rows = {name: torch.cat([value] * _ROWS) for name, value in inputs.items()}
        wanted = tower(*rows.values()).numpy()
    session = ort.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (got,) = session.run(None, {name: value.numpy() for name, value in rows.items()})
    drift = _drift(wanted, got)
    if not drift <= _MOST_DRIFT:
        raise ModelError(f"{path.name}: differs from the checkpoint by {drift:.2g} (1 - cosine)")
    return drift


def _drift(wanted: Any, got: Any) -> float:
    a, b = (np.asarray(x, np.float64).reshape(-1, x.shape[-1]) for x in (wanted, got))
    cosines = (a * b).sum(axis=1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))
    return float(max(0.0, 1 - cosines.min()))
