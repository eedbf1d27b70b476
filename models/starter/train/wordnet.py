"""Example sentences of WordNet 3.0 (Princeton's licence; Debian's package wordnet-base): plain English."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = ("data.noun", "data.verb", "data.adj", "data.adv")
LEAST_WORDS = 4


def examples(folder: Path) -> list[str]:
    """What stands in quotation marks after a definition, in the order of the files."""
    found = []
    for name in FILES:
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            _, _, gloss = line.partition(" | ")
            found += [text for text in re.findall(r'"([^"]+)"', gloss) if len(text.split()) >= LEAST_WORDS]
    return found
