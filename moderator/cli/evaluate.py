"""`moderator eval`: rules and encoders against labelled posts."""

from pathlib import Path
from typing import Annotated

import typer

from moderator.cli.shared import ModelsOption, err, out, settings_with
from moderator.settings import bundled

cli = typer.Typer()

_RULES = "benchmarks/public-sets.yaml"


@cli.command("eval")
def evaluate(
    suites: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SUITE]...", help="Names, `all`, or FILE.jsonl; none lists them."),
    ] = None,
    *,
    policy: Annotated[
        list[Path] | None,
        typer.Option("--policy", help="Policy file; the suites' own rules when not given."),
    ] = None,
    models: ModelsOption = None,
    data: Annotated[
        Path, typer.Option(help="Folder with the suites' files, which do not come with moderator.")
    ] = Path("data/eval"),
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TASK=POLICY/RULE", help="Judge a task, or a label of your file, by a rule."
        ),
    ] = None,
    ocr: Annotated[
        bool,
        typer.Option(
            "--ocr", help="Read what is written in images, too; needs the extra ocr. Slow: hours."
        ),
    ] = False,
    as_json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything for programs.")
    ] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page with plots for each suite.")
    ] = None,
) -> None:
    """Measure how well rules judge labelled posts: AP, AUROC, precision at recall, F1, calibration.

    By channel and fused, and at the rules' own lines; all figures with 95 % intervals. What an
    exception lets pass counts as passed. Posts that a rule could not read are in none of its
    figures, and are counted.

    A file of your own has posts with a `labels` object, one per line:

        {"id": "1", "text": "hello", "labels": {"community/scams": 0}}
    """
    from moderator.evaluation.suites import load_suite, shipped

    if not suites:
        for name in shipped():
            suite = load_suite(name)
            out.print(f"{name:20} {suite.title} ({suite.source})", markup=False)
        return
    from moderator.evaluation.command import Options, run_suites

    policies = policy or [bundled("policies") / _RULES]
    reading = {"ocr": "on"} if ocr else {}
    settings = settings_with(policy=policies, models=models, verdict_detail="full", **reading)
    names = list(shipped()) if suites == ["all"] else suites
    run_suites(names, settings, Options(data, rule or (), as_json, html), out, err)
