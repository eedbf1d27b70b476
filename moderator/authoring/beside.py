"""What decides beside a rule's sentences: where it holds, its keywords, what excuses posts."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from moderator.authoring.workbench import Corpus, Workbench
from moderator.embedder import Embedded
from moderator.pipeline import judge
from moderator.policy.compile import compile_rules
from moderator.policy.policyset import PolicySet, qualified_id
from moderator.policy.schema import Policy, Rule
from moderator.posts import Post
from moderator.reading import Inputs, read_text
from moderator.scoring.calibration import logit
from moderator.scoring.excuses import excuse


class Beside(NamedTuple):
    """What holds for each post, whatever a rule's sentences say of it."""

    judged: NDArray[np.bool_]  # (posts,) those that the rule judges
    excused: NDArray[np.bool_]  # (posts,) those on which it does not fire
    keywords: NDArray[np.float64]  # (posts,) log-odds of the surest one found; -inf without any


class Decider:
    """Finds it by the pipeline that also runs in the worker."""

    def __init__(
        self, policies: PolicySet, posts: Sequence[Post], embedded: Corpus, bench: Workbench
    ) -> None:
        self._policies, self._posts, self._bench = policies, posts, bench
        inputs = Inputs()
        for place, post in enumerate(posts):
            inputs.reports.append([])
            read_text(inputs, place, post.text, bench.limits)
        inputs.quotes += embedded.quotes
        self._embedded = Embedded(inputs, embedded.readings)

    def beside(self, policy: Policy, rule: Rule) -> Beside:
        """For every post. Raises PolicyError where the rule, or one that it names, has a fault."""
        rules = compile_rules(
            self._alone(policy, rule), self._bench.channels, self._bench.cache, provisional=True
        )
        column = rules.ids.index(qualified_id(policy, rule))
        scores = judge(rules, self._embedded, self._posts)
        judged = np.ones(len(self._posts), np.bool_)
        for places, rest in scores.outside:
            judged[places] = ~rest[column]
        excuses = [
            excuse(rules, scores, place, column, post.id) for place, post in enumerate(self._posts)
        ]
        keywords = np.full(len(self._posts), -np.inf)
        for (place, found_by), keyword in scores.hits.fires.items():
            if found_by == column:
                keywords[place] = logit(keyword.score)
        return Beside(judged, np.array([each is not None for each in excuses], np.bool_), keywords)

    def _alone(self, policy: Policy, rule: Rule) -> PolicySet:
        """The rule and those it names, and those that they name."""
        known, named, more = {each.id: each for each in policy.rules}, set[str](), [rule.id]
        while more:
            each = known[more.pop()]
            if each.id not in named:
                named.add(each.id)
                more += (*(each.excepts.rules or ()), *(each.when.rules() if each.when else ()))
        # Whatever its mode: labels are for what it would do. Nor do its own lines matter here.
        runs = {"mode": "enforce", "threshold": 0.5, "review_at": 0.5}
        rules = tuple(
            each.model_copy(update=runs) if each.id == rule.id else each
            for each in policy.rules
            if each.id in named
        )
        only = policy.model_copy(update={"rules": rules})
        return PolicySet((only,), calibrations=self._policies.calibrations)
