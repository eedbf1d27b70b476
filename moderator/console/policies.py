"""The rules in words, and what each did in the last hour and day."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from moderator.console.pages import Page, get, parts, render
from moderator.console.studio import studio
from moderator.policy.levels import Canary, Target
from moderator.policy.schema import Rule

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR
_Hits = Mapping[str, list[tuple[str, str, int]]]  # by rule: mode, action, posts


async def _page(request: Request) -> Response:
    state = parts(request).state
    policies = await studio(request).policies()
    hour, day = await state.rule_counts(_HOUR), await state.rule_counts(_DAY)
    known = {f"{policy.name}/{rule.id}" for policy, rule in policies}
    return render(
        request,
        "policies.html.j2",
        policies=policies,
        hour=_by_rule(hour),
        day=_by_rule(day),
        gone=sorted({rule for rule, *_ in day} - known),
        mode=mode,
        level=level,
        prompts=_prompts,
        may_try="author" in request.auth.scopes,
    )


def mode(rule: Rule) -> str:
    """A rule's mode in a word or two."""
    return f"canary {rule.mode.canary:.3g}" if isinstance(rule.mode, Canary) else rule.mode


def level(value: float | Target) -> str:
    """A threshold as its author wrote it."""
    if not isinstance(value, Target):
        return f"{value:g}"
    return f"precision {value.precision:.0%}" if value.rate is None else f"rate {value.rate:.3%}"


def _prompts(rule: Rule) -> list[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """Both sides by channel; once where the channels share them."""
    sides = {channel: rule.prompts(channel) for channel in rule.channels}
    if len(set(sides.values())) == 1:
        return [("", *next(iter(sides.values())))]
    return [(channel, *both) for channel, both in sides.items()]


def _by_rule(counts: Counter[tuple[str, str, str]]) -> _Hits:
    found: dict[str, list[tuple[str, str, int]]] = {}
    for (rule, its_mode, action), count in sorted(counts.items()):
        found.setdefault(rule, []).append((its_mode, action, count))
    return found


PAGE: Final = Page("/policies", "Policies", [get("/policies", _page)])
