"""Exporting, as far as it goes without torch, which no test environment has room for."""

import importlib.util
from pathlib import Path

import pytest

from moderator.errors import ModelError, StartupError
from moderator.models.export import run as module
from moderator.models.export.run import export


def without(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        module, "find_spec", lambda name: None if name in names else (real(name) or name)
    )


@pytest.mark.parametrize(
    ("checkpoint", "library"),
    [("some/checkpoint", "transformers"), ("open_clip:ViT-B-32/openai", "open_clip")],
)
def test_without_the_extra_its_name_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, checkpoint: str, library: str
) -> None:
    without(monkeypatch, "torch", "transformers", "open_clip")
    with pytest.raises(StartupError, match=rf"needs {library}, torch: .*'\.\[export,cpu\]'"):
        export(checkpoint, tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_there_is_never_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch)
    monkeypatch.setattr(module, "find_spec", lambda name: name)
    with pytest.raises(ModelError, match="exists; name a new folder"):
        export("some/checkpoint", tmp_path)
