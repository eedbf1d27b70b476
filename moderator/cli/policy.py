"""`moderator policy …`: work on policy files."""

from pathlib import Path
from typing import Annotated

import typer

from moderator.cli.shared import out

cli = typer.Typer(help="Work on policy files.", no_args_is_help=True)


@cli.command()
def check(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")],
) -> None:
    """Check policy files: every problem at once, with its place and the fix."""
    from moderator.policy.load import load_policies

    policies = load_policies(paths)
    out.print(
        f"[green]ok[/]: {policies.name} version {policies.version}, {len(policies)} rules, "
        f"digest {policies.digest}"
    )
