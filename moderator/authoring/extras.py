"""Libraries that only some commands need, and what to say where they are missing."""

import importlib
from typing import Any

from moderator.errors import StartupError


def needed(module: str, extra: str) -> Any:
    """Import a module. Raises StartupError that names the extra to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise StartupError(
            f"this needs {module.partition('.')[0]}; pip install 'moderator[{extra}]'"
        ) from error
