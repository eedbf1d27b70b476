"""What a draft would change: the policies in force against them with the draft in its place."""

from moderator.authoring.compare import Comparison, compare
from moderator.authoring.sides import judge_store
from moderator.authoring.store import Store
from moderator.console.workshop.trial import Drafts
from moderator.policy.policyset import PolicySet


def with_draft(in_force: PolicySet, draft: PolicySet) -> PolicySet:
    """The policies in force, the draft in place of the one it is a draft of, or beside them.

    Raises PolicyError where they order their actions otherwise.
    """
    names = {policy.name for policy in draft.policies}
    others = tuple(policy for policy in in_force.policies if policy.name not in names)
    return PolicySet((*others, *draft.policies), calibrations=in_force.calibrations)


def compare_draft(drafts: Drafts, text: str, store: Store, samples: int = 3) -> Comparison:
    """Both on the same posts. Raises PolicyError, ModelError."""
    proposed = drafts.bench.compile(with_draft(drafts.in_force, drafts.load(text)))
    before, after = (
        judge_store(rules, store, drafts.bench.limits)
        for rules in (drafts.rules_in_force, proposed)
    )
    return compare(before, after, store, samples=samples)
