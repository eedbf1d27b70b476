"""`moderator policy docs`: a policy as a page to read, for moderators or for users."""

from collections.abc import Sequence
from html import escape
from typing import Literal

from moderator.authoring.page import page
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy, Rule

Audience = Literal["moderators", "users"]
_MOST_PROMPTS = 6  # of a side that users see
_DONE = {"review": "A person looks at it.", "block": "It is not published."}


def as_page(policies: PolicySet, audience: Audience) -> str:
    """Rules with what is and is not wanted; moderators also see scores, modes and examples.

    Users do not: thresholds and test posts would tell how to slip by. Nor do they see rules that
    are off or only report.
    """
    title = "What may be posted" if audience == "users" else "Moderation handbook"
    parts = [f"<h1>{title}</h1>", *(_policy(policy, audience) for policy in policies.policies)]
    return page(title, "\n".join(parts))


def _policy(policy: Policy, audience: Audience) -> str:
    rules = [rule for rule in policy.rules if audience == "moderators" or _public(rule)]
    head = f"<h2>{escape(policy.description or policy.name)}</h2>"
    if audience == "moderators":
        surfaces = ", ".join(policy.surfaces or ()) or "everywhere"
        owner = f", owned by {policy.owner}" if policy.owner else ""
        told = f"{policy.name}, version {policy.version}{owner}; holds for: {surfaces}"
        head += f"<p class=muted>{escape(told)}</p>"
    listed = "".join(
        f'<li><a href="#{escape(_anchor(policy, rule))}">{escape(rule.title)}</a></li>'
        for rule in rules
    )
    return f"{head}<ul>{listed}</ul>{''.join(_rule(policy, rule, audience) for rule in rules)}"


def _rule(policy: Policy, rule: Rule, audience: Audience) -> str:
    violates, allows = _prompts(rule, 0), _prompts(rule, 1)
    if audience == "users":
        violates, allows = violates[:_MOST_PROMPTS], allows[:_MOST_PROMPTS]
    parts = [
        f'<section id="{escape(_anchor(policy, rule))}"><h3>{escape(rule.title)}</h3>',
        f"<p>{escape(rule.description)}</p>" if rule.description else "",
        f"<p>{escape(_DONE.get(rule.action, f'What happens: {rule.action}.'))}</p>",
        _list("Not wanted", violates),
        _list("Fine", allows),
    ]
    if audience == "moderators":
        parts.append(_details(rule))
    parts.append(_list("Follows from", rule.references))
    return "".join(parts) + "</section>"


def _details(rule: Rule) -> str:
    values = {
        "severity": rule.severity,
        "action": rule.action,
        "mode": rule.mode,
        "threshold": rule.threshold,
        "review from": rule.review_at,
        "reads": ", ".join(rule.channels),
        "fusion": rule.fusion,
    }
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
        for name, value in values.items()
    )
    fires = [example.text or f"[{example.image}]" for example in rule.examples.violates]
    passes = [example.text or f"[{example.image}]" for example in rule.examples.allows]
    tests = _list("Tested to fire on", fires) + _list("Tested to pass", passes)
    return f"<details><summary>For moderators</summary><table>{rows}</table>{tests}</details>"


def _list(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h4>{title}</h4><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def _prompts(rule: Rule, side: int) -> list[str]:
    """Of all channels, each once."""
    return list(dict.fromkeys(p for channel in rule.channels for p in rule.prompts(channel)[side]))


def _public(rule: Rule) -> bool:
    return rule.mode not in {"off", "shadow"}


def _anchor(policy: Policy, rule: Rule) -> str:
    return f"{policy.name}.{rule.id}"
