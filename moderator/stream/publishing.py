"""Publishing policies to the topic, going back to an older one, and what each changed."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from moderator.errors import PolicyError
from moderator.policy.bundle import Bundle, pack, unpack
from moderator.policy.policyset import PolicySet
from moderator.settings import Settings
from moderator.stream.publications import Publication, publish, read_history


@dataclass(frozen=True)
class Change:
    """A publication and how many rules it added, removed and changed against the one before."""

    publication: Publication
    added: int
    removed: int
    changed: int


def publication(policies: PolicySet, who: str, note: str = "") -> Publication:
    """A publication of loaded policies. Raises PolicyError."""
    return Publication(
        name=policies.name,
        version=policies.version,
        digest=policies.digest,
        rules=len(policies),
        who=who,
        at=_now(),
        note=note,
        bundle=pack(policies),
    )


async def publish_set(
    settings: Settings, policies: PolicySet, who: str, note: str = ""
) -> Publication:
    """Publish loaded policies. Raises PolicyError when they are in force already."""
    new = publication(policies, who, note)
    history = await read_history(settings)
    if history and history[-1].digest == new.digest:
        raise PolicyError(f"{new.name} with the digest {new.digest} is in force already")
    await publish(settings, new)
    return new


async def roll_back(settings: Settings, digest: str | None, who: str, note: str) -> Publication:
    """Publish an older one anew: that whose digest begins so, else the one before the last.

    Raises PolicyError when there is none.
    """
    history = await read_history(settings)
    if not history:
        raise PolicyError(f"nothing was published to {settings.policies_topic} yet")
    now = history[-1]
    older = [old for old in reversed(history) if old.digest != now.digest]
    if digest is not None:
        older = [old for old in older if old.digest.startswith(digest)]
    if not older:
        what = f"no other digest begins with {digest!r}" if digest else "there is none before it"
        raise PolicyError(f"{now.digest} is in force and {what}; see `moderator policy history`")
    again = Publication(
        name=older[0].name,
        version=older[0].version,
        digest=older[0].digest,
        rules=older[0].rules,
        who=who,
        at=_now(),
        note=note or f"back from {now.digest}",
        kind="rollback",
        bundle=older[0].bundle,
    )
    await publish(settings, again)
    return again


def with_changes(history: Sequence[Publication]) -> list[Change]:
    """The history with what each publication changed."""
    changes, before = [], dict[str, str]()
    for step in history:
        after = _rules(step.bundle)
        both = after.keys() & before.keys()
        changes.append(
            Change(
                step,
                added=len(after.keys() - before.keys()),
                removed=len(before.keys() - after.keys()),
                changed=sum(after[name] != before[name] for name in both),
            )
        )
        before = after
    return changes


def difference(old: Bundle, new: Bundle) -> str:
    """The files of two publications, compared line by line."""
    lines: list[str] = []
    for name in sorted(old.files.keys() | new.files.keys()):
        before, after = (bundle.files.get(name, "") for bundle in (old, new))
        lines += difflib.unified_diff(
            before.splitlines(), after.splitlines(), name, name, lineterm=""
        )
    return "\n".join(lines)


def _rules(bundle: Bundle) -> dict[str, str]:
    """Every rule as text, to be compared; nothing of a bundle that loads no more."""
    try:
        policies = unpack(bundle)
    except PolicyError:
        return {}
    return {f"{policy.name}/{rule.id}": rule.model_dump_json() for policy, rule in policies}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
