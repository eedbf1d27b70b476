"""`moderator reviews`: what moderators decided."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from moderator.cli.shared import KafkaOption, PolicyOption, err, settings_with

cli = typer.Typer(help="What moderators decided in the console.", no_args_is_help=True)


@cli.callback()
def group() -> None:
    """Stay a group, also with one command."""


@cli.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where the labels go; `policy calibrate` reads it.")],
    kafka: KafkaOption = None,
    policy: PolicyOption = None,
) -> None:
    """Write the decisions as labelled posts, for `moderator policy calibrate`.

    Decisions that were undone are left out, labels on which moderators disagree, and those of rules
    that the policies do not have any longer.

    Only posts whose verdict was `review` are decided on, so these are no sample of all posts: what
    is fitted to them holds between a rule's two lines, see docs/moderators.md.

        moderator reviews export labels.jsonl && moderator policy calibrate --labels labels.jsonl
    """
    from moderator.policy.load import load_policies
    from moderator.policy.policyset import qualified_id
    from moderator.stream.reviews import export_labels

    settings = settings_with(kafka=kafka, policy=policy)
    rules = {qualified_id(*each) for each in load_policies(settings.policies)}
    done = asyncio.run(export_labels(settings, rules, file))
    err.print(f"posts with labels: {done.posts}, of {done.reviews} decisions read")
    err.print(
        "all of them had the verdict review: what `policy calibrate` fits to them alone holds"
    )
    err.print(
        "between a rule's two lines; beside them, label some of all posts (docs/moderators.md)"
    )
    if done.contested:
        err.print(f"labels left out because moderators disagree: {done.contested}")
    if done.unknown:
        err.print(f"rules the policies do not have: {', '.join(sorted(done.unknown))}")
