"""SHA256SUMS over the files that a loader reads, as `sha256sum` writes it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LOADED = (
    "background.npz", "config.json", "onnx/text_model.onnx", "onnx/vision_model.onnx",
    "preprocessor_config.json", "space.json", "tokenizer.json",
)  # fmt: skip


def write_sums(folder: Path) -> None:
    """Write the digests of those files that exist, whole or not at all."""
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in LOADED
        if (folder / name).exists()
    ]
    partial = folder / "SHA256SUMS.partial"
    partial.write_text("".join(lines), encoding="utf-8")
    partial.replace(folder / "SHA256SUMS")
