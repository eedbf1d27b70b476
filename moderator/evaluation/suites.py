"""Suites: where labelled posts lie, and which rule each label is for.

A suite is a YAML file; those of public sets come with the package. Any file of posts with a
`labels` object is a suite as well: `{"id": "1", "text": "…", "labels": {"community/scams": 1}}`.
"""

import difflib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from moderator.errors import StartupError

_SHIPPED = Path(str(files("moderator.evaluation"))) / "suites"


def _values(given: object) -> object:
    return tuple(map(str, given)) if isinstance(given, list | tuple) else (str(given),)


Values = Annotated[
    tuple[str, ...], BeforeValidator(_values)
]  # a field's values; `*` stands for any


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Task(_Part):
    """One question that rows answer with yes or no; rows that answer neither are left out."""

    rule: str  # policy/rule
    label: str  # the field that answers, dotted: labels.S
    positive: Values
    negative: Values

    def truth(self, row: Mapping[str, Any]) -> bool | None:
        """What the row's people said; None when they said nothing, or both."""
        positive, negative = (
            matches(row, self.label, wanted) for wanted in (self.positive, self.negative)
        )
        return None if positive == negative else positive


class Published(_Part):
    """A figure that others published, and what has to be known to compare with it."""

    system: str
    figure: str
    value: float
    caveat: str


class Suite(_Part):
    """Labelled posts and the questions they answer."""

    suite: str
    title: str
    source: str
    file: str  # JSONL, or gzipped, below the data folder
    tasks: dict[str, Task] = {}
    text: str | None = None  # the fields that hold the post
    image: str | None = None
    archive: str | None = None  # a tar that holds the images
    without: dict[str, Values] = {}  # rows with such a field are left out
    group: str | None = None  # a field to tell results apart by
    together: str | None = None  # the name of a task made of all: is any answered with yes
    published: tuple[Published, ...] = ()
    notes: str = ""

    def wanted(self, row: Mapping[str, Any]) -> bool:
        """Whether a row belongs to the suite."""
        return not any(matches(row, name, values) for name, values in self.without.items())


def field_of(row: Mapping[str, Any], name: str) -> Any:
    """A field by its dotted name; None where it is absent."""
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def matches(row: Mapping[str, Any], name: str, wanted: Values) -> bool:
    """Whether a field, or one of the values it lists, is among the wanted ones."""
    found = field_of(row, name)
    values = found if isinstance(found, list) else [] if found is None else [found]
    return any(fnmatchcase(str(value), pattern) for value in values for pattern in wanted)


def shipped() -> dict[str, Path]:
    """The suites that come with the package, by name."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def load_suite(name: str) -> Suite:
    """A suite by its name, its YAML file, or a file of posts with labels. Raises StartupError."""
    path = Path(name)
    if path.name.endswith((".jsonl", ".jsonl.gz")):
        return Suite(suite=path.name, title=path.name, source="", file=str(path.absolute()))
    if path.suffix not in {".yaml", ".yml"}:
        path = _find(name)
    try:
        given = YAML(typ="safe", pure=True).load(path)
        return Suite.model_validate(given)
    except OSError as error:
        raise StartupError(f"{path}: cannot be read: {error.strerror}") from error
    except (YAMLError, ValidationError) as error:
        raise StartupError(f"{path}: not a suite: {error}") from error


def _find(name: str) -> Path:
    known = shipped()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean {near[0]}" if near else f"there are {', '.join(known)}"
    raise StartupError(
        f"unknown suite {name!r}; {hint}. A file of your own ends in .jsonl or .yaml"
    )
