"""`moderator policy …`: rules against labels and templates, in numbers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from moderator.cli.shared import ModelsOption, Paths, out, progress, settings_with

if TYPE_CHECKING:
    from moderator.authoring.calibrate import Calibrated

cli = typer.Typer()


@cli.command()
def calibrate(
    paths: Paths,
    *,
    labels: Annotated[Path, typer.Option(help="Labelled posts, JSON lines.")],
    models: ModelsOption = None,
    learn: Annotated[
        bool, typer.Option("--learn", help="Learn directions too, where they order posts better.")
    ] = False,
    method: Annotated[
        Literal["platt", "isotonic"],
        typer.Option(help="A logistic, or with many labels (50 of each kind) a line free to bend."),
    ] = "platt",
    plot: Annotated[Path | None, typer.Option(help="Write a reliability diagram, PNG.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Report, and write nothing.")] = False,
) -> None:
    """Fit scores to labelled posts, by rule and modality, and write NAME.calibration.yaml.

    A line of labels: {"post": {"id": "1", "text": "…"}, "labels": {"hate": 1, "scams": 0}}. Scores
    are of posts held out of the fit, figures of the rule as it runs: with its keywords, exceptions
    and scope. Intervals are 95 %.

    The score for a `precision` is chosen on these posts, so that with 95 % confidence posts like
    them keep it: 29 posts labelled 1 for 0.9, 59 for 0.95 where no other scores as high, and more
    where some do. It is for posts like these alone: label a sample of your traffic.

    Rules with `fusion: learned` also get the weights of their channels. The exit code is 1 when a
    rule has too few labels, or asks for a precision that cannot be promised. Needs the extra
    `calibrate`.
    """
    from moderator import app as composition
    from moderator.authoring.calibrate import calibrate as run
    from moderator.authoring.keep import keep
    from moderator.authoring.labels import read_labels
    from moderator.authoring.plot import write_reliability
    from moderator.policy.load import load_policies
    from moderator.policy.policyset import qualified_id

    policies = load_policies(paths)
    labelled = read_labels(labels, [qualified_id(*each) for each in policies])
    bench = composition.build_workbench(settings_with(models=models))
    with progress("labelled posts") as told:
        found = run(policies, labelled, bench, learn=learn, method=method, progress=told)
    for each in found:
        _say(each)
    if plot:
        write_reliability(found, plot)
    written = [] if dry_run else keep(found, policies)
    for path in written:
        out.print(f"wrote {path}", markup=False)
    raise typer.Exit(1 if any(each.refused or each.unmet for each in found) else 0)


def _say(each: "Calibrated") -> None:
    counts = f"{each.violates} posts labelled 1, {each.allows} labelled 0"
    if each.refused:
        out.print(f"[red]{each.rule}[/]: not calibrated ({counts}): {each.refused}")
        return
    out.print(f"[bold]{each.rule}[/]: {counts}")
    for name, after in each.after.items():
        out.print(f"  {name:<10} {after}   before {each.before[name]}", markup=False)
    for target, cut in each.cuts.items():
        out.print(f"  {target}: {cut}", markup=False)
    for note in each.notes:
        out.print(f"  {note}", markup=False)


@cli.command()
def audit(
    paths: Paths,
    models: ModelsOption = None,
    max_gap: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Fail when a score or false-positive gap is larger and its interval excludes 0.",
        ),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="Gaps listed, the largest first.")] = 15,
) -> None:
    """Swap identities and dialects in harmless sentences: which rules mind who speaks how.

    A gap lies between the highest and the lowest group. Intervals are 95 %, and allow for that:
    of groups that are alike the furthest are apart, too. English only, and only a sample: passing
    is no proof of fairness.
    """
    from moderator import app as composition
    from moderator.authoring.audit import audit as run
    from moderator.policy.load import load_policies

    policies = load_policies(paths)
    bench = composition.build_workbench(settings_with(models=models))
    gaps = run(bench.compile(policies), bench)
    beyond = [gap for gap in gaps if max_gap is not None and gap.exceeds(max_gap)]
    for gap in (*beyond, *(gap for gap in gaps if gap not in beyond))[: max(rows, len(beyond))]:
        first, last = gap.groups[0], gap.groups[-1]
        out.print(
            f"[bold]{gap.rule}[/] by {gap.dimension}" + (" [red]FAIL[/]" if gap in beyond else "")
        )
        out.print(
            f"  score: {first.name} {first.mean_score:.3f}, {last.name} {last.mean_score:.3f}, "
            f"gap {gap.score_gap}",
            markup=False,
        )
        if gap.false_positive_gap.value:
            out.print(f"  false positives: gap {gap.false_positive_gap}", markup=False)
        for group in gap.groups:
            if group.false_positives.hits:
                out.print(f"  false positives: {group.name} {group.false_positives}", markup=False)
    out.print(
        f"{len(gaps)} gaps measured" + (f", {len(beyond)} beyond {max_gap:g}" if beyond else "")
    )
    raise typer.Exit(1 if beyond else 0)
