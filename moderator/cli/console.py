"""`moderator console`: the web console."""

from typing import Annotated

import typer

from moderator.cli.shared import (
    KafkaOption,
    ModelsOption,
    PolicyOption,
    TextModelsOption,
    settings_with,
)

cli = typer.Typer()


@cli.command()
def console(
    kafka: KafkaOption = None,
    policy: PolicyOption = None,
    models: ModelsOption = None,
    text_models: TextModelsOption = None,
    port: Annotated[int | None, typer.Option(help="Of its pages.", show_default="6067")] = None,
) -> None:
    """Serve the web console: what goes through, what waits for a person, and why.

    Needs the extra `moderator[console]` and a Redis (MODERATOR_REDIS). It listens on 127.0.0.1;
    beyond that it asks who it is, see MODERATOR_CONSOLE_AUTH in `moderator config`.
    """
    from moderator import logs
    from moderator.extras import needed

    for module in ("authlib", "itsdangerous", "jinja2", "starlette", "uvicorn"):
        needed(module, "console")
    from moderator.console.app import run_console

    settings = settings_with(
        kafka=kafka, policy=policy, models=models, text_models=text_models, console_port=port
    )
    logs.configure(settings)
    run_console(settings)
