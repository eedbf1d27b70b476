"""`moderator policy …`: work on policy files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moderator.cli.shared import ModelsOption, Paths, PolicyOption, err, out, settings_with

if TYPE_CHECKING:
    from moderator.authoring.findings import Finding
    from moderator.policy.policyset import PolicySet

Format = Literal["text", "json", "sarif", "github"]

cli = typer.Typer(help="Work on policy files.", no_args_is_help=True)


@cli.command()
def check(
    paths: Paths,
    models: ModelsOption = None,
    embeddings: Annotated[
        bool | None,
        typer.Option(
            help="Also what the encoders find odd; by default where they can be loaded.",
            show_default=False,
        ),
    ] = None,
    kind: Annotated[Format, typer.Option("--format", help="Of the findings.")] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Fail for warnings too.")] = False,
) -> None:
    """Check policy files: every problem at once, with its place and the fix.

    Warnings come from the encoders: prompts or rules nearly the same, a prompt on the wrong side,
    examples that fail or nearly do, rules that another one swallows, prompts that are cut. Exit
    codes: 0 well, 1 warnings with --strict, 2 problems.
    """
    from moderator.collecting import uncollected

    with uncollected():  # imports too make many thousands of objects that stay
        _check(paths, models, embeddings=embeddings, kind=kind, strict=strict)


def _check(
    paths: list[Path], models: Path | None, *, embeddings: bool | None, kind: Format, strict: bool
) -> None:
    from moderator.authoring.findings import from_error, render
    from moderator.errors import PolicyError
    from moderator.policy.load import load_policies

    try:
        policies = load_policies(paths)
        findings = _warnings(policies, models, embeddings=embeddings)
    except PolicyError as error:
        if kind == "text":
            raise
        out.print(render(from_error(error), kind), markup=False)
        raise typer.Exit(2) from None
    if findings or kind != "text":
        out.print(render(findings, kind), markup=False)
    if kind == "text":
        said = f"{policies.name} version {policies.version}, {len(policies)} rules"
        warned = f", {len(findings)} warnings" if findings else ""
        out.print(f"[green]ok[/]: {said}, digest {policies.digest}{warned}")
    raise typer.Exit(1 if strict and findings else 0)


def _warnings(
    policies: "PolicySet", models: Path | None, *, embeddings: bool | None
) -> "list[Finding]":
    """Raises PolicyError, and ModelError where embeddings were asked for."""
    if embeddings is False:
        return []  # before what follows is imported: that takes longer than to check

    from moderator import app as composition
    from moderator.authoring.findings import from_warnings
    from moderator.authoring.warn import warn
    from moderator.errors import ModelError

    try:
        bench = composition.build_workbench(settings_with(models=models))
    except ModelError as error:
        if embeddings or models:
            raise
        err.print(f"checked without embeddings: {error}", markup=False)
        return []
    return from_warnings(warn(policies, bench), policies)


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


@cli.command()
def explain(
    post: Annotated[
        Path, typer.Argument(metavar="POST|-", help="A file with one post as JSON; - reads stdin.")
    ],
    policy: PolicyOption = None,
    models: ModelsOption = None,
    images: Annotated[
        Path | None, typer.Option(help="A folder for maps of what in an image moved a score.")
    ] = None,
    rules: Annotated[int, typer.Option(min=1, help="At least so many, the highest first.")] = 3,
) -> None:
    """Make a verdict plain: scores, nearest prompts, words, image regions, what would flip it."""
    from moderator import app as composition
    from moderator.authoring.explain import explain as run
    from moderator.authoring.explain_text import lines_of, quote_lines
    from moderator.lines import open_lines
    from moderator.policy.load import load_policies
    from moderator.posts import decode_post

    settings = settings_with(policy=policy, models=models)
    policies = load_policies(settings.policies)
    bench = composition.build_workbench(settings)
    with open_lines(post) as lines:
        content = b"".join(lines)
    limits = {"max_bytes": settings.max_post_bytes, "max_meta_bytes": settings.max_meta_bytes}
    (loaded,) = bench.loader.load([decode_post(content, **limits)], 0.0)
    explained, judged = run(bench.compile(policies), loaded, bench, most=rules)
    for report in judged.reports[0]:
        out.print(f"not read in full: {report.channel}: {report.reason}", markup=False)
    for quote in judged.inputs.quotes:
        for line in quote_lines(quote):
            out.print(line)
    for each in explained:
        for line in lines_of(each):
            out.print(line)
        if images and each.regions:
            images.mkdir(parents=True, exist_ok=True)
            path = images / f"{each.score.id.replace('/', '.')}.png"
            each.regions.picture().save(path)
            out.print(f"  wrote {path}", markup=False)
