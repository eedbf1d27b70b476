"""Labelled rows of a suite as posts."""

import gzip
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from moderator.errors import StartupError
from moderator.evaluation.suites import Suite, field_of
from moderator.posts import Media, Post


@dataclass(frozen=True)
class Example:
    """A post and what people said of it."""

    post: Post
    truth: Mapping[str, bool]  # by task; a task that was not answered is absent
    group: str = ""


def read_examples(suite: Suite, folder: Path) -> list[Example]:
    """Every row of a suite that answers a task, in order.

    Raises StartupError that names the file, and the line of a row that is not understood.
    """
    path = folder / suite.file
    for each in filter(None, (suite.file, suite.archive)):
        _require(suite, folder / each)
    images = _images(suite, folder)
    examples = []
    for number, row in _rows(path):
        if not suite.wanted(row):
            continue
        try:
            example = _example(suite, row, images, number)
        except (msgspec.ValidationError, KeyError, TypeError, ValueError) as error:
            raise StartupError(f"{path}:{number}: not a labelled post: {error}") from error
        if example.truth:
            examples.append(example)
    if not examples:
        raise StartupError(f"{path}: no row answers a task of {suite.suite}")
    return examples


def _require(suite: Suite, path: Path) -> None:
    """Raise StartupError for a file that is not there, and say where it would come from."""
    if path.exists():
        return
    if not suite.source:  # a file of the user's own
        raise StartupError(f"{path}: no such file")
    raise StartupError(
        f"{path}: no such file. The posts of {suite.suite} do not come with moderator; get them "
        f"({suite.source}), lay them out as docs/labels.md says, and name their folder with --data"
    )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    number = 0
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, msgspec.json.decode(line, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise StartupError(f"{path}:{number}: not a JSON object: {error}") from error
    except (OSError, EOFError) as error:
        raise StartupError(f"{path}: cannot be read after line {number}: {error}") from error


def _images(suite: Suite, folder: Path) -> dict[str, bytes]:
    """The pictures of a suite by name; read at once, a tar has no index."""
    if suite.archive is None:
        return {}
    path = folder / suite.archive
    try:
        with tarfile.open(path) as archive:
            return {
                member.name: content.read()
                for member in archive
                if (content := archive.extractfile(member))
            }
    except (OSError, tarfile.TarError) as error:
        raise StartupError(f"{path}: not a tar of images: {error}") from error


def _example(
    suite: Suite, row: Mapping[str, Any], images: Mapping[str, bytes], number: int
) -> Example:
    if not suite.tasks:  # a file of posts with labels
        truth = {rule: bool(value) for rule, value in row["labels"].items() if value is not None}
        post = msgspec.convert({k: v for k, v in row.items() if k != "labels"}, Post)
        return Example(post, truth)
    media: tuple[Media, ...] = ()
    if suite.image is not None:
        media = (Media(data=images[row[suite.image]]),)
    text = msgspec.convert(field_of(row, suite.text) if suite.text else None, str | None)
    group = str(field_of(row, suite.group) or "") if suite.group else ""
    answers = {name: task.truth(row) for name, task in suite.tasks.items()}
    truth = {name: answer for name, answer in answers.items() if answer is not None}
    if suite.together and truth:
        truth[suite.together] = any(truth.values())
    return Example(Post(id=str(number), text=text, media=media), truth, group)


def tasks_of(
    suite: Suite, examples: Sequence[Example], instead: Mapping[str, str] = MappingProxyType({})
) -> dict[str, tuple[str, ...]]:
    """The rules that answer each task: its own; for the task of all, every one.

    The labels of a file of posts are its tasks, and name their rules unless `instead` does.
    """
    if not suite.tasks:
        labels = sorted({label for example in examples for label in example.truth})
        return {label: (instead.get(label, label),) for label in labels}
    rules: dict[str, tuple[str, ...]] = {name: (task.rule,) for name, task in suite.tasks.items()}
    if suite.together:
        rules[suite.together] = tuple(task.rule for task in suite.tasks.values())
    return rules
