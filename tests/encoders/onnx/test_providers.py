"""Which provider runs, and what is said when it is not the one that was asked for."""

from pathlib import Path

import pytest

from moderator.encoders.onnx import Provider, Session
from moderator.encoders.onnx.providers import active, chain, check_active, missing_library
from moderator.encoders.onnx.shapes import BUCKETS, EXACT
from moderator.errors import ModelError

GRAPH = Path("vision_model.onnx")
CPU, CUDA, TENSORRT = (
    "CPUExecutionProvider",
    "CUDAExecutionProvider",
    "TensorrtExecutionProvider",
)


@pytest.fixture
def with_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """An onnxruntime as the extra `gpu` installs it."""
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [TENSORRT, CUDA, CPU])


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("auto", [CUDA, CPU]),
        ("cpu", [CPU]),
        ("cuda", [CUDA, CPU]),
        ("cuda-graphs", [CUDA, CPU]),
        ("tensorrt", [TENSORRT, CUDA, CPU]),
    ],
)
@pytest.mark.usefixtures("with_gpu")
def test_a_provider_brings_those_to_fall_back_on(provider: Provider, expected: list[str]) -> None:
    assert [name for name, _ in chain(provider, GRAPH)] == expected


@pytest.mark.usefixtures("with_gpu")
def test_cuda_graphs_and_half_precision_are_options_of_their_providers() -> None:
    graphs = [dict(chain(name, GRAPH))[CUDA]["enable_cuda_graph"] for name in CUDA_PROVIDERS]
    assert graphs == ["0", "1"]
    half = [
        dict(chain("tensorrt", Path(name)))[TENSORRT]["trt_fp16_enable"]
        for name in ("vision_model.onnx", "vision_model_fp16.onnx")
    ]
    assert half == ["0", "1"]


CUDA_PROVIDERS: tuple[Provider, ...] = ("cuda", "cuda-graphs")


@pytest.mark.parametrize(
    ("provider", "extra"), [("cuda", "gpu"), ("tensorrt", "gpu"), ("openvino", "openvino")]
)
def test_a_provider_that_is_not_built_in_names_the_extra(
    provider: Provider, extra: str, monkeypatch: pytest.MonkeyPatch, starter: Path
) -> None:
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [CPU])
    with pytest.raises(ModelError, match=rf"has only {CPU}; install moderator\[{extra}\]"):
        Session(starter / "onnx/vision_model.onnx", provider)


def test_a_provider_that_is_not_active_names_the_library_that_is_missing() -> None:
    with pytest.raises(ModelError, match=r"'cuda'.*\.so.*: cannot open shared object"):
        check_active("cuda", CPU)
    with pytest.raises(ModelError, match=r"'tensorrt'.*\.so.*: cannot open shared"):
        check_active("tensorrt", CUDA)


def test_the_provider_that_was_asked_for_is_fine_and_so_is_any_for_auto() -> None:
    check_active("auto", CPU)
    check_active("cuda-graphs", CUDA)
    assert missing_library(CPU) is None


def test_only_gpus_are_given_buckets() -> None:
    assert [active(name).shapes for name in (CPU, CUDA, TENSORRT)] == [EXACT, BUCKETS, BUCKETS]


@pytest.mark.usefixtures("with_gpu")
def test_auto_goes_on_without_a_gpu_that_does_not_work(
    starter: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    session = Session(starter / "onnx/vision_model.onnx", "auto")
    assert session.provider == CPU
    assert capfd.readouterr() == ("", "")  # standard output is for verdicts
    assert "without a GPU" in caplog.text
