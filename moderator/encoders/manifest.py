"""The files that make a space: read, checked against their sums, and named by one digest."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from moderator.errors import ModelError

SUMS = "SHA256SUMS"


class Manifest(NamedTuple):
    """The files that make a space, all checked."""

    files: frozenset[str]
    digest: str  # 32 hex digits that name the whole


def verify(folder: Path) -> Manifest:
    """Check every file that SHA256SUMS lists.

    Raises ModelError that names the first file which is missing or altered.
    """
    files: dict[str, str] = {}
    for line in read_bytes(folder / SUMS).decode().splitlines():
        expected, _, name = line.partition("  ")
        actual = _sha256(folder / name)
        if actual != expected:
            raise ModelError(
                f"{folder / name}: sha256 is {actual[:16]}…, {SUMS} says {expected[:16]}…; "
                "the file was altered or cut short: fetch it again"
            )
        files[name] = expected
    return Manifest(frozenset(files), _digest(files))


def describe(folder: Path, files: Iterable[Path]) -> Manifest:
    """The manifest of a folder that brings no sums; hashing takes about a second per GB.

    Raises ModelError for a file that cannot be read.
    """
    sums = {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    return Manifest(frozenset(sums), _digest(sums))


def named(manifest: Manifest, version: str) -> str:
    """The digest of files together with the version of what is used beside them."""
    return hashlib.blake2b(f"{manifest.digest} {version}".encode(), digest_size=16).hexdigest()


def read_bytes(path: Path) -> bytes:
    """The content of a file. Raises ModelError."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def read_json(path: Path) -> dict[str, Any]:
    """The object a JSON file holds. Raises ModelError."""
    try:
        value = json.loads(read_bytes(path))
    except ValueError as error:
        raise ModelError(f"{path}: not JSON: {error}") from error
    if not isinstance(value, dict):
        raise ModelError(f"{path}: not a JSON object")
    return value


def read_json_if_there(path: Path) -> dict[str, Any]:
    """The same, and an empty object where there is no such file."""
    return read_json(path) if path.is_file() else {}


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: cannot be read: {error.strerror}") from error


def _digest(files: dict[str, str]) -> str:
    whole = json.dumps(files, sort_keys=True).encode()
    return hashlib.blake2b(whole, digest_size=16).hexdigest()
