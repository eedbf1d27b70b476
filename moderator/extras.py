"""Libraries that only some parts need, and what to say where they are missing."""

import importlib
from typing import Any

from moderator.errors import StartupError


def needed(module: str, extra: str) -> Any:
    """Import a module. Raises StartupError that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StartupError(
            f"this needs {module.partition('.')[0]}: {how_to_install(extra)}"
        ) from error


def how_to_install(*extras: str) -> str:
    """The command. By the folder: on the package index the name `moderator` is not ours."""
    return f"pip install '.[{','.join(extras)}]' in the folder of moderator's sources"
