"""Check a folder's files against what the catalogue pins and what its checksums say."""

from pathlib import Path
from typing import NamedTuple

from moderator.errors import ModelError
from moderator.models.catalogue import Entry
from moderator.models.folder import SUMS, Damage, damaged, read_lock, read_sums


class Checked(NamedTuple):
    """How many files were checked, and which of them are not what they should be."""

    folder: Path
    files: int
    damages: tuple[Damage, ...]
    fix: str


def verify(folder: Path, entry: Entry | None) -> Checked:
    """Check every file. Raises ModelError where there is nothing to check against."""
    sums = read_sums(folder)
    if not sums:
        raise ModelError(f"{folder}: no {SUMS}, so there is nothing to check it against")
    if entry is not None:
        lock = read_lock(folder)
        # The catalogue pins one revision; sums of another one are the lock's.
        if lock is not None and lock.revision == entry.revision:
            sums |= {name: file.sha256 for name, file in entry.files.items() if file.sha256}
    return Checked(folder, len(sums), tuple(damaged(folder, sums)), _fix(entry))


def _fix(entry: Entry | None) -> str:
    if entry is None:
        return "copy or make the folder again"
    if entry.bundled:
        return "install the package again"
    return f"moderator models pull {entry.name} fetches only what is damaged"
