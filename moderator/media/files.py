"""`file:` URLs, for screening a folder: one root, and no way out of it."""

import os
import stat
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit

from moderator.errors import MediaError


def read_file(url: str, root: Path | None, max_bytes: int) -> bytes:
    """Read the file that `url` (`file:///absolute/path`) names, if it lies in `root`.

    Raises MediaError: `url_refused` for no root, a path outside of it (after symbolic links and
    `..`) or anything but a plain file; `media_gone` and `media_too_large`.
    """
    if root is None:
        raise MediaError("url_refused", "file: URLs are refused, no file root is set")
    path = _path_in(url, root)
    try:
        # Without O_NONBLOCK, opening a pipe would wait for somebody to write to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as file:
            return _read(file, max_bytes)
    except OSError as err:
        raise MediaError("media_gone", f"file:{path} cannot be read: {err.strerror}") from err


def _path_in(url: str, root: Path) -> Path:
    try:
        parts = urlsplit(url)
        path = Path(unquote(parts.path)).resolve()
        inside = path.is_relative_to(root.resolve())
    except (OSError, RuntimeError, ValueError) as err:  # a loop of links, a null byte
        raise MediaError("url_refused", "the file: URL has a path that cannot be read") from err
    if parts.netloc not in {"", "localhost"}:
        raise MediaError("url_refused", "a file: URL names no host; write file:///path")
    if not inside:
        # Said before anything is opened: the answer must not tell which files exist elsewhere.
        raise MediaError("url_refused", "the file: URL leads out of the file root")
    return path


def _read(file: BinaryIO, max_bytes: int) -> bytes:
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise MediaError("url_refused", "the file: URL names no plain file")
    content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise MediaError("media_too_large", f"the file has more than {max_bytes} bytes")
    return content
