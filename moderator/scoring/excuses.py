"""Exceptions of rules, canaries and tripped rules: why a rule that fires does not act."""

from hashlib import blake2b

from moderator.policy.compile import CompiledRules
from moderator.scoring.score import Scores

_STEPS = 2**64


def excuse(rules: CompiledRules, scores: Scores, post: int, column: int) -> str | None:
    """What excuses a post from a rule, in a word for the verdict; None where nothing does."""
    keyword = scores.hits.excuses.get((post, column))
    if keyword is not None:
        return f"keyword {keyword.label}"
    for other in rules.excusing.get(column, ()):
        if scores.fused[post, other] >= rules.threshold_log_odds[other]:
            return f"rule {rules.ids[other]}"
    return None


def in_canary(rule: str, post: str, share: float) -> bool:
    """Whether a canary acts on a post: decided by the ids, so it is the same for every worker.

    The posts of a smaller share are among those of a larger one.
    """
    digest = blake2b(f"{rule}\0{post}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * _STEPS
