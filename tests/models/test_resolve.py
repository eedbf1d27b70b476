"""A name or a folder to a folder."""

from pathlib import Path

import pytest

from moderator.errors import ModelError
from moderator.models.folder import write_sums
from moderator.models.resolve import resolve_models
from moderator.settings import bundled


def test_a_folder_is_taken_as_it_is(tmp_path: Path) -> None:
    assert resolve_models(tmp_path, tmp_path) == tmp_path
    missing = tmp_path / "missing"
    assert resolve_models(missing, tmp_path) == missing  # the loader says that it is not there


def test_a_model_of_the_package_is_always_here(tmp_path: Path) -> None:
    assert resolve_models(Path("starter"), tmp_path) == bundled("models/starter")


def test_a_pulled_model_is_found_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "clip-vit-b32").mkdir()
    write_sums(tmp_path / "clip-vit-b32", {"config.json": "0" * 64})
    assert resolve_models(Path("clip-vit-b32"), tmp_path) == tmp_path / "clip-vit-b32"


def test_a_folder_of_that_name_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "clip-vit-b32").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve_models(Path("clip-vit-b32"), tmp_path / "home") == Path("clip-vit-b32")


def test_a_model_that_is_not_pulled_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"not pulled yet: moderator models pull clip-vit-b32$"):
        resolve_models(Path("clip-vit-b32"), tmp_path)


def test_half_a_folder_does_not_count_as_pulled(tmp_path: Path) -> None:
    (tmp_path / "clip-vit-b32").mkdir()
    with pytest.raises(ModelError, match="not pulled yet"):
        resolve_models(Path("clip-vit-b32"), tmp_path)


def test_a_name_nobody_knows_gets_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(
        ModelError, match=r"no such folder of models, and no name .*mean siglip-b16"
    ):
        resolve_models(Path("siglip-b61"), tmp_path)
