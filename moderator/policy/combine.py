"""Rules made of other rules, as arithmetic on their scores.

`all` is the lowest, `any` the highest of the scores, `not` takes 1 minus a score: Zadeh's operators
of fuzzy logic, which in log-odds are the minimum, the maximum and the sign.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter

import numpy as np
from numpy.typing import NDArray

from moderator.policy.conditions import Operand, When
from moderator.policy.schema import Rule

_SURE = 30.0  # log-odds; a rule that could not be read counts as surely not broken


@dataclass(frozen=True)
class Combined:
    """One combined rule: its column, and what it is made of by column."""

    column: int
    when: When
    columns: Mapping[str, int]

    def log_odds(self, fused: NDArray[np.float32]) -> NDArray[np.float32]:
        """(posts, rules) log-odds to (posts,), those of the combination."""
        return self._when(self.when, fused)

    def _when(self, when: When, fused: NDArray[np.float32]) -> NDArray[np.float32]:
        parts = [self._value(part, fused) for part in when.all_of]
        parts += [-self._value(part, fused) for part in when.none_of]
        if when.any_of:
            any_of = [self._value(part, fused) for part in when.any_of]
            parts.append(np.maximum.reduce(any_of))
        lowest: NDArray[np.float32] = np.minimum.reduce(parts)
        return lowest

    def _value(self, operand: Operand, fused: NDArray[np.float32]) -> NDArray[np.float32]:
        if isinstance(operand, When):
            return self._when(operand, fused)
        return np.clip(fused[:, self.columns[operand]], -_SURE, _SURE)


def combinations(ids: Sequence[str], rules: Sequence[Rule]) -> tuple[Combined, ...]:
    """The combined rules, each after those it is made of."""
    place = {name: column for column, name in enumerate(ids)}
    found: dict[int, Combined] = {}
    for column, rule in enumerate(rules):
        if rule.when is not None:
            policy = ids[column].rpartition("/")[0]
            columns = {name: place[f"{policy}/{name}"] for name in rule.when.rules()}
            found[column] = Combined(column, rule.when, columns)
    order = TopologicalSorter({c: set(made.columns.values()) for c, made in found.items()})
    return tuple(found[column] for column in order.static_order() if column in found)
