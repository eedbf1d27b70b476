"""What can go wrong, by name, and what is asked of the worker then."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from tests.chaos.rig import SESSION_SECONDS, Rig

Broker = Literal["shared", "own", "three", "small", "proxied"]
RECOVERY_BAR_SECONDS = SESSION_SECONDS + 10.0


@dataclass(frozen=True)
class Fault:
    """One fault: what it needs, what it does, and how soon it has to be overcome."""

    name: str
    inject: Callable[[Rig], Awaitable[None]]
    broker: Broker = "shared"
    partitions: int = 4
    recovery_bar_seconds: float | None = None
    most_duplicates: int | None = None  # None: what was in flight and not committed


FAULTS: dict[str, Fault] = {}


def fault(
    *,
    broker: Broker = "shared",
    partitions: int = 4,
    recovery: float | None = None,
    duplicates: int | None = None,
) -> Callable[[Callable[[Rig], Awaitable[None]]], Callable[[Rig], Awaitable[None]]]:
    """Enter a function into `FAULTS` under its name."""

    def enter(inject: Callable[[Rig], Awaitable[None]]) -> Callable[[Rig], Awaitable[None]]:
        name = inject.__name__
        FAULTS[name] = Fault(name, inject, broker, partitions, recovery, duplicates)
        return inject

    return enter
