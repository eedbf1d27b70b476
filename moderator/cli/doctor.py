"""`moderator doctor`."""

import logging
from typing import Annotated

import typer

from moderator.cli.shared import (
    KafkaOption,
    ModelsOption,
    PolicyOption,
    TextModelsOption,
    out,
    settings_with,
)

cli = typer.Typer()
_STYLES = {"ok": "green", "unknown": "dim", "warn": "yellow", "fail": "bold red"}


@cli.command()
def doctor(
    kafka: KafkaOption = None,
    policy: PolicyOption = None,
    models: ModelsOption = None,
    text_models: TextModelsOption = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object per finding and line.")
    ] = False,
) -> None:
    """Check what a worker needs: broker, topics, Redis, policies, models, provider, clock, rights.

    Says what to do about each problem. Exit code: 0 when a worker could work, 1 when not. Changes
    nothing.
    """
    import msgspec
    from rich.markup import escape

    from moderator.doctor.run import can_work, examine

    settings = settings_with(kafka=kafka, policy=policy, models=models, text_models=text_models)
    logging.getLogger("aiokafka").setLevel("CRITICAL")  # what matters of it we say ourselves
    findings = []
    for finding in examine(settings):
        findings.append(finding)
        if as_json:
            typer.echo(msgspec.json.encode(finding))
            continue
        status = str(finding.status)
        style = _STYLES[status]
        line = f"[{style}]{status:7}[/] {escape(finding.check):24} {escape(finding.found)}"
        out.print(line)
        if finding.advice:
            out.print(f"{'':8}→ {escape(finding.advice)}")
    raise typer.Exit(0 if can_work(findings) else 1)
