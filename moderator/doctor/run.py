"""All checks, one after the other."""

from collections.abc import Callable, Iterator

from moderator.doctor.finding import Finding, Status
from moderator.doctor.kafka import check_kafka
from moderator.doctor.machine import check_machine
from moderator.doctor.models import check_models, check_policies
from moderator.doctor.redis import check_redis
from moderator.settings import Settings

CHECKS: tuple[Callable[[Settings], list[Finding]], ...] = (
    check_kafka,
    check_redis,
    check_policies,
    check_models,
    check_machine,
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Findings as they come. A check never raises for what it checks."""
    for check in CHECKS:
        yield from check(settings)


def can_work(findings: list[Finding]) -> bool:
    """Whether a worker could do its work."""
    return all(finding.status is not Status.FAIL for finding in findings)
