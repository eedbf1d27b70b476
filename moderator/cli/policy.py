"""`moderator policy …`: work on policy files."""

from pathlib import Path
from typing import Annotated

import typer

from moderator.cli.shared import ModelsOption, out, settings_with

cli = typer.Typer(help="Work on policy files.", no_args_is_help=True)

Paths = Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files or folders.")]


@cli.command()
def check(paths: Paths) -> None:
    """Check policy files: every problem at once, with its place and the fix."""
    from moderator.policy.load import load_policies

    policies = load_policies(paths)
    out.print(
        f"[green]ok[/]: {policies.name} version {policies.version}, {len(policies)} rules, "
        f"digest {policies.digest}"
    )


@cli.command("test")
def run_tests(
    paths: Paths,
    models: ModelsOption = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file.")] = None,
    fail_under: Annotated[
        float, typer.Option(min=0, max=100, help="Percent of examples that must pass.")
    ] = 100,
    require_examples: Annotated[
        bool, typer.Option("--require-examples", help="Fail for rules without examples.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="List what passes.")] = False,
) -> None:
    """Run the examples of rules like tests of code; the exit code is 1 when they fail.

    An example fires when its score reaches the rule's review line. Embeddings are kept in the
    user's cache folder, so the second run is fast enough for a pre-commit hook.
    """
    from moderator import app as composition
    from moderator.authoring.examples import run_examples
    from moderator.authoring.junit import write_junit
    from moderator.authoring.said import failure_lines, summary_lines
    from moderator.policy.load import load_policies

    policies = load_policies(paths)
    report = run_examples(policies, composition.build_workbench(settings_with(models=models)))
    for outcome in report.outcomes:
        if not outcome.passed:
            out.print("[bold red]FAIL[/]", end=" ")
            out.print("\n".join(failure_lines(outcome)), markup=False)
        elif verbose:
            out.print("[green]pass[/]", end=" ")
            said = f"{outcome.case.name}: score {outcome.score.score:.3f}"
            out.print(f"{said} ({outcome.milliseconds:.0f} ms)", markup=False)
    out.print("\n".join(summary_lines(report)), markup=False)
    if junit:
        write_junit(report, junit)
    lacking = require_examples and (report.bare or report.half)
    raise typer.Exit(1 if report.passed_percent < fail_under or lacking else 0)
