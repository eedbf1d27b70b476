"""The models we know: one YAML file each in `models/`, beside the starter's folder."""

import difflib
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from moderator.errors import ModelError
from moderator.settings import bundled

Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_STRICT = ConfigDict(frozen=True, extra="forbid")


class File(BaseModel):
    """What we know of one file; what we do not know, the first pull asks the hub for."""

    model_config = _STRICT
    bytes: int | None = Field(default=None, gt=0)
    sha256: Sha256 | None = None


class Licence(BaseModel):
    """On what terms the weights may be used."""

    model_config = _STRICT
    name: str
    link: str


class Entry(BaseModel):
    """One model of the catalogue: on the hub (`repository`) or in the package (`bundled`)."""

    model_config = _STRICT
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")
    title: str
    family: Literal["starter", "clip", "siglip", "mobileclip", "sentence"]
    bundled: str | None = None
    repository: str | None = Field(default=None, pattern=r"^[\w.-]+/[\w.-]+$")
    revision: Commit | None = None  # of a repository; None: the first pull pins it
    channels: tuple[Literal["text", "image"], ...] = Field(min_length=1)
    dimensions: int = Field(gt=0)
    text_window_tokens: int = Field(gt=2)
    image_side: int | None = Field(default=None, gt=0)
    languages: tuple[str, ...] = Field(min_length=1)
    megabytes: int = Field(gt=0)  # to download, about
    licence: Licence
    good_for: str
    caveats: tuple[str, ...] = ()
    # What its own files do not say: `pull` writes it to space.json, where the loader looks.
    space: dict[str, str | int | bool] = Field(default_factory=dict)
    files: dict[str, File] = Field(default_factory=dict)

    @field_validator("files")
    @classmethod
    def _stay_inside(cls, files: dict[str, File]) -> dict[str, File]:
        for name in files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or re.search(r"[\\:]", name):
                raise ValueError(f"{name!r} leads out of the model's folder")
        return files

    @model_validator(mode="after")
    def _has_one_source(self) -> "Entry":
        if (self.repository is None) == (self.bundled is None):
            raise ValueError("give either `repository` or `bundled`")
        if self.repository is not None and not self.files:
            raise ValueError("a model of the hub needs `files`")
        return self

    @property
    def pinned(self) -> bool:
        """Whether its bytes are decided here, not by whoever publishes them next."""
        return self.bundled is not None or self.revision is not None


def load_catalogue(folder: Path | None = None) -> dict[str, Entry]:
    """Every entry by name, in the order of names.

    Raises ModelError that names the file and the key of everything wrong in it.
    """
    folder = folder or bundled("models")
    entries = {}
    for path in sorted(folder.glob("*.yaml")):
        entry = _read(path)
        if entry.name != path.stem:
            raise ModelError(f"{path}: name: is {entry.name!r}; it must be that of the file")
        entries[entry.name] = entry
    return dict(sorted(entries.items()))


def find(name: str, folder: Path | None = None) -> Entry:
    """One entry. Raises ModelError with the nearest names."""
    entries = load_catalogue(folder)
    if name not in entries:
        raise ModelError(f"{name!r} is not in the catalogue{suggest(name, entries)}")
    return entries[name]


def suggest(name: str, entries: dict[str, Entry]) -> str:
    """The end of a sentence about a name that nobody knows."""
    near = difflib.get_close_matches(name.lower(), entries, 3, cutoff=0.5)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    return f"{hint or '; '}{' ' if near else ''}`moderator models list` lists them all"


def _read(path: Path) -> Entry:
    try:
        return Entry.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except ValidationError as error:
        lines = [
            f"{path}: {'.'.join(map(str, fault['loc'])) or 'entry'}: "
            f"{fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False, include_input=False)
        ]
        raise ModelError("\n".join(lines)) from error
    except YAMLError as error:
        raise ModelError(f"{path}: not YAML: {error}") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: cannot be read: {error}") from error
