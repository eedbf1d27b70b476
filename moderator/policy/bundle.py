"""A policy set as the files it was read from, to be sent elsewhere and loaded there."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import msgspec

from moderator.errors import PolicyError
from moderator.policy.load import load_policies
from moderator.policy.policyset import PolicySet


class Bundle(msgspec.Struct, frozen=True):
    """Files by their path from a common folder, and which of them are the policies."""

    policies: tuple[str, ...]
    files: dict[str, str]


def pack(policies: PolicySet) -> Bundle:
    """The text of every file that a loaded set was made of. Raises PolicyError."""
    own = [path.resolve() for path in policies.files.values()]
    root = Path(os.path.commonpath([path.parent for path in own]))
    try:
        files = {
            path.resolve().relative_to(root).as_posix(): path.read_text(encoding="utf-8-sig")
            for path in policies.read
            if path.exists()
        }
    except (OSError, ValueError) as error:
        raise PolicyError(f"a policy file cannot be read any more: {error}") from error
    return Bundle(tuple(path.relative_to(root).as_posix() for path in own), files)


def unpack(bundle: Bundle) -> PolicySet:
    """Load what was packed; errors name the files as the bundle does. Raises PolicyError."""
    with _written(bundle.files) as folder:
        try:
            return load_policies([folder / _checked(name) for name in bundle.policies])
        except PolicyError as error:
            raise PolicyError(str(error).replace(f"{folder}{os.sep}", "")) from error


@contextmanager
def _written(files: Mapping[str, str]) -> Iterator[Path]:
    with TemporaryDirectory(prefix="moderator-policies-") as name:
        folder = Path(name).resolve()
        for file, text in files.items():
            path = folder / _checked(file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield folder


def _checked(name: str) -> PurePosixPath:
    """A path from the network: it must stay in the folder it is written to."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\0" in name:
        raise PolicyError(f"a bundle names the file {name!r}, which lies outside of it")
    return path
