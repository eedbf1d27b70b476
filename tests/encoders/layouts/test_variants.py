"""Which graph of an encoder is taken."""

from pathlib import Path

import pytest

from moderator.encoders.layouts.variants import graph
from moderator.errors import ModelError


def folder_of(tmp_path: Path, *endings: str) -> Path:
    for ending in endings:
        (tmp_path / f"model{ending}.onnx").touch()
    return tmp_path / "model"


@pytest.mark.parametrize(
    ("endings", "variant", "gpu", "taken"),
    [
        (("", "_fp16", "_int8"), "auto", False, ""),
        (("", "_fp16", "_int8"), "auto", True, "_fp16"),
        (("", "_int8"), "auto", True, ""),
        (("_fp16", "_quantized"), "auto", False, "_quantized"),
        (("_fp16",), "auto", False, "_fp16"),
        (("", "_quantized", "_int8"), "int8", False, "_int8"),
        (("", "_quantized", "_int8"), "quantized", False, "_quantized"),
        (("", "_uint8"), "int8", False, "_uint8"),
        (("", "_q4f16"), "q4f16", False, "_q4f16"),
        (("", "_qint8_avx512"), "qint8_avx512", False, "_qint8_avx512"),
    ],
)
def test_a_variant_is_found_by_the_ending_of_its_name(
    tmp_path: Path, endings: tuple[str, ...], variant: str, *, gpu: bool, taken: str
) -> None:
    found = graph(folder_of(tmp_path, *endings), variant, gpu=gpu)
    assert found == tmp_path / f"model{taken}.onnx"


def test_an_encoder_that_is_not_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "models.onnx").touch()  # begins alike, and is another
    (tmp_path / "model.onnx_data").touch()
    assert graph(tmp_path / "model", "auto", gpu=False) is None
    assert graph(tmp_path / "nowhere" / "model", "auto", gpu=False) is None


@pytest.mark.parametrize("variant", ["fp16", "int8", "q4"])
def test_a_variant_that_is_not_there_names_those_that_are(tmp_path: Path, variant: str) -> None:
    with pytest.raises(
        ModelError, match=f"no {variant} variant of model.onnx.*present: fp32, bnb4"
    ):
        graph(folder_of(tmp_path, "", "_bnb4"), variant, gpu=False)
