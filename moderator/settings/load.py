"""Settings read and told: from the environment, with every problem at once, and explained."""

import difflib
import os
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from moderator.errors import SettingsError
from moderator.settings.catalogue import PREFIX, Settings

_OF_TESTS = PREFIX + "TEST_"


class SettingRow(NamedTuple):
    """One line of `moderator config`."""

    name: str
    value: str
    source: str
    description: str


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Settings from the defaults, the environment, and on top `overrides` that are not None.

    Raises SettingsError that names every setting that is wrong and the variable to change.
    """
    _refuse_unknown(os.environ)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        lines = [
            f"{PREFIX}{str(problem['loc'][0]).upper()}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors(include_url=False, include_input=False)
        ]
        raise SettingsError("\n".join(lines)) from error


def _refuse_unknown(names: Iterable[str]) -> None:
    known = [PREFIX + name.upper() for name in Settings.model_fields]
    for name in names:
        if name.startswith(PREFIX) and name not in known and not name.startswith(_OF_TESTS):
            near = difflib.get_close_matches(name, known, 1, cutoff=0.8)
            hint = f", did you mean {near[0]}?" if near else "; `moderator config` lists them all"
            raise SettingsError(f"unknown setting {name}{hint}")


def explain(settings: Settings) -> list[SettingRow]:
    """Every setting with its value and where it came from; secrets are masked."""
    return [
        SettingRow(
            PREFIX + name.upper(),
            _show(getattr(settings, name)),
            "environment" if name in settings.model_fields_set else "default",
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def _show(value: object) -> str:
    if value is None:
        return ""
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
