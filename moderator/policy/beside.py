"""New rules compiled beside a stream of posts, without getting in its way.

A thousand rules are some ten thousand prompts: tens of seconds of the encoder that posts wait for,
too. So they are embedded a few at a time, with a rest as long as the work after each. Measured by
`python -m tests.bench.reload`.
"""

import time
from collections.abc import Callable, Mapping

from moderator.cache.base import VectorCache
from moderator.encoders.base import Space
from moderator.policy.compile import CompiledRules, compile_rules
from moderator.policy.embed import embed_prompts
from moderator.policy.policyset import PolicySet

_AT_ONCE = 8
"""Prompts between two rests: the tokenizer and the cores are shared with the posts."""


def compile_beside(
    policies: PolicySet,
    channels: Mapping[str, Space],
    cache: VectorCache,
    rest: Callable[[float], None] = time.sleep,
) -> CompiledRules:
    """As `compile_rules`, in about twice the time. `rest` is given seconds."""
    for channel, space in channels.items():
        prompts = prompts_of(policies, channel)
        for start in range(0, len(prompts), _AT_ONCE):
            began = time.perf_counter()
            embed_prompts(prompts[start : start + _AT_ONCE], space, cache)
            rest(time.perf_counter() - began)
    return compile_rules(policies, channels, cache)


def prompts_of(policies: PolicySet, channel: str) -> list[str]:
    """The distinct prompts of the rules that are not off, as one channel reads them."""
    rules = [rule for _, rule in policies if rule.mode != "off" and channel in rule.reads]
    return list(
        dict.fromkeys(prompt for rule in rules for side in rule.prompts(channel) for prompt in side)
    )
