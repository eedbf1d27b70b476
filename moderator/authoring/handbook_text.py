"""What the keys of a rule come to, in words, for `moderator policy docs`."""

from collections.abc import Callable, Iterable, Iterator

from moderator.policy.conditions import AppliesTo, Operand, When
from moderator.policy.keywords import SURE, Keyword
from moderator.policy.levels import Canary, Target
from moderator.policy.schema import Policy, Rule

Titled = Callable[[str], str]
"""From the id of a rule to its title in quotes."""

_DONE = {
    "allow": "Such a post is excused from the rules that name this one as an exception.",
    "review": "A person looks at it.",
    "block": "It is not published.",
}
_HOLDS = {"text": "text", "image": "an image", "ocr": "text in an image"}


def titles_of(policy: Policy) -> Titled:
    """How rules are named that stand in others."""
    titles = {rule.id: f"“{rule.title}”" for rule in policy.rules}
    return titles.__getitem__


def consequence(rule: Rule) -> str:
    """What happens to a post that breaks the rule, once it is in force."""
    return _DONE.get(rule.action, f"What happens: {rule.action}.")


def in_its_mode(rule: Rule) -> str:
    """What happens to a post that breaks the rule today."""
    done = consequence(rule)
    match rule.mode:
        case Canary(canary=share):
            return f"On {percent(share)} of posts, and only reported on the others: {done}"
        case "shadow":
            return f"Only reported, nothing happens to posts. Once it is in force: {done}"
        case "off":
            return f"Does not run. Once it is in force: {done}"
        case _:
            return done


def so_far(rule: Rule) -> str:
    """What to add where a rule that excuses posts is not, or not wholly, in force."""
    match rule.mode:
        case Canary(canary=share):
            return f" (so far on {percent(share)} of posts)"
        case "shadow" | "off":
            return " (not before that rule is in force)"
        case _:
            return ""


def combination(when: When, titled: Titled) -> str:
    """What a rule is made of: “A” and (“B” or “C”) and not “D”."""
    parts = [_operand(part, titled) for part in when.all_of]
    if when.any_of:
        any_of = either(_operand(part, titled) for part in when.any_of)
        alone = len(when.any_of) == 1 or not (when.all_of or when.none_of)
        parts.append(any_of if alone else f"({any_of})")
    parts += [f"not {_operand(part, titled)}" for part in when.none_of]
    return " and ".join(parts)


def _operand(operand: Operand, titled: Titled) -> str:
    if isinstance(operand, str):
        return titled(operand)
    said = combination(operand, titled)
    several = len(operand.all_of) + len(operand.any_of) + len(operand.none_of) > 1
    return f"({said})" if several else said


def scope(applies_to: AppliesTo) -> str:
    """The posts that a rule is for; empty where it is for all."""
    holds = [_HOLDS[channel] for channel in applies_to.modalities or ()]
    said = (
        ("on {}", applies_to.surfaces),
        ("in {}", applies_to.languages),
        ("by authors of tier {}", applies_to.author_tiers),
        ("with {}", holds),
    )
    return ", ".join(form.format(either(names)) for form, names in said if names)


def spelt(keyword: Keyword) -> str:
    """A keyword as moderators know it, with the name that verdicts give it."""
    said = f"the pattern “{keyword.pattern}”" if keyword.pattern else f"“{keyword.term}”"
    called = f", called “{keyword.name}”" if keyword.name else ""
    return said + called + (f", score {keyword.score:g}" if keyword.score != SURE else "")


def line(value: float | Target) -> str:
    """A threshold, or what it is to reach."""
    if not isinstance(value, Target):
        return f"{value:g}"
    if value.precision is not None:
        return f"where {percent(value.precision)} of posts from there on break the rule"
    return f"where {percent(value.rate or 0)} of ordinary posts lie above"


def details(rule: Rule) -> Iterator[tuple[str, str]]:
    """How a rule is set, as names and values."""
    yield "severity", rule.severity
    yield "action", rule.action
    yield "mode", rule.mode_name
    yield "threshold", line(rule.threshold)
    yield "review from", line(rule.review_at)
    if rule.when is None:  # one that is made of others reads nothing itself
        yield "reads", ", ".join(_read(rule))
        weights = ", ".join(f"{channel} {weight:g}" for channel, weight in rule.weights.items())
        yield "fusion", rule.fusion + (f" ({weights})" if weights else "")


def _read(rule: Rule) -> Iterator[str]:
    yield from (channel for channel in rule.channels if rule.prompts(channel)[0])
    if rule.keywords:
        yield "keywords"


def either(names: Iterable[str]) -> str:
    """Join names: any of them."""
    return " or ".join(names)


def percent(share: float) -> str:
    """A share as people say it."""
    return f"{100 * share:.4g} %"
