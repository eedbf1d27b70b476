"""Fetch a model of the catalogue: staged beside its folder, checked, then moved into place.

What is in the folder is complete and checked at every moment; an interrupted pull leaves a hidden
folder beside it, which the next one goes on with.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from moderator.errors import ModelError
from moderator.models.catalogue import Entry
from moderator.models.folder import (
    CARD,
    Lock,
    damaged,
    read_lock,
    read_sums,
    sha256,
    write_lock,
    write_sums,
)
from moderator.models.hub import Hub, Remote, Snapshot


class Pulled(NamedTuple):
    """Where a model is now, and what it took."""

    folder: Path
    lock: Lock
    fetched_bytes: int  # 0: it was there already


def pull(entry: Entry, hub: Hub, folder: Path, revision: str | None = None) -> Pulled:
    """Bring `folder` to the revision asked for, else the catalogue's, else the one it holds to.

    Raises ModelError, TransientError; `folder` is then as it was before.
    """
    if entry.repository is None:
        raise ModelError(f"{entry.name} comes with the package: there is nothing to pull")
    held = _held(entry, folder)
    wanted = revision or entry.revision or (held.revision if held else None)
    if held and held.revision == wanted and _intact(entry, folder):
        return Pulled(folder, held, 0)
    if hub.offline:
        raise ModelError(
            f"{entry.name} is not in {folder}, and HF_HUB_OFFLINE is set: unset it, or copy the "
            "folder from a machine that has it"
        )
    snapshot = hub.snapshot(entry.repository, wanted)
    lock = Lock(
        model=entry.name,
        repository=entry.repository,
        revision=snapshot.revision,
        pinned_by=_who_pinned(entry, revision),
        licence=entry.licence.name,
    )
    if held and held.revision == lock.revision and _intact(entry, folder):
        return Pulled(folder, held, 0)
    remotes = _expected(entry, snapshot)
    staging = folder.with_name(f".{folder.name}.partial")
    try:
        fetched = _stage(hub, remotes, lock, folder, staging)
        _seal(entry, remotes, lock, staging)
        _move_into_place(staging, folder)
    except OSError as error:
        raise ModelError(
            f"{error.filename or staging}: {error.strerror or error}; choose another place with "
            "--to or MODERATOR_MODELS_HOME"
        ) from error
    return Pulled(folder, lock, fetched)


def _held(entry: Entry, folder: Path) -> Lock | None:
    """What was pulled into the folder before. Raises ModelError if it is somebody else's."""
    held = read_lock(folder) if folder.exists() else None
    if held is None and folder.is_dir() and any(folder.iterdir()):
        raise ModelError(f"{folder}: not empty, and not made by `pull`; choose another with --to")
    if held is not None and held.repository != entry.repository:
        raise ModelError(f"{folder}: holds {held.repository}; choose another with --to")
    return held


def _intact(entry: Entry, folder: Path) -> bool:
    sums = read_sums(folder)
    if not entry.files.keys() <= sums.keys() or any(damaged(folder, sums)):
        return False
    card = folder / CARD
    return (card.read_text("utf-8") if card.exists() else "") == _card(entry)


def _card(entry: Entry) -> str:
    """What `space.json` says of a model; nothing where there is none."""
    return json.dumps(entry.space, indent=2) + "\n" if entry.space else ""


def _who_pinned(entry: Entry, revision: str | None) -> str:
    if revision is not None:
        return "--revision"
    return "the catalogue" if entry.revision else "the hub, on the first pull"


def _expected(entry: Entry, snapshot: Snapshot) -> dict[str, Remote]:
    """What every file must be: what the catalogue pins, else what the hub states."""
    if missing := [name for name in entry.files if name not in snapshot.files]:
        raise ModelError(
            f"{entry.repository} at {snapshot.revision} has no {', '.join(missing)}; "
            "the catalogue may be of another time: give --revision"
        )
    remotes = {}
    for name, known in entry.files.items():
        remote = snapshot.files[name]
        if known.sha256 is not None and snapshot.revision == entry.revision:
            if remote.sha256 not in (None, known.sha256):
                raise ModelError(
                    f"{name} of {entry.repository}: the hub states sha256 {remote.sha256}, the "
                    f"catalogue pins {known.sha256}; nothing was fetched: do not trust this source"
                )
            remote = remote._replace(sha256=known.sha256)
        if remote.sha256 is None and remote.blob is None:
            raise ModelError(f"{name} of {entry.repository}: the hub states no checksum for it")
        remotes[name] = remote
    return remotes


def _stage(
    hub: Hub,
    remotes: Mapping[str, Remote],
    lock: Lock,
    folder: Path,
    staging: Path,
) -> int:
    """Gather every file, checked; the bytes fetched."""
    staging.mkdir(parents=True, exist_ok=True)
    absent = [n for n, remote in remotes.items() if not _have(n, remote, folder, staging)]
    _make_sure_of_room(staging, sum(remotes[name].bytes for name in absent))
    for name in absent:
        path = hub.download(lock.repository, lock.revision, name, staging)
        if wrong := remotes[name].differs(path):
            path.unlink()
            raise ModelError(
                f"{name} of {lock.repository} at {lock.revision}: {wrong}; what came was deleted: "
                "pull again, and if it happens again do not trust this source"
            )
    return sum(remotes[name].bytes for name in absent)


def _seal(entry: Entry, remotes: Mapping[str, Remote], lock: Lock, staging: Path) -> None:
    """Write beside the checked files what says so, and take away what is not of this model."""
    for path in staging.rglob("*"):
        if path.is_file() and path.relative_to(staging).as_posix() not in remotes:
            path.unlink()
    shutil.rmtree(staging / ".cache", ignore_errors=True)  # huggingface_hub's own notes
    sums = {name: remote.sha256 or sha256(staging / name) for name, remote in remotes.items()}
    if card := _card(entry):
        (staging / CARD).write_text(card, "utf-8")
        sums[CARD] = sha256(staging / CARD)
    write_sums(staging, sums)
    write_lock(staging, lock)


def _have(name: str, remote: Remote, folder: Path, staging: Path) -> bool:
    """Whether the file was staged before, or can be copied from the folder."""
    staged, placed = staging / name, folder / name
    if staged.is_file():
        if remote.differs(staged) is None:
            return True
        staged.unlink()  # of another revision
    if placed.is_file() and remote.differs(placed) is None:
        staged.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(placed, staged)
        return True
    return False


def _make_sure_of_room(folder: Path, needed_bytes: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed_bytes > free:
        raise ModelError(
            f"{folder.parent}: {needed_bytes / 1e6:,.0f} MB are needed, {free / 1e6:,.0f} MB are "
            "free; make room, or choose another place with --to or MODERATOR_MODELS_HOME"
        )


def _move_into_place(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    folder.rename(old)
    staging.rename(folder)
    shutil.rmtree(old)
