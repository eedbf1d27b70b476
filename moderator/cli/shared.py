"""What the commands share: consoles, options, settings."""

from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from moderator.settings import Settings, load_settings

# Without `emoji=False` the place `posts.jsonl:100:` is printed as a picture of a hundred.
out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

PolicyOption = Annotated[
    list[Path] | None,
    typer.Option("--policy", help="Policy file or folder; give it again for more."),
]
ModelsOption = Annotated[
    Path | None,
    typer.Option("--models", help="Folder of the encoders, or a name of `moderator models list`."),
]
TextModelsOption = Annotated[
    Path | None,
    typer.Option("--text-models", help="Another text encoder, for texts alone: folder or name."),
]
KafkaOption = Annotated[
    str | None, typer.Option("--kafka", help="Bootstrap servers, host:port[,host:port]…")
]
PostsFile = Annotated[
    Path, typer.Argument(metavar="FILE|-", help="Posts, one JSON object per line; - reads stdin.")
]


def settings_with(**overrides: Any) -> Settings:
    """Settings with the options of a command on top. Raises SettingsError."""
    if (policies := overrides.pop("policy", None)) is not None:
        overrides["policies"] = tuple(policies)
    return load_settings(overrides)


def fail(error: Exception, code: int) -> NoReturn:
    """Print an error and end with `code`."""
    err.print("error:", style="bold red", end=" ")
    err.print(str(error), markup=False, soft_wrap=True)
    raise SystemExit(code)
