"""Where graphs run: chains of providers, their options, and why one that was asked for does not."""

import contextlib
import ctypes
import io
import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import onnxruntime as ort

from moderator.encoders.onnx.shapes import BUCKETS, EXACT, Shapes
from moderator.errors import ModelError

Provider = Literal["auto", "cpu", "openvino", "cuda", "cuda-graphs", "tensorrt"]
Options = list[tuple[str, dict[str, str]]]

log = logging.getLogger(__name__)

_CPU, _OPENVINO = "CPUExecutionProvider", "OpenVINOExecutionProvider"
_CUDA, _TENSORRT = "CUDAExecutionProvider", "TensorrtExecutionProvider"
_CHAINS: Final[Mapping[Provider, tuple[str, ...]]] = {
    "auto": (_CUDA, _CPU),
    "cpu": (_CPU,),
    "openvino": (_OPENVINO, _CPU),
    "cuda": (_CUDA, _CPU),
    "cuda-graphs": (_CUDA, _CPU),
    "tensorrt": (_TENSORRT, _CUDA, _CPU),
}
_EXTRAS: Final = {_OPENVINO: "openvino", _CUDA: "gpu", _TENSORRT: "gpu"}
_LIBRARIES: Final = {
    _OPENVINO: "libonnxruntime_providers_openvino.so",
    _CUDA: "libonnxruntime_providers_cuda.so",
    _TENSORRT: "libonnxruntime_providers_tensorrt.so",
}
_SILENT: Final = 4  # onnxruntime's severity of what is fatal
_WARNINGS: Final = 2  # and its default


class Active(NamedTuple):
    """What a session runs on, and so how it wants to be fed."""

    name: str
    device: str  # where its inputs and outputs lie, in onnxruntime's words
    shapes: Shapes


def active(name: str) -> Active:
    """Look a provider up by onnxruntime's name of it."""
    on_gpu = name in (_CUDA, _TENSORRT)
    return Active(name, "cuda" if on_gpu else "cpu", BUCKETS if on_gpu else EXACT)


def chain(provider: Provider, graph: Path) -> Options:
    """The providers of a setting with their options, best first.

    Raises ModelError if this onnxruntime was built without the one that was asked for.
    """
    available = ort.get_available_providers()
    wanted = _CHAINS[provider]
    if provider != "auto" and wanted[0] not in available:
        raise ModelError(
            f"provider {provider!r} was asked for, but this onnxruntime has only "
            f"{', '.join(available)}; install moderator[{_EXTRAS[wanted[0]]}] in place of "
            "moderator[cpu]"
        )
    return [(name, _options(name, provider, graph)) for name in wanted if name in available]


def check_active(provider: Provider, name: str) -> None:
    """Raise ModelError unless `name`, which a session runs on, is the provider asked for."""
    wanted = _CHAINS[provider][0]
    if name == wanted:
        return
    why = missing_library(wanted) or "onnxruntime does not say why; check the driver"
    if provider != "auto":
        raise ModelError(
            f"provider {provider!r} was asked for, and cannot be used: {why}. CUDA and cuDNN come "
            "with `pip install 'onnxruntime-gpu[cuda,cudnn]'`; TensorRT's folder must be on "
            "LD_LIBRARY_PATH. Or set MODERATOR_PROVIDER=auto"
        )
    if wanted in ort.get_available_providers():
        log.warning("going on without a GPU: %s", why)


def missing_library(name: str) -> str | None:
    """Why a provider's library cannot be loaded, in the words of the system's linker.

    onnxruntime writes this to the standard error of the process, and goes on without the provider.
    """
    library = _LIBRARIES.get(name)
    if library is None:
        return None
    folder = Path(ort.__file__).parent / "capi"
    try:
        ctypes.CDLL(str(folder / "libonnxruntime_providers_shared.so"), ctypes.RTLD_GLOBAL)
        ctypes.CDLL(str(folder / library))
    except OSError as error:
        return str(error)
    return None


@contextlib.contextmanager
def quiet(options: Options) -> Iterator[None]:
    """Find NVIDIA's libraries where pip puts them, and keep onnxruntime's own lines to itself.

    It prints on standard output, where commands of ours write verdicts.
    """
    ort.set_default_logger_severity(_SILENT)
    try:
        if any(name in (_CUDA, _TENSORRT) for name, _ in options):
            with contextlib.redirect_stdout(io.StringIO()):
                ort.preload_dlls()
        yield
    finally:
        ort.set_default_logger_severity(_WARNINGS)


def _options(name: str, provider: Provider, graph: Path) -> dict[str, str]:
    options: dict[str, Any] = {}
    if name == _OPENVINO:
        options = {"device_type": "CPU"}
    if name == _CUDA:
        options = {
            "arena_extend_strategy": "kSameAsRequested",  # doubling keeps memory nobody uses
            "cudnn_conv_algo_search": "HEURISTIC",  # an exhaustive search is made for each shape
            "use_tf32": 0,  # who wants to be faster than fp32 takes an fp16 graph, knowingly
            "enable_cuda_graph": int(provider == "cuda-graphs"),
        }
    if name == _TENSORRT:
        options = {
            "trt_engine_cache_enable": 1,  # an engine takes minutes to build
            "trt_engine_cache_path": _engines(),
            "trt_timing_cache_enable": 1,
            "trt_timing_cache_path": _engines(),
            "trt_fp16_enable": int("fp16" in graph.stem),
        }
    return {key: str(value) for key, value in options.items()}


def _engines() -> str:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return str(Path(cache) / "moderator" / "tensorrt")
