"""Exactly once, beside at least once: faults of the others, met with transactions."""

from tests.chaos.brokers import broker_killed
from tests.chaos.members import none, worker_killed_and_restarted
from tests.chaos.registry import RECOVERY_BAR_SECONDS, fault
from tests.chaos.rig import Rig


@fault(duplicates=0)
async def exactly_once(rig: Rig) -> None:
    """Nothing goes wrong, with transactions."""
    rig.settings["delivery"] = "exactly_once"
    await none(rig)


@fault(duplicates=0, recovery=RECOVERY_BAR_SECONDS)
async def exactly_once_worker_killed(rig: Rig) -> None:
    """One of two dies at once and is started again; no verdict is seen twice."""
    rig.settings["delivery"] = "exactly_once"
    await worker_killed_and_restarted(rig)


@fault(broker="own", duplicates=0)
async def exactly_once_broker_killed(rig: Rig) -> None:
    """The broker dies in the middle of transactions and comes back."""
    rig.settings["delivery"] = "exactly_once"
    await broker_killed(rig)
