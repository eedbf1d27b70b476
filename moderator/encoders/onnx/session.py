"""A graph that is loaded and can be run."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from moderator.cores import usable_cores
from moderator.encoders.onnx.binding import Bindings
from moderator.encoders.onnx.providers import Options, Provider, active, chain, check_active, quiet
from moderator.encoders.onnx.shapes import Shapes, pad_rows
from moderator.errors import InferenceError, ModelError

log = logging.getLogger(__name__)

_TYPES = {
    "tensor(float16)": np.float16,
    "tensor(float)": np.float32,
    "tensor(int32)": np.int32,
    "tensor(int64)": np.int64,
    "tensor(uint8)": np.uint8,
}
_CPU_ROWS = 8  # on CPUs more at once gains nothing


class Session:
    """A loaded graph. Any number of threads may call `run` at the same time.

    On a CPU it computes with one thread for each caller: as many callers as cores are 3 to 20 %
    faster than callers that share their work among threads. A row that comes alone while nobody
    else computes is shared by all cores, in half the time; for that the graph is then held twice.

    On a GPU batches are padded to a few sizes, see `shapes`; what comes back never shows it.
    """

    def __init__(self, path: Path, provider: Provider = "auto") -> None:
        """Raises ModelError for an unreadable graph and for a provider that is not active."""
        self._path = path
        self._session = _load(path, provider)
        self._callers = 0
        self._counting = threading.Lock()
        on = active(self._session.get_providers()[0])
        check_active(provider, on.name)
        self.provider = on.name
        self.inputs: dict[str, tuple[int | str | None, ...]] = {
            node.name: tuple(node.shape) for node in self._session.get_inputs()
        }
        self.outputs: tuple[str, ...] = tuple(node.name for node in self._session.get_outputs())
        self._types = {node.name: _TYPES.get(node.type) for node in self._session.get_inputs()}
        self.shapes: Shapes = self._fixed() or on.shapes
        self._bindings = (
            Bindings(self._session, on.device, graphs=provider == "cuda-graphs")
            if on.device != "cpu"
            else None
        )

    @property
    def batch_rows(self) -> int:
        """The most rows that are worth giving at once."""
        return self.shapes.rows[-1] if self.shapes.rows else _CPU_ROWS

    def run(self, output: str, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.floating]:
        """One forward pass, or several where there are more rows than fit in one.

        Feeds are cast to the types of the graph's inputs, a float16 result to float32. Raises
        InferenceError.
        """
        typed = {
            name: np.ascontiguousarray(array, self._types.get(name))
            for name, array in feeds.items()
        }
        with self._counted():
            try:
                parts = [self._run(output, part) for part in self._parts(typed)]
            except Exception as error:  # onnxruntime's own exceptions share no base class
                raise InferenceError(f"onnxruntime failed: {error}") from error
        array: NDArray[np.floating] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return array.astype(np.float32) if array.dtype == np.float16 else array

    def _run(self, output: str, feeds: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
        rows = _rows(feeds)
        fed = {name: pad_rows(array, self.shapes.padded(rows)) for name, array in feeds.items()}
        if self._bindings:
            return self._bindings.run(output, fed)[:rows]
        lone = self._lone if rows == self._callers == 1 else None
        (result,) = (lone or self._session).run([output], fed)
        return np.asarray(result)[:rows]

    @cached_property
    def _lone(self) -> ort.InferenceSession | None:
        """The graph again, on all cores; loaded when a row first comes alone, as at warm-up."""
        cores = usable_cores()
        shares = self.provider == "CPUExecutionProvider" and cores > 1
        return _load(self._path, "cpu", cores) if shares else None

    @contextmanager
    def _counted(self) -> Iterator[None]:
        with self._counting:
            self._callers += 1
        try:
            yield
        finally:
            with self._counting:
                self._callers -= 1

    def _parts(self, feeds: Mapping[str, NDArray[Any]]) -> Iterator[Mapping[str, NDArray[Any]]]:
        rows = _rows(feeds)
        most = self.shapes.rows[-1] if self.shapes.rows else rows
        if rows <= most:
            yield feeds
            return
        for start in range(0, rows, most):
            yield {name: array[start : start + most] for name, array in feeds.items()}

    def _fixed(self) -> Shapes | None:
        """The one size of batch of a graph that was exported for one."""
        firsts = {shape[0] for shape in self.inputs.values() if shape}
        sizes = [size for size in firsts if isinstance(size, int)]
        return Shapes(rows=(sizes[0],)) if len(sizes) == len(firsts) == 1 else None


def _load(path: Path, provider: Provider, threads: int = 1) -> ort.InferenceSession:
    providers = chain(provider, path)
    try:
        return _session(path, providers, threads)
    except Exception as error:  # noqa: BLE001 - onnxruntime's own share no base class
        if len(providers) > 1:
            log.warning("%s: %s cannot be used: %s", path.name, providers[0][0], error)
        failure = error
    try:
        return _session(path, providers[-1:], threads)
    except Exception:  # noqa: BLE001 - the first one knew more
        raise ModelError(f"{path}: onnxruntime cannot load it: {failure}") from failure


def _session(path: Path, providers: Options, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    # Threads that spin after their share is done take the cores of the next caller.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    with quiet(providers):
        # Without `enable_fallback=0` a failing provider is a line on standard output.
        return ort.InferenceSession(path, options, providers=providers, enable_fallback=0)


def _rows(feeds: Mapping[str, NDArray[Any]]) -> int:
    return len(next(iter(feeds.values())))
