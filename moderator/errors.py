"""Every exception of the project. The class decides what happens to whoever raised it.

    ModeratorError
    ├ StartupError      exit 2           settings, policy, model file
    │ ├ SettingsError
    │ ├ PolicyError                      carries every problem found, with its place
    │ └ ModelError
    ├ InputError        dead letter      undecodable post, unreadable media; never retried
    │ ├ PostError
    │ └ MediaError
    ├ TransientError    retry, backoff   broker, cache, media host
    │ └ NotAskedError                    counts against no host
    └ InferenceError    human review     NaN, wrong shape; never an automatic `allow`

Errors of other libraries are wrapped where they enter, with ``from``.
"""

import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from moderator.policy.problems import Problem


class ModeratorError(Exception):
    """Root of all errors raised on purpose. ``code``: a stable word for metrics and verdicts."""

    code = "error"


class StartupError(ModeratorError):
    """The process cannot start as it was asked to; the message says what to change."""


class SettingsError(StartupError):
    """A setting has a value that cannot be used."""


class PolicyError(StartupError):
    """One or more policy files cannot be used; the message lists every problem with its place.

    ``problems`` holds them one by one, for editors and checks.
    """

    def __init__(self, message: str, problems: "tuple[Problem, ...]" = ()) -> None:
        super().__init__(message)
        self.problems = problems


class ModelError(StartupError):
    """A model directory is incomplete, altered or not understood."""


class InputError(ModeratorError):
    """Input that no retry will mend.

    ``code`` says which kind, in verdicts, dead-letter headers and metrics.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class PostError(InputError):
    """The bytes are not a post."""


class MediaError(InputError):
    """An attachment cannot be read: not an image, too large, refused, gone."""


class TransientError(ModeratorError):
    """Something outside is away for now; the same call may succeed later."""

    code = "unavailable"


class NotAskedError(TransientError):
    """Whoever was to be asked was not: our own means were taken, and it is not to blame."""


class InferenceError(ModeratorError):
    """An encoder failed or returned something that is not an embedding."""

    code = "inference_failed"


def bug(error: BaseException) -> str:
    """Where an error that nobody meant to raise comes from, without its message.

    For verdicts and logs: what strangers sent, and the secrets in their URLs, are in such messages.
    """
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
