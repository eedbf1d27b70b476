"""A first draft of a rule from posts that somebody found to belong together."""

import json
from collections.abc import Sequence

from moderator.errors import InputError
from moderator.policy.fields import MAX_PROMPT_CHARACTERS

_MOST = 8
_HEAD = """\
policy: draft
version: 1
rules:
  - id: new-rule
    title: A new rule # what these posts have in common, in a few words
    severity: medium # low, medium, high or critical
    action: review # what happens from the threshold on: review, or block
    threshold: 0.6 # the score from which the action is taken
    review_at: 0.3 # the score from which a person looks
    mode: shadow # only reports; remove this line when the numbers are good
    violates: # of the posts chosen, the most typical; add sentences that describe them
"""
_ALLOWS = """\
    allows: # what comes close and is fine; these are the nearest of the other posts, so look first
"""


def draft_from(texts: Sequence[str], near: Sequence[str] = ()) -> str:
    """YAML with the texts as prompts, the first ones first; `near` as comments beside them.

    Raises InputError where no text is left to begin with.
    """
    prompts = _prompts(texts)
    if not prompts:
        message = "none of these posts has a text, and a rule begins with sentences; choose others"
        raise InputError("no_text", message)
    lines = [f"      - {prompt}\n" for prompt in prompts]
    others = [f"    #  - {prompt}\n" for prompt in _prompts(near) if prompt not in prompts]
    allows = [f"    # {_ALLOWS.strip()}\n", *others] if others else []
    return _HEAD + "".join(lines) + "".join(allows)


def _prompts(texts: Sequence[str]) -> list[str]:
    """Each once, on one line, cut to what a prompt holds, in quotes of YAML."""
    distinct: dict[str, str] = {}
    for text in texts:
        line = " ".join(_printable(text).split())[:MAX_PROMPT_CHARACTERS].strip()
        if line:
            distinct.setdefault(line.casefold(), line)
    return [json.dumps(text, ensure_ascii=False) for text in list(distinct.values())[:_MOST]]


def _printable(text: str) -> str:
    """Without what YAML refuses in quotes, and what turns the order of letters around."""
    return "".join(char if char.isprintable() else " " for char in text)
