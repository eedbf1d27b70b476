"""What `--models` says, a folder or a name of the catalogue, to a folder."""

from pathlib import Path

from moderator.errors import ModelError
from moderator.models.catalogue import Entry, find, load_catalogue, suggest
from moderator.models.folder import SUMS
from moderator.settings import bundled


def resolve_models(given: Path, home: Path) -> Path:
    """The folder of a model. A folder that exists wins over a name of the catalogue.

    Raises ModelError for a model that was not pulled yet and for names nobody knows.
    """
    if given.is_dir() or len(given.parts) != 1:
        return given
    entries = load_catalogue()
    if (entry := entries.get(given.name)) is None:
        raise ModelError(
            f"{given}: no such folder of models, and no name of the catalogue"
            f"{suggest(given.name, entries)}"
        )
    folder = folder_of(entry, home)
    if not (folder / SUMS).exists():
        raise ModelError(f"{entry.name} is not pulled yet: moderator models pull {entry.name}")
    return folder


def folder_of(entry: Entry, home: Path) -> Path:
    """Where a model of the catalogue is, or will be once it is pulled."""
    return bundled(entry.bundled) if entry.bundled else home / entry.name


def named_or_folder(given: str, home: Path) -> tuple[Entry | None, Path]:
    """What NAME|DIR means to the commands: its entry, if it has one, and its folder.

    Raises ModelError as `resolve_models` does.
    """
    folder = resolve_models(Path(given), home)
    if Path(given).is_dir() or len(Path(given).parts) != 1:
        return None, folder
    return find(given), folder
