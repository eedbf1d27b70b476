"""Runs through buffers that stay on the device: one copy in, one out, the same addresses always."""

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

Feeds = Mapping[str, NDArray[Any]]


class Bindings:
    """The buffers of every shape a session has met; with buckets these are few.

    One run at a time: the buffers are shared, and a GPU would run the others later anyway. CUDA
    graphs are captured for one set of addresses, so they need this, and a number for each.
    """

    def __init__(self, session: ort.InferenceSession, device: str, *, graphs: bool) -> None:
        self._session = session
        self._device = device
        self._graphs = graphs
        self._lock = threading.Lock()
        self._made: dict[tuple[object, ...], _Binding] = {}

    def run(self, output: str, feeds: Feeds) -> NDArray[Any]:
        """One forward pass."""
        shape = (output, *(array.shape for array in feeds.values()))
        with self._lock:
            if shape not in self._made:
                number = len(self._made) if self._graphs else None
                self._made[shape] = _Binding(self._session, self._device, output, feeds, number)
            return self._made[shape].run(feeds)


class _Binding:
    def __init__(
        self,
        session: ort.InferenceSession,
        device: str,
        output: str,
        feeds: Feeds,
        number: int | None,
    ) -> None:
        self._session = session
        self._inputs = {  # not `ortvalue_from_numpy`: on a CPU that is the caller's own memory
            name: ort.OrtValue.ortvalue_from_shape_and_type(array.shape, array.dtype, device, 0)
            for name, array in feeds.items()
        }
        self._io = session.io_binding()
        for name, value in self._inputs.items():
            value.update_inplace(feeds[name])
            self._io.bind_ortvalue_input(name, value)
        self._io.bind_output(output, device)
        # Not to be captured: this first run only finds out how large the output is.
        session.run_with_iobinding(self._io, _options(None if number is None else -1))
        (found,) = self._io.get_outputs()
        self._output = ort.OrtValue.ortvalue_from_shape_and_type(
            found.shape(), np.dtype(found.numpy().dtype), device, 0
        )
        self._io.clear_binding_outputs()
        self._io.bind_ortvalue_output(output, self._output)
        self._options = _options(number)

    def run(self, feeds: Feeds) -> NDArray[Any]:
        for name, array in feeds.items():
            self._inputs[name].update_inplace(array)
        self._session.run_with_iobinding(self._io, self._options)
        return np.array(self._output.numpy())  # a copy: the next run writes over it


def _options(number: int | None) -> ort.RunOptions:
    options = ort.RunOptions()
    if number is not None:
        options.add_run_config_entry("gpu_graph_id", str(number))
    return options
