"""All the policies a process runs, as one thing with a name, a version and a digest."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from moderator.errors import PolicyError
from moderator.policy.calibration_file import CalibrationFile, RuleCalibration
from moderator.policy.problems import Problem
from moderator.policy.schema import Example, Policy, Rule

DIGEST_BYTES = 16


@dataclass(frozen=True)
class PolicySet:
    """Policies with different names, in the order of their names whatever order they came in.

    ``files`` says where a policy was read from; examples name their images from there.
    ``calibrations`` are by policy, ``warnings`` what an author should mend and may leave, and
    ``read`` is every file that went into it or would if it were there. Raises ``PolicyError``
    where names are not unique or orders of actions contradict each other.
    """

    policies: tuple[Policy, ...]
    files: Mapping[str, Path] = field(
        default_factory=lambda: MappingProxyType({}), compare=False, repr=False
    )
    calibrations: Mapping[str, CalibrationFile] = field(
        default_factory=lambda: MappingProxyType({}), repr=False
    )
    warnings: tuple[Problem, ...] = field(default=(), compare=False, repr=False, kw_only=True)
    read: tuple[Path, ...] = field(default=(), compare=False, repr=False, kw_only=True)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.policies, key=lambda policy: policy.name))
        names = [policy.name for policy in ordered]
        if len(set(names)) < len(names):
            raise PolicyError(f"two policies have the same name, among {', '.join(names)}")
        object.__setattr__(self, "policies", ordered)
        object.__setattr__(self, "files", MappingProxyType(dict(self.files)))
        merge_actions(ordered)

    def __iter__(self) -> Iterator[tuple[Policy, Rule]]:
        for policy in self.policies:
            for rule in policy.rules:
                yield policy, rule

    def __len__(self) -> int:
        return sum(len(policy.rules) for policy in self.policies)

    @property
    def name(self) -> str:
        """The policies' names, joined with ``+``."""
        return "+".join(policy.name for policy in self.policies)

    @property
    def version(self) -> str:
        """The policies' versions in the order of their names, joined with ``+``."""
        return "+".join(policy.version for policy in self.policies)

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """The actions of all policies, from the mildest to the strictest."""
        return merge_actions(self.policies)

    @cached_property
    def digest(self) -> str:
        """Hex of 16 bytes of blake2b over what the policies say, however they are written.

        Comments, layout, the order of files, what is included and whether a value stands in a rule
        or in ``defaults`` make no difference; everything else does, calibrations too.
        """
        written = {"defaults", "include", "prompts"}  # they stand in the rules
        told = [
            policy.model_dump(mode="json", exclude=written, exclude_defaults=True)
            for policy in self.policies
        ]
        used = {
            qualified_id(policy, rule): found.model_dump(mode="json")
            for policy, rule in self
            if (found := self.calibration(policy, rule)) is not None
        }
        canonical = json.dumps(
            [told, used] if used else told, sort_keys=True, separators=(",", ":")
        )
        return blake2b(canonical.encode(), digest_size=DIGEST_BYTES).hexdigest()

    def calibration(self, policy: Policy, rule: Rule) -> RuleCalibration | None:
        """Return what labels say about a rule, unless it has changed since."""
        file = self.calibrations.get(policy.name)
        return None if file is None else file.fresh(rule)

    def rule(self, qualified_id: str) -> Rule:
        """Return a rule by its qualified id, ``policy/rule``. Raises ``KeyError``."""
        return self._rules[qualified_id]

    def image_of(self, policy: Policy, example: Example) -> Path | None:
        """Return the path of an example's image, which the file gives relative to itself."""
        if example.image is None:
            return None
        return self.files.get(policy.name, Path()).parent / example.image

    @cached_property
    def _rules(self) -> dict[str, Rule]:
        return {qualified_id(policy, rule): rule for policy, rule in self}


def qualified_id(policy: Policy, rule: Rule) -> str:
    """Name a rule among those of all policies."""
    return f"{policy.name}/{rule.id}"


def merge_actions(policies: tuple[Policy, ...]) -> tuple[str, ...]:
    """Merge orders of actions into one that keeps all of them, mildest first.

    Where no policy orders two actions they go by alphabet, so that the result does not depend on
    the order of the policies. Raises ``PolicyError`` where two policies order them differently.
    """
    order: TopologicalSorter[str] = TopologicalSorter({"allow": ()})
    for policy in policies:
        for milder, stricter in pairwise(policy.actions):
            order.add(stricter, milder)
    try:
        order.prepare()
    except CycleError as error:
        raise PolicyError(_contradiction(policies, error.args[1])) from error
    merged: list[str] = []
    while order.is_active():
        ready = sorted(order.get_ready())
        merged += ready
        order.done(*ready)
    return tuple(merged)


def _contradiction(policies: tuple[Policy, ...], cycle: list[str]) -> str:
    """Say which policies go round in a circle; each action in ``cycle`` is milder than the next."""
    steps = []
    for milder, stricter in pairwise(cycle):
        owner = next(p.name for p in policies if (milder, stricter) in pairwise(p.actions))
        steps.append(f"`{milder}` before `{stricter}` in policy {owner}")
    return f"the policies contradict each other about `actions`: {', '.join(steps)}"
