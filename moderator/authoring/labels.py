"""Labelled posts: JSON lines of a post and which rules it breaks.

    {"post": {"id": "1", "text": "…"}, "labels": {"hate": 1, "community/scams": 0}}

A rule that a line does not name is unknown there, and the line says nothing about it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderator.errors import StartupError
from moderator.policy.problems import did_you_mean
from moderator.posts import Post

UNKNOWN = -1


@dataclass(frozen=True)
class Labelled:
    """Posts, and for each rule 1 (breaks it), 0 (does not) or -1 (unknown)."""

    posts: tuple[Post, ...]
    labels: NDArray[np.int8]  # (posts, rules)


class _Line(msgspec.Struct):
    post: Post
    labels: dict[str, Any]


def read_labels(file: Path, rules: Sequence[str]) -> Labelled:
    """Read labels for rules named by qualified id; a file may leave out the policy.

    Raises StartupError that names the line.
    """
    decoder = msgspec.json.Decoder(_Line)
    names = _names(rules)
    posts, rows = [], []
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise StartupError(f"{file}: cannot be read: {error.strerror}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            given = decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StartupError(f"{file}:{number}: not a labelled post: {error}") from error
        posts.append(given.post)
        rows.append(_row(given.labels, names, len(rules), f"{file}:{number}"))
    if not posts:
        raise StartupError(f"{file}: no labelled posts in it")
    return Labelled(tuple(posts), np.array(rows, np.int8))


def _names(rules: Sequence[str]) -> dict[str, int]:
    """Where each name of a rule leads; one without its policy only if no other has the same."""
    short = [name.partition("/")[2] for name in rules]
    names = {name: column for column, name in enumerate(short) if short.count(name) == 1}
    return names | {name: column for column, name in enumerate(rules)}


def _row(labels: Mapping[str, Any], names: Mapping[str, int], rules: int, where: str) -> list[int]:
    row = [UNKNOWN] * rules
    for name, value in labels.items():
        if name not in names:
            near = did_you_mean(name, names)
            hint = f"did you mean `{near}`?" if near else f"known: {', '.join(names)}"
            raise StartupError(f"{where}: unknown rule `{name}`; {hint}")
        if value not in (0, 1, True, False, None):
            raise StartupError(f"{where}: the label of `{name}` is {value!r}; give 1 or 0")
        if value is not None:
            row[names[name]] = int(value)
    return row
