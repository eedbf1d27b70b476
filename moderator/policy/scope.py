"""Which rules judge a post: by its surface, its language, its author's tier, what it holds."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from moderator.policy.schema import Policy, Rule
from moderator.posts import Post

Mask: TypeAlias = NDArray[np.bool_]  # (rules,)
Chosen: TypeAlias = Sequence[tuple[Policy, Rule]]
Outside: TypeAlias = Sequence[tuple[NDArray[np.intp], Mask]]
"""Posts of a batch by their places, and the rules that do not judge them."""


@dataclass(frozen=True)
class Scope:
    """The rules that apply, by what a post says of itself.

    What it does not say, and a surface or tier that no policy names, excuses it from nothing: a
    misspelt word must not let a post through. A language is known by its code, so there another one
    than a rule's is another language.
    """

    surfaces: Mapping[str, Mask]
    languages: Mapping[str, Mask]
    other_language: Mask
    tiers: Mapping[str, Mask]
    modalities: Mapping[str, Mask]  # the rules that a post with this modality is enough for
    _known: dict[tuple[object, ...], Mask | None] = field(default_factory=dict, compare=False)

    @property
    def restricts(self) -> bool:
        """Whether there are posts that not all rules judge."""
        return bool(self.surfaces or self.languages or self.tiers or self.modalities)

    def mask(
        self, surface: str | None, language: str | None, tier: str | None, holds: Iterable[str]
    ) -> Mask | None:
        """(rules,) which rules judge such a post; None: all of them."""
        key = (
            surface if surface in self.surfaces else None,
            self._language(language),
            tier if tier in self.tiers else None,
            frozenset(name for name in holds if name in self.modalities),
        )
        if key not in self._known:  # as many as the policies' own words make
            self._known[key] = self._mask(*key)
        return self._known[key]

    def outside(self, posts: Iterable[tuple[Post, Iterable[str]]]) -> Outside:
        """Which rules do not judge which posts, each given with the modalities that it holds.

        Posts that all rules judge are left out.
        """
        if not self.restricts:
            return ()
        alike: dict[int, tuple[Mask, list[int]]] = {}
        for place, (post, holds) in enumerate(posts):
            mask = self.mask(post.surface, post.lang, post.tier, holds)
            if mask is not None:
                alike.setdefault(id(mask), (mask, []))[1].append(place)
        return [(np.array(places, np.intp), ~mask) for mask, places in alike.values()]

    def covers(self, outer: int, inner: int) -> bool:
        """Whether a rule judges every post that another one judges, both by their columns."""
        languages = (*self.languages.values(), self.other_language)
        masks = (*self.surfaces.values(), *languages, *self.tiers.values())
        return all(mask[outer] or not mask[inner] for mask in (*masks, *self.modalities.values()))

    def _language(self, language: str | None) -> str | None:
        code = (language or "").lower().partition("-")[0].partition("_")[0]
        if code in ("", "und") or not self.languages:
            return None
        return code if code in self.languages else "other"

    def _mask(
        self, surface: str | None, language: str | None, tier: str | None, holds: frozenset[str]
    ) -> Mask | None:
        masks = []
        if surface is not None:
            masks.append(self.surfaces[surface])
        if language is not None:
            masks.append(self.languages.get(language, self.other_language))
        if tier is not None:
            masks.append(self.tiers[tier])
        if self.modalities:
            held = [mask for name, mask in self.modalities.items() if name in holds]
            masks.append(np.logical_or.reduce([*held, self.modalities[""]]))
        mask = np.logical_and.reduce(masks) if masks else None
        return None if mask is None or mask.all() else mask


def scope_of(chosen: Chosen) -> Scope:
    """What the policies and their rules say about where they hold."""
    rules = [rule for _, rule in chosen]
    languages = _masks(rules, lambda rule: _codes(rule.applies_to.languages))
    modal = _masks(rules, lambda rule: rule.applies_to.modalities)
    if modal:
        modal[""] = np.array([rule.applies_to.modalities is None for rule in rules])
    return Scope(
        surfaces=_surfaces(chosen),
        languages=languages,
        other_language=np.array([rule.applies_to.languages is None for rule in rules], np.bool_),
        tiers=_masks(rules, lambda rule: rule.applies_to.author_tiers),
        modalities=modal,
    )


def _surfaces(chosen: Chosen) -> dict[str, Mask]:
    def holds(policy: Policy, rule: Rule, name: str) -> bool:
        wanted = (policy.surfaces, rule.applies_to.surfaces)
        return all(names is None or name in names for names in wanted) and name not in (
            rule.excepts.surfaces or ()
        )

    names: set[str] = set()
    for policy, rule in chosen:
        for said in (policy.surfaces, rule.applies_to.surfaces, rule.excepts.surfaces):
            names |= set(said or ())
    return {name: np.array([holds(p, r, name) for p, r in chosen]) for name in sorted(names)}


def _masks(rules: Sequence[Rule], said: Callable[[Rule], Sequence[str] | None]) -> dict[str, Mask]:
    """For each name that a rule says, the rules that say it or say nothing."""
    wanted = [said(rule) for rule in rules]
    names = sorted({name for some in wanted for name in some or ()})
    return {name: np.array([some is None or name in some for some in wanted]) for name in names}


def _codes(languages: Sequence[str] | None) -> list[str] | None:
    return None if languages is None else [code.partition("-")[0] for code in languages]
