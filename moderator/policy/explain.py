"""What pydantic found in a policy, as sentences for someone who knows no Python."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from moderator.policy.defaults import Defaults
from moderator.policy.model import MAPPING_SHAPE, PLAIN_SHAPE
from moderator.policy.problems import did_you_mean, show, unknown
from moderator.policy.schema import Policy
from moderator.policy.yaml.nodes import Steps

_NOT_A_MAPPING = {"model_type", "model_attributes_type", "dict_type", "mapping_type"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence and the way to what it is about; ``at_key`` where the key itself is meant.

    ``see`` leads to something else the sentence speaks of, or nowhere.
    """

    steps: Steps
    message: str
    at_key: bool = False
    see: Steps = ()


def explain(error: ValidationError) -> Iterator[Finding]:
    """Tell what an error of ``Policy`` holds, but not what only follows from something told."""
    errors = [_without_shapes(found) for found in error.errors(include_url=False)]
    misspelt = {_meant(found["loc"]) for found in errors if found["type"] == "extra_forbidden"}
    for found in errors:
        if found["type"] != "missing" or found["loc"] not in misspelt:
            yield _finding(found)


def _without_shapes(found: Any) -> Any:
    """Drop the marks of a value's shape from the way to it: no author wrote them."""
    way = tuple(step for step in found["loc"] if step not in (PLAIN_SHAPE, MAPPING_SHAPE))
    return {**found, "loc": way}


def _finding(found: Any) -> Finding:
    steps: Steps = found["loc"]
    at_key = steps[-1:] == ("[key]",)
    steps = steps[:-1] if at_key else steps
    match found["type"]:
        case "plain":
            return Finding(steps, found["msg"], at_key, see=found["ctx"]["see"])
        case "wanted":
            return Finding(steps, f"{_subject(steps)} {found['msg']}", at_key)
        case "missing":
            return Finding(steps, _missing(steps))
        case "extra_forbidden":
            message = unknown("key", str(steps[-1]), _known(steps))
            return Finding(steps, message, at_key=True)
        case "too_short":
            return Finding(steps, f"{_subject(steps)} is empty; it needs at least one entry")
        case _:
            return Finding(steps, f"{_subject(steps)} {_wanted(found)}")


def _wanted(found: Any) -> str:
    if found["type"] == "tuple_type":
        return f"must be a list, with `- ` before each item, not {show(found['input'])}"
    if found["type"] in _NOT_A_MAPPING:
        return f"must be a mapping, with lines of `key: value`, not {show(found['input'])}"
    return f"is not right: {found['msg']}"


def _missing(steps: Steps) -> str:
    key = steps[-1]
    if key == "violates":
        return "missing key `violates`: the sentences that describe what breaks the rule"
    in_rule = steps[:1] == ("rules",) and key in Defaults.model_fields
    return f"missing key `{key}`" + (", here or under `defaults`" if in_rule else "")


def _subject(steps: Steps) -> str:
    """Name what stands at the end of the way: a key, or an item of a list."""
    match steps:
        case (*_, str(key), int(position)):
            return f"item {position + 1} of `{key}`"
        case (*_, last):
            return f"`{last}`"
        case _:
            return "a policy file"


def _meant(steps: Steps) -> Steps:
    near = did_you_mean(str(steps[-1]), _known(steps))
    return (*steps[:-1], near or "")


def _known(steps: Steps) -> list[str]:
    """List the keys that are known where an unknown one was found."""
    model: type[BaseModel] | None = Policy
    for step in steps[:-1]:
        if model is not None and isinstance(step, str):
            field = _fields(model).get(step)
            model = _model_in(field.annotation) if field else None
    return list(_fields(model)) if model else []


def _fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields by the keys that stand in a file."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """Find the model in a type such as ``tuple[Rule, ...]`` or ``Defaults | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    inner = (_model_in(argument) for argument in get_args(annotation))
    return next((model for model in inner if model is not None), None)
