"""A folder of models is loaded whole and unaltered, or refused with what to do."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest

from moderator.encoders.load import load_space, verify
from moderator.encoders.onnx import Provider
from moderator.errors import ModelError
from tests.encoders.folders import Edit, refusal
from tests.encoders.folders import edit as edit_file


@pytest.fixture
def folder(starter: Path, tmp_path: Path) -> Path:
    """The starter models, to be altered; graphs are linked, not copied."""
    copy = tmp_path / "models"
    (copy / "onnx").mkdir(parents=True)
    for line in (starter / "SHA256SUMS").read_text().splitlines():
        name = line.partition("  ")[2]
        if name.startswith("onnx/"):
            (copy / name).symlink_to((starter / name).resolve())
        else:
            shutil.copy(starter / name, copy / name)
    shutil.copy(starter / "SHA256SUMS", copy)
    return copy


def sign(folder: Path) -> None:
    """Write SHA256SUMS anew, as a publisher of models does."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in files
        if path.name != "SHA256SUMS"
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))


def edit(folder: Path, name: str, change: Edit) -> None:
    """Alter a JSON file and sign the folder."""
    edit_file(folder / name, change)
    sign(folder)


def test_the_models_that_ship_with_the_package_load(starter: Path) -> None:
    space = load_space(starter)
    assert (space.name, space.dimensions, space.channels) == ("starter", 384, ("text", "image"))
    assert len(space.digest) == 32
    for name in space.channels:
        background = space.calibration[name].background
        assert background.shape[1] == 384
        assert np.linalg.norm(background, axis=1) == pytest.approx(1, abs=1e-2)
    assert space.neutral
    assert space.image is not None
    assert space.image.side == 128


def test_the_digest_names_the_content_of_the_folder(starter: Path, folder: Path) -> None:
    assert verify(folder).digest == verify(starter).digest
    edit(folder, "space.json", lambda card: card.update(neutral=["Something else."]))
    assert verify(folder).digest != verify(starter).digest


def test_a_space_without_a_vision_graph_reads_texts_alone(folder: Path) -> None:
    (folder / "onnx/vision_model.onnx").unlink()
    sign(folder)
    assert load_space(folder).channels == ("text",)


def test_a_folder_that_is_not_there_is_named_with_the_setting(tmp_path: Path) -> None:
    message = refusal(tmp_path / "nowhere")
    assert message.startswith(f"{tmp_path / 'nowhere'}: no such folder")
    assert "MODERATOR_MODELS" in message


def test_a_folder_without_sums_is_refused(folder: Path) -> None:
    (folder / "SHA256SUMS").unlink()
    assert refusal(folder) == f"{folder / 'SHA256SUMS'}: cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["tokenizer.json", "onnx/text_model.onnx", "background.npz"])
def test_a_file_that_is_missing_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert refusal(folder).startswith(f"{folder / name}: cannot be read")


@pytest.mark.parametrize("name", ["tokenizer.json", "space.json", "preprocessor_config.json"])
def test_a_file_that_was_altered_is_named(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    message = refusal(folder)
    assert message.startswith(f"{folder / name}: sha256 is ")
    assert "fetch it again" in message


@pytest.mark.parametrize("name", ["onnx/text_model.onnx", "tokenizer.json", "space.json"])
def test_a_file_that_the_sums_leave_out_is_not_trusted(folder: Path, name: str) -> None:
    sums = folder / "SHA256SUMS"
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(line for line in lines if not line.endswith(f"  {name}\n")))
    assert refusal(folder).startswith(f"{sums}: does not list {name}, so nothing says")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda card: card.update(dimensions=0), "dimensions"),
        (lambda card: card.update(neutral=[]), "neutral"),
        (lambda card: card["calibration"]["text"].update(slope=-1), "slope"),
        (lambda card: card.update(background="other.npz"), "other.npz"),
        (lambda card: card["calibration"].pop("image"), "image"),
        (lambda card: card["calibration"].update(ocr={"slope": 1, "intercept": 0}), "ocr"),
        (lambda card: card.update(dimensions=128), "128"),
    ],
)
def test_a_broken_card_is_refused_with_what_is_wrong(folder: Path, change: Edit, said: str) -> None:
    edit(folder, "space.json", change)
    assert said in refusal(folder)


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b""])
def test_a_card_that_is_no_object_is_refused(folder: Path, content: bytes) -> None:
    (folder / "space.json").write_bytes(content)
    sign(folder)
    assert refusal(folder).startswith(f"{folder / 'space.json'}: not ")


@pytest.mark.parametrize(
    "change",
    [
        lambda config: config.pop("size"),
        lambda config: config.update(size={"height": 64}),
        lambda config: config.update(image_mean=None),
        lambda config: config.update(resample=99),
    ],
)
def test_a_preprocessing_that_is_not_understood_is_refused(folder: Path, change: Edit) -> None:
    edit(folder, "preprocessor_config.json", change)
    assert refusal(folder).startswith(f"{folder / 'preprocessor_config.json'}: not understood")


def test_a_background_that_is_no_sample_is_refused(folder: Path) -> None:
    (folder / "background.npz").write_bytes(b"PK but not really")
    sign(folder)
    assert refusal(folder).startswith(f"{folder / 'background.npz'}: not a background sample")


@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_a_gpu_that_is_asked_for_and_not_there_is_an_error(
    starter: Path, provider: Provider
) -> None:
    with pytest.raises(ModelError) as caught:
        load_space(starter, provider)
    message = str(caught.value)
    assert message.startswith(f"provider {provider!r} was asked for, but ")
    assert "moderator[gpu]" in message or "check the driver" in message


def test_a_background_with_nan_is_refused_because_no_rule_would_ever_fire(folder: Path) -> None:
    rows = np.full((4, 384), np.nan, np.float16)
    np.savez(folder / "background.npz", text=rows, image=rows)
    sign(folder)
    assert "NaN or infinity" in refusal(folder)
