"""Errors of a policy on their way through pydantic, in sentences from the start.

A ``wanted`` fault is the end of a sentence (``must be …, not …``), to be put after the key; a
``plain`` fault is a whole sentence. What pydantic finds by itself is told by ``explain``.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import ModelWrapValidatorHandler, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from moderator.policy.yaml.nodes import Steps

WANTED = "wanted"
PLAIN = "plain"

Model = TypeVar("Model")


def sentence(kind: str, message: str, see: Steps = ()) -> PydanticCustomError:
    """Make an error for a validator to raise; ``see`` leads to something else it speaks of."""
    # The message goes in as a value: pydantic would read braces in it as places to fill.
    return PydanticCustomError(kind, "{message}", {"message": message, "see": see})


def fault(message: str, *steps: str | int, see: Steps = ()) -> InitErrorDetails:
    """Make an error, a whole sentence, about what ``steps`` lead to from here."""
    return InitErrorDetails(type=sentence(PLAIN, message, see), loc=steps, input=message)


def fail(faults: Iterable[InitErrorDetails]) -> None:
    """Raise the faults, if there are any, as one ``ValidationError``."""
    if found := list(faults):
        raise ValidationError.from_exception_data("policy", found)


def collect(error: ValidationError) -> list[InitErrorDetails]:
    """Take an error apart, so that more can be added and it can be raised again."""
    return [_again(found) for found in error.errors(include_url=False) if not _follows(found)]


def validate(
    data: Any, handler: ModelWrapValidatorHandler[Model], faults: Iterable[InitErrorDetails]
) -> Model:
    """Validate a model's fields and raise what is wrong in them together with ``faults``."""
    try:
        model = handler(data)
    except ValidationError as error:
        faults = (*collect(error), *faults)
    fail(faults)
    return model


def _again(found: Any) -> InitErrorDetails:
    """Make the error anew; pydantic takes its own kinds by name and ours by value."""
    kind, context = found["type"], found.get("ctx", {})
    if kind in {WANTED, PLAIN}:
        kind, context = sentence(kind, context["message"], context["see"]), {}
    return InitErrorDetails(type=kind, loc=found["loc"], input=found["input"], ctx=context)


def _follows(found: Any) -> bool:
    """Tell what pydantic finds only because of something else that it tells as well."""
    if found["type"] == "too_short":
        return bool(found["input"])  # it counts the good entries, and here all are wrong
    # A default made from another key waits for that key.
    return bool(found["type"] == "default_factory_not_called")
