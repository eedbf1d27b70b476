"""A folder is understood as published, or refused with the file and what to do."""

import json
import shutil
from pathlib import Path

import pytest

from moderator.encoders.load import load_space
from moderator.errors import ModelError
from tests.encoders.folders import Edit, copied, edit, refusal

HF, IMMICH = "tiny-clip", "tiny-clip-immich"


@pytest.fixture
def hf(shared: Path, tmp_path: Path) -> Path:
    return copied(shared / "fixtures" / HF, tmp_path / HF)


@pytest.fixture
def immich(shared: Path, tmp_path: Path) -> Path:
    return copied(shared / "fixtures" / IMMICH, tmp_path / IMMICH)


def test_a_folder_of_something_else_says_what_was_looked_for_and_what_is_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights/model.safetensors").touch()
    (tmp_path / "README.md").touch()
    message = refusal(tmp_path)
    for name in ("onnx/text_model.onnx", "textual/model.onnx", "onnx/model.onnx or model.onnx"):
        assert name in message
    assert message.endswith("it has README.md, weights/, weights/model.safetensors")


def test_an_empty_folder_has_nothing(tmp_path: Path) -> None:
    assert refusal(tmp_path).endswith("it has nothing")


@pytest.mark.parametrize(
    ("layout", "name"),
    [
        (HF, "config.json"),
        (HF, "tokenizer.json"),
        (HF, "preprocessor_config.json"),
        (IMMICH, "config.json"),
        (IMMICH, "textual/tokenizer.json"),
        (IMMICH, "visual/preprocess_cfg.json"),
    ],
)
def test_a_file_that_is_missing_or_broken_is_named(
    shared: Path, tmp_path: Path, layout: str, name: str
) -> None:
    folder = copied(shared / "fixtures" / layout, tmp_path / "m")
    for content in (b"{", b"[]", b"\xff"):
        (folder / name).write_bytes(content)
        assert refusal(folder).startswith(f"{folder / name}: not ")
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{folder / name}: cannot be read")


@pytest.mark.parametrize(
    ("layout", "name", "keys"),
    [
        (HF, "config.json", {"text_config": [1]}),
        (HF, "tokenizer_config.json", {"pad_token": 7, "model_max_length": "long"}),
        (HF, "tokenizer.json", {"added_tokens": 7}),
        (HF, "tokenizer.json", {"model": []}),
        (IMMICH, "config.json", {"text_cfg": {"context_length": "many"}}),
        (IMMICH, "config.json", {"text_cfg": None}),
        (IMMICH, "config.json", {"text_cfg": {"tokenizer_kwargs": "canonicalize"}}),
    ],
)
def test_values_of_another_kind_are_refused_or_passed_over(
    shared: Path, tmp_path: Path, layout: str, name: str, keys: dict[str, object]
) -> None:
    folder = copied(shared / "fixtures" / layout, tmp_path / "m")
    edit(folder / name, lambda config: config.update(keys))
    try:
        load_space(folder, "cpu")
    except ModelError as error:
        assert str(error).startswith(str(folder))  # noqa: PT017 - either is fine, a crash is not


@pytest.mark.parametrize("layout", [HF, IMMICH])
def test_without_its_text_graph_a_dual_encoder_is_refused(
    shared: Path, tmp_path: Path, layout: str
) -> None:
    folder = copied(shared / "fixtures" / layout, tmp_path / "m")
    for graph in [*folder.glob("onnx/text_model*"), *folder.glob("textual/model*")]:
        graph.unlink()
    assert "rules are texts, so fetch it too" in refusal(folder)


@pytest.mark.parametrize("layout", [HF, IMMICH])
def test_without_its_image_graph_it_reads_texts_alone(
    shared: Path, tmp_path: Path, layout: str
) -> None:
    folder = copied(shared / "fixtures" / layout, tmp_path / "m")
    for graph in [*folder.glob("onnx/vision_model*"), *folder.glob("visual/model*")]:
        graph.unlink()
    assert load_space(folder, "cpu").channels == ("text",)


def test_a_merged_graph_alone_is_refused_because_it_would_compute_both_towers(hf: Path) -> None:
    for graph in [*hf.glob("onnx/text_model*"), *hf.glob("onnx/vision_model*")]:
        graph.unlink()
    assert refusal(hf).startswith(f"{hf / 'onnx/model.onnx'}: computes both towers")


def test_a_variant_that_is_not_there_names_those_that_are(hf: Path, immich: Path) -> None:
    assert refusal(hf, "q4").endswith("those present: fp32, fp16, quantized")
    assert "no int8 variant of model.onnx" in refusal(immich, "int8")
    (hf / "onnx/vision_model_fp16.onnx").unlink()
    assert "no fp16 variant of vision_model.onnx" in refusal(hf, "fp16")


def test_auto_takes_what_there_is(hf: Path) -> None:
    exact = load_space(hf, "cpu").digest
    for name in ("text_model", "vision_model"):
        (hf / f"onnx/{name}.onnx").unlink()
    assert load_space(hf, "cpu").digest == load_space(hf, "cpu", "quantized").digest != exact


def test_encoders_of_two_spaces_are_refused(hf: Path, starter: Path) -> None:
    for name in ("onnx/vision_model.onnx", "preprocessor_config.json"):
        (hf / name).unlink()
        (hf / name).symlink_to((starter / name).resolve())
    assert "gives 32 dimensions, the image encoder 384" in refusal(hf)


def test_a_size_that_is_not_the_graphs_is_found_out(immich: Path) -> None:
    edit(immich / "visual/preprocess_cfg.json", lambda config: config.update(size=[96, 96]))
    message = refusal(immich)
    assert message.startswith(f"{immich / 'visual/model.onnx'}: a first try failed")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(do_resize=False),
        lambda c: c.update(crop_size={"height": 96, "width": 96}),
        lambda c: c.update(size={"shortest_edge": 64, "longest_edge": 96}),
        lambda c: c.update(do_center_crop=False),
        lambda c: c.update(image_std=[0.5]),
        lambda c: c.update(resample="best"),
    ],
)
def test_a_way_with_pixels_that_is_not_known_is_refused(hf: Path, change: Edit) -> None:
    edit(hf / "preprocessor_config.json", change)
    assert refusal(hf).startswith(f"{hf / 'preprocessor_config.json'}: not understood")


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(resize_mode="longest"),
        lambda c: c.update(size=[64, 96]),
        lambda c: c.update(interpolation="random"),
        lambda c: c.update(mean=0.5),
    ],
)
def test_a_way_of_open_clip_that_is_not_known_is_refused(immich: Path, change: Edit) -> None:
    edit(immich / "visual/preprocess_cfg.json", change)
    assert refusal(immich).startswith(f"{immich / 'visual/preprocess_cfg.json'}: not understood")


def test_the_name_of_the_folder_does_not_matter_but_as_a_name(hf: Path, shared: Path) -> None:
    space = load_space(shutil.copytree(hf, hf.with_name("siglip-immich"), symlinks=True), "cpu")
    assert space.name == "siglip-immich"
    assert space.digest == load_space(shared / "fixtures" / HF, "cpu").digest


def test_a_card_beside_published_files_overrides_them(hf: Path) -> None:
    plain = load_space(hf, "cpu")
    card = {"name": "ours", "neutral": ["Something."], "window_tokens": 32}
    (hf / "space.json").write_text(json.dumps(card))
    space = load_space(hf, "cpu")
    assert (space.name, space.neutral) == ("ours", ("Something.",))
    assert space.digest != plain.digest
    long = "a photo of a cat " * 20
    assert len(space.text.encode([long]).vectors) > len(plain.text.encode([long]).vectors)
