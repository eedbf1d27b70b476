"""The only place that imports onnxruntime."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# From version 1.29 on, onnxruntime's builds for Linux report to their maker unless told not to, and
# they read this when they are loaded.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort

from moderator.errors import InferenceError, ModelError

Provider = Literal["auto", "cpu", "cuda", "tensorrt"]

_NAMES = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "tensorrt": "TensorrtExecutionProvider",
}
_CHAINS = {
    "auto": ("cuda", "cpu"),
    "cpu": ("cpu",),
    "cuda": ("cuda", "cpu"),
    "tensorrt": ("tensorrt", "cuda", "cpu"),
}


class Session:
    """A loaded graph. Any number of threads may call `run` at the same time.

    It computes with one thread of its own: as many callers as cores is 3 to 16 % faster than one
    caller whose session has that many threads.
    """

    def __init__(self, path: Path, provider: Provider = "auto") -> None:
        """Raises ModelError for an unreadable graph and for a provider that is not active."""
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        providers = _usable(provider)
        try:
            self._session = ort.InferenceSession(path, options, providers=providers)
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise ModelError(f"{path}: onnxruntime cannot load it: {error}") from error
        self.provider = self._session.get_providers()[0]
        if provider != "auto" and self.provider != _NAMES[provider]:
            raise ModelError(
                f"provider {provider!r} was asked for, but the session runs on {self.provider}; "
                "check the driver and that CUDA's libraries can be found, or set "
                "MODERATOR_PROVIDER=auto"
            )
        self.inputs: dict[str, tuple[int | str | None, ...]] = {
            node.name: tuple(node.shape) for node in self._session.get_inputs()
        }
        self.types: dict[str, str] = {  # of the inputs, as onnxruntime names them: "tensor(int64)"
            node.name: node.type for node in self._session.get_inputs()
        }
        self.outputs: tuple[str, ...] = tuple(node.name for node in self._session.get_outputs())

    def run(self, output: str, feeds: Mapping[str, NDArray[Any]]) -> NDArray[np.floating]:
        """One forward pass. Raises InferenceError."""
        try:
            (result,) = self._session.run([output], dict(feeds))
        except Exception as error:  # onnxruntime's own exceptions share no base class
            raise InferenceError(f"onnxruntime failed: {error}") from error
        array: NDArray[np.floating] = np.asarray(result)
        return array


def _usable(provider: Provider) -> list[str]:
    """The provider chain of a setting. Raises ModelError if onnxruntime was built without it."""
    available = ort.get_available_providers()
    if provider != "auto" and _NAMES[provider] not in available:
        raise ModelError(
            f"provider {provider!r} was asked for, but this onnxruntime has only "
            f"{', '.join(available)}; install moderator[gpu] in place of moderator[cpu]"
        )
    return [_NAMES[name] for name in _CHAINS[provider] if _NAMES[name] in available]
