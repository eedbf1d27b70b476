"""Folders of models to be altered: graphs are linked, everything else is copied."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from moderator.encoders.load import load_space
from moderator.errors import ModelError

Edit = Callable[[dict[str, Any]], object]


def copied(folder: Path, to: Path) -> Path:
    for path in sorted(folder.rglob("*")):
        copy = to / path.relative_to(folder)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif path.suffix == ".onnx":
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.symlink_to(path.resolve())
        else:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    return to


def edit(path: Path, change: Edit) -> None:
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def refusal(folder: Path, variant: str = "auto") -> str:
    with pytest.raises(ModelError) as caught:
        load_space(folder, "cpu", variant)
    return str(caught.value)
