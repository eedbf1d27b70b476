"""Sentences kept in a text file: `[side subject]`, then one a line, which may hold slots of words.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def read_sections(path: Path) -> dict[str, dict[str, tuple[str, ...]]]:
    """Side -> subject -> sentences, in the order of the file."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for section in path.read_text(encoding="utf-8").split("[")[1:]:
        title, _, body = section.partition("]")
        side, _, subject = title.partition(" ")
        found.setdefault(side, {})[subject] = tuple(body.strip().splitlines())
    return found
