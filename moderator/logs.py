"""How log lines look: for people on a terminal, or an object of JSON a line for machines.

Modules log through the standard library, as libraries do, so every line of the process comes out
in one form. What is given as ``extra={...}`` becomes fields. No line quotes a post unless
`MODERATOR_LOG_CONTENT` asks for it.
"""

import logging
import sys
import traceback

import structlog

from moderator.settings import Settings

# At INFO they tell of their own insides. The last is ours, but only mode logs under its name.
_LIBRARIES = ("faust", "mode", "aiokafka", "moderator.stream.app")
# At DEBUG they quote whole requests, with passwords and posts in them.
_QUOTING = ("aiokafka",)


def configure(settings: Settings) -> None:
    """Send every record of the process to standard error in the form of `log_format`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(settings))
    logging.basicConfig(level=settings.log_level, handlers=[handler], force=True)
    set_levels(settings.log_level)


def set_levels(level: str) -> None:
    """Ours, and those of libraries: they start at WARNING, or at DEBUG with it."""
    logging.getLogger().setLevel(level)
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel("WARNING" if level == "INFO" else level)
    if level == "DEBUG":
        for library in _QUOTING:
            logging.getLogger(library).setLevel("INFO")


def formatter(settings: Settings) -> logging.Formatter:
    """The form of a line."""
    as_json = settings.log_format == "json"
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=as_json),
    ]
    end: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if as_json
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end],
    )


def where(error: BaseException) -> str:
    """Class and places of an error without its message, which may quote what was being read."""
    places = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)))
    return f"{type(error).__name__}\n{places}".rstrip()
