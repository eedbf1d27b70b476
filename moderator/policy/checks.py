"""What must agree between the keys of a policy, read from the file as it stands.

The checks look at plain data rather than at finished models, because they also run on a policy in
which something else is wrong: the author hears of everything at once. So they take nothing for
granted and pass over what is of the wrong type; the schema has its own word on that.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic_core import InitErrorDetails

from moderator.policy.faults import fault
from moderator.policy.fields import CHANNELS, KEYWORDS, PROMPTED, READ, all_read
from moderator.policy.problems import Known
from moderator.policy.references import check_references
from moderator.verdicts import ALLOW

BUILT_IN_ACTIONS = ("allow", "review", "block")


def check_example(example: object) -> Iterator[InitErrorDetails]:
    """Yield what is wrong with an example as a whole."""
    if not isinstance(example, Mapping):
        return
    if not example.get("text") and not example.get("image"):
        yield fault("an example needs a `text`, an `image` or both")
    image = example.get("image")
    if isinstance(image, str) and (image.startswith(("/", "\\")) or ":" in image):
        yield fault("an example's image is a path relative to the policy file", "image")


def check_target(target: object) -> Iterator[InitErrorDetails]:
    """Yield what is wrong with the target of a threshold as a whole."""
    if _is_not_one_of(target, "precision", "rate"):
        yield fault("a target is either `precision: 0.95` or `rate: 0.5%`")


def check_keyword(keyword: object) -> Iterator[InitErrorDetails]:
    """Yield what is wrong with a keyword as a whole."""
    if _is_not_one_of(keyword, "term", "pattern", besides=("name", "score")):
        yield fault("a keyword is either a `term`, the same as the text alone, or a `pattern`")


def check_when(when: object) -> Iterator[InitErrorDetails]:
    """Yield what is wrong with a combination as a whole."""
    known = {"all", "any", "not"}
    if isinstance(when, Mapping) and when.keys() <= known and not _set(when, "all", "any"):
        yield fault("a combination needs `all` or `any`; `not` only takes away from them")


def check_rule(rule: object) -> Iterator[InitErrorDetails]:
    """Yield what does not agree within one rule, its policy's defaults filled in."""
    if not isinstance(rule, Mapping):
        return
    threshold, review_at = _number(rule.get("threshold")), _number(rule.get("review_at"))
    if threshold is not None and review_at is not None and review_at > threshold:
        yield fault(
            f"`review_at` {review_at:g} is above `threshold` {threshold:g}; "
            "it is where people start to look, so it cannot be higher",
            "review_at",
        )
    yield from _check_combination(rule)
    if not rule.get("when"):
        yield from _check_channels(rule)
    yield from _check_weights(rule)
    for way in ((), ("text",), ("image",)):
        yield from _check_both_sides(rule, *way)


def check_policy(policy: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Yield what does not agree between the rules of a policy, its actions and its defaults."""
    actions = _strings(policy["actions"]) if "actions" in policy else BUILT_IN_ACTIONS
    known = Known("action", (name for name in actions if name != ALLOW))
    yield from _check_order(actions)
    written = policy.get("defaults")
    defaults = written if isinstance(written, Mapping) else {}
    yield from _check_action(defaults, actions, known, "defaults")
    rules = policy.get("rules")
    first: dict[str, int] = {}
    for position, rule in enumerate(rules if isinstance(rules, list | tuple) else ()):
        if not isinstance(rule, Mapping):
            continue
        yield from _check_action(rule, actions, known, "rules", position)
        yield from _check_default_review(rule, defaults, position)
        name = rule.get("id")
        if isinstance(name, str) and first.setdefault(name, position) != position:
            message = f"rule id `{name}` is taken; give this rule another"
            yield fault(message, "rules", position, "id", see=("rules", first[name], "id"))
    yield from check_references(_items(rules))


def _check_channels(rule: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Yield channels that are read without prompts, and prompts for channels that are not read."""
    read = _read(rule)
    own = [channel for channel, key in PROMPTED.items() if rule.get(key) is not None]
    for key in dict.fromkeys(PROMPTED[channel] for channel in own):
        if not any(PROMPTED.get(channel) == key for channel in read):
            message = f"`{key}` has prompts here, but `channels` does not name it; add it there"
            yield fault(message, key)
    needy = [channel for channel in read if channel in CHANNELS and channel not in own]
    if rule.get("keywords") and not rule.get("violates"):
        if rule.get("allows"):
            yield fault("`allows` has nothing to stand against; add `violates`", "allows")
    elif needy and "violates" not in rule:
        yield InitErrorDetails(type="missing", loc=("violates",), input=rule)
    elif needy and not rule["violates"]:
        yield fault("`violates` needs at least one prompt", "violates")


def _read(rule: Mapping[str, Any]) -> tuple[str, ...]:
    """What a rule says it reads."""
    return _strings(rule["channels"]) if "channels" in rule else READ


def _check_combination(rule: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    """Yield what a rule made of others cannot have of its own."""
    if not rule.get("when"):
        return
    for key in ("violates", "allows", "text", "image", "keywords", "weights"):
        if rule.get(key):
            message = f"a rule with `when` is made of other rules; put `{key}` into one of those"
            yield fault(message, key)


def _check_weights(rule: Mapping[str, Any]) -> Iterator[InitErrorDetails]:
    weights = rule.get("weights")
    if not isinstance(weights, Mapping) or not weights:
        return
    if rule.get("fusion", "max") != "weighted":
        yield fault("`weights` work with `fusion: weighted` only; add it or remove them", "weights")
    read = all_read(_read(rule))
    for channel in weights:
        if channel == KEYWORDS and not rule.get("keywords"):
            yield fault("a weight for `keywords`, of which the rule has none", "weights", channel)
        if channel in CHANNELS and channel not in read:
            message = f"a weight for `{channel}`, which `channels` does not name"
            yield fault(message, "weights", channel)


def _check_both_sides(rule: Mapping[str, Any], *way: str) -> Iterator[InitErrorDetails]:
    """Yield prompts that are both forbidden and allowed: they would cancel themselves out."""
    prompts = rule.get(way[0]) if way else rule
    if not isinstance(prompts, Mapping):
        return
    forbidden = {prompt.strip().casefold() for prompt in _strings(prompts.get("violates"))}
    for position, prompt in enumerate(_items(prompts.get("allows"))):
        if isinstance(prompt, str) and prompt.strip() and prompt.strip().casefold() in forbidden:
            message = "this prompt also stands under `violates`; it cannot be on both sides"
            yield fault(message, *way, "allows", position)


def _check_order(actions: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    built_in = tuple(action for action in actions if action in BUILT_IN_ACTIONS)
    if built_in != BUILT_IN_ACTIONS or actions[0] != "allow":
        message = (
            "`actions` go from the mildest to the strictest: first `allow`, "
            "then `review` before `block`, with names of your own after `allow`"
        )
        yield fault(message, "actions")


def _check_action(
    rule: Mapping[str, Any], actions: tuple[str, ...], known: Known, *way: str | int
) -> Iterator[InitErrorDetails]:
    action = rule.get("action")
    if isinstance(action, str) and action not in actions:
        yield fault(known.unknown(action), *way, "action")


def _check_default_review(
    rule: Mapping[str, Any], defaults: Mapping[str, Any], position: int
) -> Iterator[InitErrorDetails]:
    """Yield a rule's own threshold where the review line of the defaults lies above it."""
    threshold, review_at = _number(rule.get("threshold")), _number(defaults.get("review_at"))
    if threshold is None or review_at is None or "review_at" in rule or review_at <= threshold:
        return
    message = (
        f"`threshold` {threshold:g} is below the `review_at` {review_at:g} of `defaults`; "
        "give this rule a `review_at` of its own"
    )
    yield fault(message, "rules", position, "threshold")


def _is_not_one_of(data: object, *keys: str, besides: tuple[str, ...] = ()) -> bool:
    """Whether a mapping has none of these keys, or several; of a misspelt one others tell."""
    return (
        isinstance(data, Mapping)
        and data.keys() <= {*keys, *besides}
        and sum(data.get(key) is not None for key in keys) != 1
    )


def _set(data: Mapping[str, Any], *keys: str) -> list[str]:
    return [key for key in keys if data.get(key)]


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1:
        return float(value)
    return None


def _items(value: object) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else ()


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in _items(value) if isinstance(item, str))
