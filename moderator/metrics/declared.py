"""Metrics as `catalogue` declares them, and labels that stay few however many rules there are."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from moderator.metrics.catalogue import CATALOGUE, OTHER


def counter(name: str, registry: CollectorRegistry) -> Counter:
    """Make the counter of this name, registered; KeyError if the catalogue has none."""
    spec = CATALOGUE[name]
    return Counter(f"moderator_{name}", spec.help, spec.labels, registry=registry)


def gauge(name: str, registry: CollectorRegistry) -> Gauge:
    """Make the gauge of this name, registered; KeyError if the catalogue has none."""
    spec = CATALOGUE[name]
    return Gauge(f"moderator_{name}", spec.help, spec.labels, registry=registry)


class RuleLabels:
    """The first rules keep their ids; the others are `other`: policies may be reloaded for ever.

    Whoever calls from several threads holds a lock.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._own: set[str] = set()

    def __getitem__(self, rule: str) -> str:
        if rule not in self._own:
            if len(self._own) >= self._most:
                return OTHER
            self._own.add(rule)
        return rule
