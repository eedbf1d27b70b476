"""A folder of model files: its checksums, and where it came from."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from moderator.errors import ModelError

SUMS = "SHA256SUMS"  # as sha256sum writes it, so that `sha256sum -c` checks a folder as well
LOCK = "moderator.lock.yaml"
CARD = "space.json"  # read by `moderator.encoders`
_CHUNK_BYTES = 2**20


class Lock(BaseModel):
    """`moderator.lock.yaml`: what a pull was given, and what later pulls hold to."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    model: str
    repository: str
    revision: str  # a commit, never a branch
    pinned_by: str  # the catalogue, the hub on the first pull, or --revision
    licence: str = ""


class Damage(NamedTuple):
    """A file that is not what its checksum says; `actual` is None where it is missing."""

    file: str
    expected: str
    actual: str | None

    def __str__(self) -> str:
        if self.actual is None:
            return f"missing, expected sha256 {self.expected}"
        return f"sha256 is {self.actual}, expected {self.expected}"


def sha256(path: Path) -> str:
    """The digest of a file of any size. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def git_blob(path: Path) -> str:
    """The id that git gives a file's content. Raises OSError."""
    # SHA-1, because that is how the hub names files that are not in its large-file storage.
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def read_sums(folder: Path) -> dict[str, str]:
    """File to sha256; empty if the folder has no SHA256SUMS. Raises ModelError."""
    path = folder / SUMS
    if not path.exists():
        return {}
    sums = {}
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
    for number, line in enumerate(lines, 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name.startswith("/") or ".." in name.split("/"):  # noqa: PLR2004
            raise ModelError(f"{path}:{number}: not `sha256  file`: {line[:80]!r}")
        sums[name] = digest
    return sums


def write_sums(folder: Path, sums: Mapping[str, str]) -> None:
    """Write SHA256SUMS, sorted by file."""
    lines = (f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    (folder / SUMS).write_text("".join(lines), "utf-8")


def damaged(folder: Path, sums: Mapping[str, str]) -> Iterator[Damage]:
    """Check every file; missing and unreadable ones count as damaged."""
    for name, expected in sums.items():
        try:
            actual: str | None = sha256(folder / name)
        except OSError:
            actual = None
        if actual != expected:
            yield Damage(name, expected, actual)


def read_lock(folder: Path) -> Lock | None:
    """What was pulled into a folder, None if nothing was. Raises ModelError."""
    path = folder / LOCK
    try:
        return Lock.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, YAMLError, ValidationError) as error:
        raise ModelError(
            f"{path}: not understood: {error}; delete the folder, pull again"
        ) from error


def write_lock(folder: Path, lock: Lock) -> None:
    """Write `moderator.lock.yaml`."""
    yaml = YAML()
    yaml.default_flow_style = False
    with (folder / LOCK).open("w", encoding="utf-8") as stream:
        yaml.dump(lock.model_dump(), stream)
