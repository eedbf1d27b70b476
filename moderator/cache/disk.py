"""Embeddings in a file of the user's, so that one command after another has them."""

import os
import sqlite3
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from moderator.cache.base import Vector
from moderator.cache.wire import pack, unpack

_AT_ONCE = 500  # keys in a question; SQLite takes no more than 999 in its oldest builds
_TABLE = "CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, value BLOB NOT NULL)"


def user_cache() -> Path:
    """The file in the user's cache folder: `$XDG_CACHE_HOME/moderator/vectors.sqlite`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "moderator" / "vectors.sqlite"


class DiskCache:
    """Keeps up to `capacity` vectors (a vector of 384 takes 1.6 KB), the oldest forgotten first.

    A file that cannot be opened, read or written is an empty cache.
    """

    def __init__(self, path: Path, capacity: int = 200_000) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._file = _open(path)

    @property
    def healthy(self) -> bool:
        """False when the file cannot be used."""
        return self._file is not None

    def get(self, keys: Sequence[str]) -> list[Vector | None]:
        """Return one read-only vector per key, None for a miss."""
        found: dict[str, Vector | None] = {}
        for start in range(0, len(keys), _AT_ONCE):
            found.update(self._found(keys[start : start + _AT_ONCE]))
        return [found.get(key) for key in keys]

    def put(self, vectors: Mapping[str, Vector]) -> None:
        """Write `vectors`, if the file takes them."""
        rows = [(key, pack(vector)) for key, vector in vectors.items()]
        if not rows or self._file is None:
            return
        try:
            with self._lock, self._file:
                self._file.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
                self._file.execute(
                    "DELETE FROM vectors WHERE rowid <= (SELECT max(rowid) FROM vectors) - ?",
                    (self._capacity,),
                )
        except sqlite3.Error:
            self._file = None

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _found(self, keys: Sequence[str]) -> dict[str, Vector | None]:
        if self._file is None:
            return {}
        marks = ",".join("?" * len(keys))
        question = f"SELECT key, value FROM vectors WHERE key IN ({marks})"  # noqa: S608 - marks only
        try:
            with self._lock:
                rows = self._file.execute(question, list(keys)).fetchall()
        except sqlite3.Error:
            self._file = None
            return {}
        return {key: unpack(value) for key, value in rows}


def _open(path: Path) -> sqlite3.Connection | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = sqlite3.connect(path, timeout=5, check_same_thread=False)
        file.execute("PRAGMA journal_mode = WAL")  # a hook and a command at once wait for nobody
        file.execute("PRAGMA synchronous = OFF")  # what a power cut takes is computed again
        file.execute(_TABLE)
        file.commit()
    except (OSError, sqlite3.Error):
        return None
    return file
