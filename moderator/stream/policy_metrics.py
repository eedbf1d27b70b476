"""What Prometheus sees of policies: reloads, refusals, and rules side by side by their mode."""

import threading
from collections import Counter as Count
from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from moderator.metrics.catalogue import CATALOGUE, OTHER
from moderator.metrics.in_use import Counted
from moderator.verdicts import ALLOW, RuleScore, Verdict


class PolicyMetrics:
    """Registered beside the worker's own metrics. Label values come from policies and codes."""

    def __init__(self, registry: CollectorRegistry, *, most_rules: int = 100) -> None:
        """`most_rules`: how many rules have labels of their own; the others share one."""
        self._registry = registry
        self.reloads = self._counter("policy_reloads")
        self.refused = self._gauge("policy_refused")
        self.loaded = self._gauge("policy_loaded_timestamp_seconds")
        self.trips = self._counter("rule_trips")
        self.tripped = self._gauge("rules_tripped")
        self.quiet = self._gauge("rules_quiet")
        for outcome in ("loaded", "unchanged", "refused"):
            self.reloads.labels(outcome)
        self._most_rules = most_rules
        self._own_label: set[str] = set()
        # In one place, not a child of prometheus_client for each: see `Metrics`.
        self._outcomes: Count[tuple[str, ...]] = Count()
        self._lock = threading.Lock()
        registry.register(Counted("rule_outcomes", self._outcomes.copy))

    def _counter(self, name: str) -> Counter:
        spec = CATALOGUE[name]
        return Counter(f"moderator_{name}", spec.help, spec.labels, registry=self._registry)

    def _gauge(self, name: str) -> Gauge:
        spec = CATALOGUE[name]
        return Gauge(f"moderator_{name}", spec.help, spec.labels, registry=self._registry)

    def observe(self, verdicts: Iterable[Verdict]) -> None:
        """Count the rules of a batch, enforced and not, side by side."""
        outcomes: Count[tuple[str, ...]] = Count()
        for verdict in verdicts:
            acting = [rule.id for rule in verdict.rules if _acts(rule)]
            for rule in verdict.rules:
                if rule.score >= rule.review_at:
                    line = "threshold" if rule.score >= rule.threshold else "review"
                    alone = not acting or acting == [rule.id]
                    flags = (str(_acts(rule)).lower(), str(alone).lower())
                    outcomes[rule.id, rule.mode, line, *flags] += 1
        with self._lock:
            for (rule_id, *rest), count in outcomes.items():
                self._outcomes[self._label(rule_id), *rest] += count

    def count_trip(self, rule: str, then: str) -> None:
        """A circuit breaker holds a rule back."""
        with self._lock:
            self.trips.labels(self._label(rule), then).inc()

    def _label(self, rule: str) -> str:
        if rule not in self._own_label:
            if len(self._own_label) >= self._most_rules:
                return OTHER
            self._own_label.add(rule)
        return rule


def _acts(rule: RuleScore) -> bool:
    return not rule.shadow and rule.action != ALLOW
