"""What rules say of each other: every name is one of the file, and nothing goes round in a circle.

Like `checks`, this reads plain data in which anything may be wrong.
"""

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from pydantic_core import InitErrorDetails

from moderator.policy.faults import fault
from moderator.policy.problems import Known
from moderator.verdicts import ALLOW

_NO_ACTION = (
    "`allow` is what happens when no rule fires; a rule needs another action, unless it only "
    "excuses posts from others, which name it under `except`"
)
Steps = tuple[str | int, ...]


def check_references(rules: Sequence[Any]) -> Iterator[InitErrorDetails]:
    """Yield references to rules that are not there, are off, are the rule itself, or go round.

    And rules that would do nothing, because they allow and excuse from no other.
    """
    by_id = {
        rule["id"]: rule
        for rule in rules
        if isinstance(rule, Mapping) and isinstance(rule.get("id"), str)
    }
    known = Known("rule", by_id)
    graph: dict[str, set[str]] = {}
    excusing = {
        name for rule in by_id.values() for steps, name in _named(rule) if steps[0] == "except"
    }
    for position, rule in enumerate(rules):
        if not isinstance(rule, Mapping):
            continue
        if rule.get("action") == ALLOW and rule.get("id") not in excusing:
            yield fault(_NO_ACTION, "rules", position, "action")
        for steps, name in _named(rule):
            if name not in by_id:
                yield fault(known.unknown(name), "rules", position, *steps)
            elif by_id[name].get("mode") == "off" and rule.get("mode") != "off":
                message = f"rule `{name}` is off, so it has no score; make it `mode: shadow`"
                if steps[0] == "except":
                    message = f"rule `{name}` is off, so it excuses nothing; take it out of here"
                yield fault(message, "rules", position, *steps)
            elif isinstance(rule.get("id"), str):
                graph.setdefault(rule["id"], set()).add(name)
    if circle := _circle(graph):
        place = next(
            n for n, r in enumerate(rules) if isinstance(r, Mapping) and r.get("id") == circle[0]
        )
        chain = " → ".join(f"`{name}`" for name in circle)
        yield fault(f"these rules wait for each other: {chain}", "rules", place, "id")


def _named(rule: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    """Yield the rules that a rule names, with the way to each name."""
    yield from _operands(rule.get("when"), ("when",))
    excepts = rule.get("except")
    if isinstance(excepts, Mapping):
        yield from _strings(excepts.get("rules"), ("except", "rules"))


def _operands(when: object, way: Steps) -> Iterator[tuple[Steps, str]]:
    if not isinstance(when, Mapping):
        return
    for key in ("all", "any", "not"):
        yield from _strings(when.get(key), (*way, key))
        operands = when.get(key)
        for position, operand in enumerate(operands if isinstance(operands, list | tuple) else ()):
            yield from _operands(operand, (*way, key, position))


def _strings(items: object, way: Steps) -> Iterator[tuple[Steps, str]]:
    for position, item in enumerate(items if isinstance(items, list | tuple) else ()):
        if isinstance(item, str):
            yield (*way, position), item


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle
    return []
