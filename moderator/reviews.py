"""What a moderator decided: the wire contract of the `reviews` topic, and labels made of it.

A review that says `undo` takes back the one it names. `labels` says what the decision means for the
rules: allow, that no rule that acted should have; block, that the rule it names was right; wrong
rule, that the rule it names was not. Of other rules it says nothing.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from moderator.posts import Post
from moderator.verdicts import ALLOW, PolicyRef, RuleScore, Verdict

Decision = Literal["allow", "block", "wrong_rule"]


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision of one person on one verdict."""

    id: str
    post_id: str
    verdict_id: str
    decision: Literal["allow", "block", "wrong_rule", "undo"]
    reviewer: str
    at: datetime
    rule: Annotated[str | None, Meta(description="policy/rule the decision is about")] = None
    labels: Annotated[dict[str, int], Meta(description="by rule: 1 breaks it, 0 does not")] = {}
    note: str = ""
    seconds: Annotated[float | None, Meta(description="that the reviewer looked at it")] = None
    second: Annotated[bool, Meta(description="another reviewer had decided before")] = False
    undoes: Annotated[str | None, Meta(description="id of the review taken back")] = None
    policy: PolicyRef
    post: Annotated[Post | None, Meta(description="what was looked at; None: not kept")] = None


class Labels(msgspec.Struct, frozen=True):
    """A line of the file that `moderator policy calibrate` reads."""

    post: Post
    labels: dict[str, int]


def labels_of(decision: Decision, verdict: Verdict, rule: str | None) -> dict[str, int]:
    """What a decision says of the rules of a verdict."""
    if decision == "allow":
        return {each.id: 0 for each in verdict.rules if _acted(each)}
    if rule is None:
        return {}
    return {rule: 1 if decision == "block" else 0}


def _acted(rule: RuleScore) -> bool:
    return not rule.shadow and rule.excused is None and rule.action != ALLOW


def labelled(reviews: Iterable[Review]) -> tuple[list[Labels], int]:
    """Labels by post, and how many of them were left out because reviewers disagree.

    By its digest: several posts may have the same id.
    """
    reviews = list(reviews)
    undone = {review.undoes for review in reviews if review.undoes}
    posts: dict[bytes, Post] = {}
    votes: dict[bytes, dict[str, set[int]]] = {}
    for review in reviews:
        if review.post is None or review.decision == "undo" or review.id in undone:
            continue
        digest = review.post.digest
        posts[digest] = review.post
        for rule, label in review.labels.items():
            votes.setdefault(digest, {}).setdefault(rule, set()).add(label)
    contested = sum(len(said) > 1 for rules in votes.values() for said in rules.values())
    lines = [
        Labels(posts[post], {rule: min(said) for rule, said in rules.items() if len(said) == 1})
        for post, rules in votes.items()
    ]
    return [line for line in lines if line.labels], contested
