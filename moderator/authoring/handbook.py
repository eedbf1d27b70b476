"""`moderator policy docs`: a policy as a page to read, for moderators or for users."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Literal

from moderator.authoring.handbook_text import (
    Titled,
    combination,
    consequence,
    details,
    either,
    in_its_mode,
    scope,
    so_far,
    spelt,
    titles_of,
)
from moderator.authoring.page import page
from moderator.policy.policyset import PolicySet
from moderator.policy.schema import Policy, Rule
from moderator.verdicts import ALLOW

Audience = Literal["moderators", "users"]
_MOST_PROMPTS = 6  # of a side that users see


def as_page(policies: PolicySet, audience: Audience) -> str:
    """Rules with what is and is not wanted; moderators also see scores, modes and examples.

    Users do not: thresholds, keywords, test posts and the posts that a rule never sees would tell
    how to slip by. Nor do they see rules that are off or only report.
    """
    title = "What may be posted" if audience == "users" else "Moderation handbook"
    section = _for_users if audience == "users" else _for_moderators
    parts = [f"<h1>{title}</h1>", *map(section, policies.policies)]
    return page(title, "\n".join(parts))


def _for_users(policy: Policy) -> str:
    rules = [rule for rule in policy.rules if _public(rule)]
    if not rules:
        return ""
    titled, known = titles_of(policy), {rule.id for rule in rules}
    sections = [_told(rule, titled, known) for rule in rules]
    return _policy(policy, _only_on(policy.surfaces), rules, sections)


def _for_moderators(policy: Policy) -> str:
    surfaces = ", ".join(policy.surfaces or ()) or "everywhere"
    owner = f", owned by {policy.owner}" if policy.owner else ""
    told = f"{policy.name}, version {policy.version}{owner}; holds for: {surfaces}"
    titled, by_id = titles_of(policy), {rule.id: rule for rule in policy.rules}
    sections = [_explained(rule, titled, by_id) for rule in policy.rules]
    return _policy(policy, told, policy.rules, sections)


def _policy(policy: Policy, told: str, rules: Sequence[Rule], sections: Sequence[str]) -> str:
    listed = "".join(
        f'<li><a href="#{escape(_anchor(policy, rule))}">{escape(rule.title)}</a></li>'
        for rule in rules
    )
    bodies = "".join(
        f'<section id="{escape(_anchor(policy, rule))}"><h3>{escape(rule.title)}</h3>{body}'
        f"{_list('Follows from', rule.references)}</section>"
        for rule, body in zip(rules, sections, strict=True)
    )
    head = f"<h2>{escape(policy.description or policy.name)}</h2>{_line(told, ' class=muted')}"
    return f"{head}<ul>{listed}</ul>{bodies}"


def _told(rule: Rule, titled: Titled, known: set[str]) -> str:
    """A rule for users, who know of those in `known` only."""
    shown = rule.when is not None and known.issuperset(rule.when.rules())
    matches = _matches(rule, titled) if shown else ""
    violates, allows = (_prompts(rule, side)[:_MOST_PROMPTS] for side in (0, 1))
    if not (rule.description or violates or matches):
        matches = "What it looks for is not listed here."
    names = [name for name in rule.excepts.rules or () if name in known]
    excused = [f"posts that match {titled(name)}" for name in names]
    return "".join(
        (
            _line(rule.description or ""),
            _line(consequence(rule)),
            _line(_only_on(rule.applies_to.surfaces)),
            _line(matches),
            _sides(rule, violates, allows),
            _list("Exceptions", [*excused, *_elsewhere(rule)]),
        )
    )


def _explained(rule: Rule, titled: Titled, by_id: Mapping[str, Rule]) -> str:
    """A rule for moderators."""
    names = rule.excepts.rules or ()
    excused = [f"posts that match {titled(name)}{so_far(by_id[name])}" for name in names]
    words = [f"posts with {spelt(keyword)}" for keyword in rule.excepts.keywords]
    holds = scope(rule.applies_to)
    return "".join(
        (
            _line(rule.description or ""),
            _line(in_its_mode(rule)),
            _line(f"Only for posts {holds}." if holds else ""),
            _line(_matches(rule, titled)),
            _list("Words it looks for", [spelt(keyword) for keyword in rule.keywords]),
            _sides(rule, _prompts(rule, 0), _prompts(rule, 1)),
            _list("Exceptions", [*excused, *_elsewhere(rule), *words]),
            _details(rule),
        )
    )


def _matches(rule: Rule, titled: Titled) -> str:
    return f"For posts that match {combination(rule.when, titled)}." if rule.when else ""


def _sides(rule: Rule, violates: Sequence[str], allows: Sequence[str]) -> str:
    if rule.action == ALLOW:  # what such a rule matches is welcome
        return _list("Posts like these", violates) + _list("Not posts like these", allows)
    return _list("Not wanted", violates) + _list("Fine", allows)


def _elsewhere(rule: Rule) -> list[str]:
    return [f"posts on {either(rule.excepts.surfaces)}"] if rule.excepts.surfaces else []


def _only_on(surfaces: Sequence[str] | None) -> str:
    return f"Only for posts on {either(surfaces)}." if surfaces else ""


def _details(rule: Rule) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in details(rule)
    )
    fires = [example.text or f"[{example.image}]" for example in rule.examples.violates]
    passes = [example.text or f"[{example.image}]" for example in rule.examples.allows]
    tests = _list("Tested to fire on", fires) + _list("Tested to pass", passes)
    return f"<details><summary>Settings and tests</summary><table>{rows}</table>{tests}</details>"


def _line(text: str, attributes: str = "") -> str:
    return f"<p{attributes}>{escape(text)}</p>" if text else ""


def _list(title: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"<h4>{title}</h4><ul>{''.join(f'<li>{escape(item)}</li>' for item in items)}</ul>"


def _prompts(rule: Rule, side: int) -> list[str]:
    """Of all channels, each once."""
    return list(dict.fromkeys(p for channel in rule.channels for p in rule.prompts(channel)[side]))


def _public(rule: Rule) -> bool:
    return rule.mode_name not in {"off", "shadow"}


def _anchor(policy: Policy, rule: Rule) -> str:
    return f"{policy.name}.{rule.id}"
