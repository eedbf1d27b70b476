"""What the commands share: consoles, options, settings, files written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from moderator.settings import Settings, load_settings

# Without `emoji=False` the place `posts.jsonl:100:` is printed as a picture of a hundred.
out = Console(soft_wrap=True, highlight=False, emoji=False)
err = Console(stderr=True, highlight=False, emoji=False)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")]
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


@contextmanager
def progress(what: str) -> Iterator[Callable[[int], None]]:
    """Count on the terminal; yields what to call with how many more are done."""
    from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda more: bar.advance(task, more)


def write(text: str, to: Path | None) -> None:
    """Write a text to a file, or print it. Raises StartupError."""
    from moderator.errors import StartupError

    if to is None:
        typer.echo(text, nl=False)
        return
    try:
        to.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StartupError(f"{to}: cannot be written: {error.strerror}") from error
    out.print(f"wrote {to}", markup=False)


def fail(error: Exception, code: int) -> NoReturn:
    """Print an error and end with `code`."""
    err.print("error:", style="bold red", end=" ")
    err.print(str(error), markup=False, soft_wrap=True)
    raise SystemExit(code)
