"""Exceptions of rules, canaries and tripped rules: why a rule that fires does not act."""

from hashlib import blake2b

from moderator.policy.compile import CompiledRules
from moderator.policy.levels import Canary
from moderator.scoring.score import Scores

_STEPS = 2**64


def excuse(
    rules: CompiledRules, scores: Scores, post: int, column: int, post_id: str
) -> str | None:
    """What excuses a post from a rule, in a word for the verdict; None where nothing does.

    Only a rule that judges the post and acts on it excuses it: what is on trial, in shadow or
    outside of its canary's share, must not let anything through, and nor must a rule that fires so
    much more often than it used to that its breaker has tripped.
    """
    keyword = scores.hits.excuses.get((post, column))
    if keyword is not None:
        return f"keyword {keyword.label}"
    for other in rules.excusing.get(column, ()):
        fires = scores.fused[post, other] >= rules.threshold_log_odds[other]
        if fires and other not in rules.tripped and acts(rules, other, post_id):
            return f"rule {rules.ids[other]}"
    return None


def acts(rules: CompiledRules, column: int, post_id: str) -> bool:
    """Whether a rule acts on a post where it fires, rather than only report."""
    if rules.tripped.get(column) == "shadow":
        return False
    mode = rules.rules[column].mode
    if isinstance(mode, Canary):
        return in_canary(rules.ids[column], post_id, mode.canary)
    return mode == "enforce"


def in_canary(rule: str, post: str, share: float) -> bool:
    """Whether a canary acts on a post: decided by the ids, so it is the same for every worker.

    The posts of a smaller share are among those of a larger one.
    """
    digest = blake2b(f"{rule}\0{post}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * _STEPS
