"""What a graph says of itself, held against the graphs that others made."""

from pathlib import Path

import pytest

from moderator.errors import ModelError
from moderator.models.graph import Port, read_graph

EXPORTS = ["tiny-clip", "tiny-siglip"]


def test_the_starter_is_read(starter: Path) -> None:
    info = read_graph(starter / "onnx/text_model.onnx")
    assert info.opset == 17
    assert info.producer == "moderator-starter"
    assert info.inputs == (
        Port("input_ids", "int64", ("batch", "tokens")),
        Port("attention_mask", "int64", ("batch", "tokens")),
    )
    assert info.outputs == (Port("text_embeds", "float32", ("batch", 384)),)
    assert info.operators["QGemm"] == 27
    assert info.precision == "int8"


@pytest.mark.parametrize("name", EXPORTS)
@pytest.mark.parametrize(
    ("variant", "precision"), [("", "float32"), ("_fp16", "float16"), ("_quantized", "uint8")]
)
def test_precisions_of_published_variants_are_told_apart(
    shared: Path, name: str, variant: str, precision: str
) -> None:
    graph = shared / f"fixtures/{name}/onnx/vision_model{variant}.onnx"
    assert read_graph(graph).precision == precision


def test_fixed_axes_are_numbers(shared: Path) -> None:
    [port] = read_graph(shared / "fixtures/tiny-clip-immich/textual/model.onnx").inputs
    assert port == Port("text", "int32", (1, 77))


@pytest.mark.parametrize("cut", [0, 1, 1000, -1])
def test_a_file_that_is_cut_short_is_an_error_that_names_it(
    starter: Path, tmp_path: Path, cut: int
) -> None:
    path = tmp_path / "cut.onnx"
    path.write_bytes((starter / "onnx/vision_model.onnx").read_bytes()[:cut])
    with pytest.raises(ModelError, match=r"cut.onnx: not an ONNX graph"):
        read_graph(path)


def test_what_is_no_graph_is_an_error_that_names_it(starter: Path, tmp_path: Path) -> None:
    for path in (starter / "README.md", starter / "config.json", tmp_path / "missing.onnx"):
        with pytest.raises(ModelError, match=path.name):
            read_graph(path)
