"""What holds for every rule of a file that does not say otherwise."""

from collections.abc import Mapping
from typing import Any

from pydantic_core import InitErrorDetails

from moderator.policy.fields import Channels, Fusion, Severity, Text
from moderator.policy.levels import Mode, Threshold
from moderator.policy.model import Model


class Defaults(Model):
    """What holds for every rule of the file that does not say otherwise."""

    severity: Severity | None = None
    """How bad it is: low, medium, high or critical."""

    action: Text | None = None
    """What happens from the threshold on."""

    threshold: Threshold | None = None
    """The score, between 0 and 1, from which the action is taken; or a target for it."""

    review_at: Threshold | None = None
    """The score from which people look at the post; or a target for it."""

    fusion: Fusion | None = None
    """How the scores of text and image become one."""

    mode: Mode | None = None
    """Whether rules act, only report, or rest."""

    channels: Channels | None = None
    """What rules read: text, image or both."""


def filled(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return the policy with the defaults written into each of its rules."""
    values = {key: value for key, value in given(policy).items() if value is not None}
    rules = policy.get("rules")
    if not values or not isinstance(rules, list | tuple):
        return dict(policy)
    written = [values | dict(rule) if isinstance(rule, Mapping) else rule for rule in rules]
    return {**policy, "rules": written}


def given(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a policy's ``defaults`` hold that can be a default at all."""
    values = policy.get("defaults")
    if isinstance(values, Defaults):
        values = values.model_dump()
    if not isinstance(values, Mapping):
        return {}
    return {key: value for key, value in values.items() if key in Defaults.model_fields}


def is_inherited(error: InitErrorDetails, policy: Mapping[str, Any]) -> bool:
    """Tell a rule's error that lies in the defaults, where it is reported once and not per rule."""
    match error.get("loc", ()):
        case ("rules", int(position), str(key), *_):
            rule = policy["rules"][position]
            return isinstance(rule, Mapping) and key not in rule and key in given(policy)
        case _:
            return False
