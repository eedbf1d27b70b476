"""A folder in, a smaller one out, on the tiny models in every layout; or nothing at all."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from moderator.encoders.load import load_space
from moderator.encoders.onnx import Session
from moderator.errors import ModelError, StartupError
from moderator.models.folder import damaged, read_sums
from moderator.models.graph import read_graph
from moderator.models.optimize import run as module
from moderator.models.optimize.drift import drift, samples
from moderator.models.optimize.run import DriftError, Precision, optimize

FOLDERS = ["tiny-siglip", "tiny-clip-immich"]


@pytest.fixture
def source(shared: Path, tmp_path: Path) -> Path:
    """A tiny CLIP as published, with its variants."""
    return Path(shutil.copytree(shared / "fixtures/tiny-clip", tmp_path / "tiny-clip"))


def files(folder: Path) -> set[str]:
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


@pytest.mark.parametrize("name", FOLDERS)
@pytest.mark.parametrize(("precision", "stored"), [("int8", "int8"), ("fp16", "float16")])
def test_graphs_of_every_layout_get_smaller_and_drift_little(
    shared: Path, tmp_path: Path, name: str, precision: Precision, stored: str
) -> None:
    folder, target = shared / "fixtures" / name, tmp_path / "out"
    done = optimize(folder, target, precision, max_drift=0.001)
    assert len(done) == 2
    for one in done:
        assert read_graph(target / one.graph).precision == stored
        assert read_graph(target / one.graph).inputs == read_graph(folder / one.graph).inputs
        assert 0 <= one.drift.mean <= one.drift.worst <= 0.001
        assert one.drift.samples >= 25
    report = json.loads((target / "optimized.json").read_text())
    assert report["precision"] == precision
    assert report["batch_invariant"] == (precision == "fp16")
    assert set(report["graphs"]) == {one.graph for one in done}
    assert not list(damaged(target, read_sums(target)))
    assert set(read_sums(target)) == files(target) - {"SHA256SUMS"}


def test_a_fused_graph_has_fewer_operators(source: Path, tmp_path: Path) -> None:
    optimize(source, tmp_path / "out", "fp16", max_drift=0.001)
    before = read_graph(source / "onnx/vision_model.onnx").operators
    after = read_graph(tmp_path / "out/onnx/vision_model.onnx").operators
    assert after["SkipLayerNormalization"] > 0
    assert after["Attention"] + after["MultiHeadAttention"] > 0
    assert after["QuickGelu"] > 0
    assert after.total() < before.total()


def test_everything_but_graphs_is_as_it_was_and_variants_are_left_out(
    source: Path, tmp_path: Path
) -> None:
    optimize(source, tmp_path / "out", "int8", max_drift=0.01)
    out = tmp_path / "out"
    assert {name for name in files(out) if name.endswith(".onnx")} == {
        "onnx/text_model.onnx",
        "onnx/vision_model.onnx",
    }
    for name in ("config.json", "tokenizer.json", "preprocessor_config.json"):
        assert (out / name).read_bytes() == (source / name).read_bytes()


def test_too_much_drift_is_refused_and_nothing_is_left(source: Path, tmp_path: Path) -> None:
    with pytest.raises(DriftError, match=r"text_model.onnx: as int8 .* more than 1e-06; nothing"):
        optimize(source, tmp_path / "out", "int8", max_drift=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == ["tiny-clip"]


def test_published_unsigned_weights_are_signed_without_moving_a_bit(
    source: Path, tmp_path: Path
) -> None:
    published = source / "onnx/vision_model_quantized.onnx"
    for name in ("vision_model", "vision_model_fp16", "text_model", "text_model_fp16"):
        (source / f"onnx/{name}.onnx").unlink()
    optimize(source, tmp_path / "out", "int8", max_drift=1e-12)
    signed = tmp_path / "out/onnx/vision_model_quantized.onnx"
    assert (read_graph(published).precision, read_graph(signed).precision) == ("uint8", "int8")
    one, other = Session(published, "cpu"), Session(signed, "cpu")
    for feeds in samples(read_graph(published), source):
        np.testing.assert_array_equal(
            one.run("image_embeds", feeds), other.run("image_embeds", feeds)
        )


def test_the_starter_optimised_loads_like_the_one_that_went_in(
    starter: Path, tmp_path: Path
) -> None:
    optimize(starter, tmp_path / "out", "int8", max_drift=0.01)
    before, after = load_space(starter), load_space(tmp_path / "out")
    assert before.channels == after.channels
    assert before.digest != after.digest
    a, b = (space.text.encode(["We planted tomatoes."]).vectors[0] for space in (before, after))
    assert float(a @ b) > 0.999
    assert json.loads((tmp_path / "out/space.json").read_text())["batch_invariant"] is False
    assert not (tmp_path / "out/train").exists() or "train" not in files(tmp_path / "out")


def test_half_precision_is_not_made_from_int8(starter: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"text_model.onnx: is int8 already; fp16 is made from"):
        optimize(starter, tmp_path / "out", "fp16", max_drift=1)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_never_written_to(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(ModelError, match="out: exists; name a new folder with --to"):
        optimize(source, tmp_path / "out", "int8", max_drift=1)


def test_a_folder_without_graphs_says_what_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no graphs found, such as onnx/text_model.onnx"):
        optimize(tmp_path, tmp_path.with_name("out"), "int8", max_drift=1)


def test_a_merged_graph_is_refused_in_words(source: Path, tmp_path: Path) -> None:
    for path in (source / "onnx").glob("*_model*.onnx"):
        path.unlink()
    with pytest.raises(ModelError, match="one of texts or of images is needed"):
        optimize(source, tmp_path / "out", "int8", max_drift=1)


def test_a_graph_that_is_damaged_is_named(source: Path, tmp_path: Path) -> None:
    (source / "onnx/text_model.onnx").write_bytes(b"\x08\x07")
    with pytest.raises(ModelError, match=r"text_model.onnx: not an ONNX graph: it has no graph"):
        optimize(source, tmp_path / "out", "int8", max_drift=1)


def test_without_the_extra_its_name_is_said(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "onnx" else name)
    with pytest.raises(StartupError, match=r"`optimize` needs onnx: .*'\.\[optimize,cpu\]'"):
        optimize(source, tmp_path / "out", "int8", max_drift=1)


def test_drift_sees_a_graph_whose_weights_moved(source: Path, tmp_path: Path) -> None:
    graph = source / "onnx/vision_model.onnx"
    model = onnx.load(graph)
    rng = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        if len(tensor.dims) == 2:
            values = numpy_helper.to_array(tensor)
            noisy = values + rng.standard_normal(values.shape).astype(np.float32) * 0.3
            tensor.CopyFrom(numpy_helper.from_array(noisy.astype(values.dtype), tensor.name))
    onnx.save(model, tmp_path / "noisy.onnx")
    assert drift(graph, tmp_path / "noisy.onnx", source).worst > 0.05
    assert drift(graph, graph, source).worst < 1e-12


def test_samples_are_the_same_every_time(source: Path) -> None:
    info = read_graph(source / "onnx/text_model.onnx")
    digests = [
        hashlib.sha256(b"".join(feeds["input_ids"].tobytes() for feeds in samples(info, source)))
        for _ in range(2)
    ]
    assert digests[0].hexdigest() == digests[1].hexdigest()
