"""`moderator policy …`: begin, lay out and publish policy files."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from moderator.cli.shared import Paths, out, write

cli = typer.Typer()


@cli.command()
def new(
    name: Annotated[str, typer.Argument(help="Small letters, digits and hyphens.")],
    to: Annotated[Path | None, typer.Option(help="The file; NAME.yaml here by default.")] = None,
) -> None:
    """Write a first policy, in shadow mode, that passes `check` and `test`."""
    from moderator.authoring.scaffold import write_new

    path = to or Path(f"{name}.yaml")
    write_new(name, path)
    out.print(f"wrote {path}; next: moderator policy test {path}", markup=False)


@cli.command()
def fmt(
    paths: Paths,
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; the exit code is 1 if it would.")
    ] = False,
) -> None:
    """Lay policy files out alike, comments kept; what they say is never changed."""
    from moderator.authoring.layout import formatted, write_formatted
    from moderator.policy.load import load_policies

    changed = 0
    for path in load_policies(paths).files.values():
        text = formatted(path)
        if text == path.read_text(encoding="utf-8"):
            continue
        changed += 1
        if not check:
            write_formatted(path, text)
        out.print(f"{'would lay out' if check else 'laid out'} {path}", markup=False)
    raise typer.Exit(1 if check and changed else 0)


@cli.command()
def schema() -> None:
    """Print the JSON Schema of policy files, for editors."""
    from moderator.contracts import render

    typer.echo(render("policy"), nl=False)


@cli.command()
def docs(
    paths: Paths,
    to: Annotated[Path | None, typer.Option("--out", help="Write the page to a file.")] = None,
    audience: Annotated[
        Literal["moderators", "users"],
        typer.Option(
            "--for", help="Users see no scores, keywords and tests, and no rules in shadow."
        ),
    ] = "moderators",
) -> None:
    """Make a readable, self-contained HTML page of policies."""
    from moderator.authoring.handbook import as_page
    from moderator.policy.load import load_policies

    write(as_page(load_policies(paths), audience), to)
