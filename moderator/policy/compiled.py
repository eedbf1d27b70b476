"""Rules as the scoring takes them: matrices and arrays with a column or cell for each rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from moderator.encoders.base import Matrix
from moderator.policy.combine import Combined
from moderator.policy.conditions import Breaker
from moderator.policy.fields import CHANNELS
from moderator.policy.schema import Rule
from moderator.policy.scope import Scope
from moderator.scoring.calibration import Scale
from moderator.scoring.fusion import Fusion
from moderator.scoring.keywords import KeywordIndex
from moderator.verdicts import Receipt

Columns = slice | NDArray[np.intp]


@dataclass(frozen=True)
class CompiledChannel:
    """Every rule, as one channel sees it; one that does not read the channel is a zero column."""

    directions: NDArray[np.float32]  # (dimensions, rules), unit columns
    scale: Scale
    reads: NDArray[np.bool_]  # (rules,)
    prompts: tuple[str, ...]  # every distinct violating prompt
    prompt_vectors: Matrix  # (prompts, dimensions)
    violates: tuple[NDArray[np.intp], ...]  # for each rule, its rows among the prompts


@dataclass(frozen=True)
class FusionGroup:
    """The rules that fuse their channels in the same way."""

    kind: Fusion
    columns: Columns
    weights: NDArray[np.float32]  # (channels and then keywords, rules of the group)
    bias: NDArray[np.float32]  # (rules of the group,) of a learned fusion


@dataclass(frozen=True)
class CompiledRules:
    """All rules in force, ready to score. Immutable: a reload swaps the whole object."""

    ids: tuple[str, ...]  # policy/rule
    rules: tuple[Rule, ...]
    channels: Mapping[str, CompiledChannel]
    fusion: tuple[FusionGroup, ...]
    thresholds: tuple[float, ...]  # scores; what targets come to is written out
    review_lines: tuple[float, ...]
    threshold_log_odds: NDArray[np.float32]  # (rules,)
    review_log_odds: NDArray[np.float32]  # (rules,)
    scope: Scope
    keywords: KeywordIndex | None
    combined: tuple[Combined, ...]  # each after those it is made of
    excusing: Mapping[int, tuple[int, ...]]  # column: the columns that excuse it
    actions: tuple[str, ...]  # mildest first
    receipt: Receipt
    breakers: Mapping[int, Breaker]  # by column
    tripped: Mapping[int, Literal["shadow", "review"]] = field(default_factory=dict)  # by column

    def applies(
        self,
        surface: str | None,
        language: str | None = None,
        tier: str | None = None,
        holds: Iterable[str] = CHANNELS,
    ) -> NDArray[np.bool_] | None:
        """(rules,) which rules judge a post from there; None: all of them.

        All of them too when the surface is unknown to every policy: nothing goes unchecked because
        of a misspelt name. See `Scope`.
        """
        return self.scope.mask(surface, language, tier, holds)
