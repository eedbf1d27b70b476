"""Policy files on disk: which there are, and their text."""

from collections.abc import Sequence
from pathlib import Path

from moderator.policy.yaml.nodes import DocumentError

MAX_FILE_BYTES = 2 * 1024 * 1024
SUFFIXES = (".yaml", ".yml")
NOT_POLICIES = (".calibration.yaml", ".calibration.yml")


def policy_files(paths: Sequence[Path]) -> list[Path]:
    """List files, with directories opened; one that is named twice is read once.

    In a directory, files whose name begins with `_` are for others to include, and calibrations
    belong to the policy beside them.
    """
    found = [file for path in paths for file in (_inside(path) if path.is_dir() else [path])]
    return list({file.resolve(): file for file in found}.values())


def _inside(directory: Path) -> list[Path]:
    """List the policies in a directory; the directory itself where it has none."""
    files = (file for file in directory.iterdir() if _is_policy(file) and file.is_file())
    return sorted(files) or [directory]


def _is_policy(file: Path) -> bool:
    name = file.name
    return file.suffix in SUFFIXES and not name.startswith("_") and not name.endswith(NOT_POLICIES)


def read_text(path: Path) -> str:
    """Read a file. Raises ``DocumentError``."""
    try:
        if path.is_dir():
            raise DocumentError("no policies in this directory: no file ends in .yaml or .yml")
        if path.exists() and not path.is_file():
            raise DocumentError("this is not a file")
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except FileNotFoundError as error:
        raise DocumentError("there is no such file") from error
    except OSError as error:
        raise DocumentError(f"the file cannot be read: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise DocumentError(f"larger than {MAX_FILE_BYTES // 2**20} MiB; split it into files")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DocumentError(f"line {line} is not UTF-8; save the file as UTF-8 text") from error
