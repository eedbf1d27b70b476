"""Checking a folder against its checksums and the catalogue."""

import shutil
from pathlib import Path

import pytest

from moderator.errors import ModelError
from moderator.models.catalogue import find
from moderator.models.folder import Lock, sha256, write_lock, write_sums
from moderator.models.verify import verify
from tests.models.conftest import an_entry


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as `pull` leaves it."""
    (tmp_path / "config.json").write_bytes(b"{}")
    (tmp_path / "model.onnx").write_bytes(b"weights")
    names = ("config.json", "model.onnx")
    write_sums(tmp_path, {name: sha256(tmp_path / name) for name in names})
    lock = Lock(model="tiny", repository="someone/tiny", revision="1" * 40, pinned_by="test")
    write_lock(tmp_path, lock)
    return tmp_path


def test_a_whole_folder_has_no_damage(folder: Path) -> None:
    checked = verify(folder, an_entry())
    assert (checked.files, checked.damages) == (2, ())


def test_the_starter_is_whole(starter: Path) -> None:
    checked = verify(starter, find("starter"))
    assert checked.files == 7
    assert not checked.damages


def test_altered_and_missing_files_are_named_with_both_digests(folder: Path) -> None:
    before = sha256(folder / "config.json")
    (folder / "config.json").write_bytes(b"{ }")
    (folder / "model.onnx").unlink()
    altered, missing = verify(folder, an_entry()).damages
    assert altered.file == "config.json"
    assert str(altered) == f"sha256 is {sha256(folder / 'config.json')}, expected {before}"
    assert missing.file == "model.onnx"
    assert str(missing).startswith("missing, expected sha256 ")


def test_checksums_that_were_altered_with_the_file_do_not_fool_the_catalogue(folder: Path) -> None:
    entry = an_entry(files={"model.onnx": {"sha256": sha256(folder / "model.onnx")}})
    (folder / "model.onnx").write_bytes(b"other weights")
    write_sums(folder, {"model.onnx": sha256(folder / "model.onnx")})
    [damage] = verify(folder, entry).damages
    assert damage.expected == entry.files["model.onnx"].sha256


def test_the_catalogue_does_not_speak_of_another_revision(folder: Path) -> None:
    entry = an_entry(revision="2" * 40, files={"model.onnx": {"sha256": "0" * 64}})
    assert not verify(folder, entry).damages


def test_the_fix_fits_where_the_folder_came_from(folder: Path, starter: Path) -> None:
    assert "moderator models pull tiny" in verify(folder, an_entry()).fix
    assert "install the package again" in verify(starter, find("starter")).fix
    assert "again" in verify(folder, None).fix


def test_a_folder_without_checksums_cannot_be_checked(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no SHA256SUMS"):
        verify(tmp_path, None)


@pytest.mark.parametrize("line", ["abc  file", "0" * 64 + " file", "0" * 64 + "  ../../etc/passwd"])
def test_checksums_that_are_none_are_an_error_with_the_line(tmp_path: Path, line: str) -> None:
    (tmp_path / "SHA256SUMS").write_text(f"{'0' * 64}  good\n{line}\n")
    with pytest.raises(ModelError, match="SHA256SUMS:2: not `sha256  file`"):
        verify(tmp_path, None)


def test_a_lock_that_is_not_understood_is_an_error(folder: Path) -> None:
    (folder / "moderator.lock.yaml").write_text("model: [")
    with pytest.raises(ModelError, match=r"moderator.lock.yaml: not understood"):
        verify(folder, an_entry())


def test_a_copy_of_a_folder_verifies_as_well(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("copy"))
    assert not verify(copy, None).damages
