"""Posts from files: JSON lines, or Parquet with a column for each field of a post."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from moderator.errors import PostError, StartupError
from moderator.extras import needed
from moderator.posts import Post, decode_post
from moderator.settings import Settings
from moderator.verdicts import Verdict, decode_verdict

PARQUET = ".parquet"


class Kept(NamedTuple):
    """A post, and the verdict it once had where the file tells."""

    post: Post
    verdict: Verdict | None = None


def read_posts(file: Path, settings: Settings) -> list[Kept]:
    """Read a file of posts. Raises StartupError that names the line or row."""
    found = list(_parquet(file) if file.suffix == PARQUET else _lines(file, settings))
    if not found:
        raise StartupError(f"{file}: no posts in it")
    return found


def _lines(file: Path, settings: Settings) -> Iterator[Kept]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise StartupError(f"{file}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                yield Kept(
                    decode_post(
                        line,
                        max_bytes=settings.max_post_bytes,
                        max_meta_bytes=settings.max_meta_bytes,
                    )
                )
            except PostError as error:
                raise StartupError(f"{file}:{number}: {error}") from error


def _parquet(file: Path) -> Iterator[Kept]:
    """Rows with the fields of a post, or with the whole post as JSON in `value`.

    A column `verdict` holds what was published of it, as JSON.
    """
    parquet = needed("pyarrow.parquet", "archive")
    try:
        rows = parquet.ParquetFile(file).iter_batches()
        number = 0
        for batch in rows:
            for row in batch.to_pylist():
                number += 1
                yield _row(row, f"{file}: row {number}")
    except (OSError, needed("pyarrow", "archive").ArrowException) as error:
        raise StartupError(f"{file}: cannot be read: {error}") from error


def _row(row: dict[str, Any], where: str) -> Kept:
    verdict = row.pop("verdict", None)
    try:
        value = row.get("value")
        fields = {name: given for name, given in row.items() if given is not None}
        post = msgspec.json.decode(value, type=Post) if value else msgspec.convert(fields, Post)
        given = verdict.encode() if isinstance(verdict, str) else verdict
        return Kept(post, decode_verdict(given) if given else None)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise StartupError(f"{where}: not a post: {error}") from error
