"""What Prometheus sees of policies: reloads, refusals, and rules side by side by their mode."""

import threading
from collections import Counter as Count
from collections.abc import Iterable

from prometheus_client import CollectorRegistry

from moderator.metrics.declared import RuleLabels, counter, gauge
from moderator.metrics.in_use import Counted
from moderator.verdicts import ALLOW, RuleScore, Verdict


class PolicyMetrics:
    """Registered beside the worker's own metrics. Label values come from policies and codes."""

    def __init__(self, registry: CollectorRegistry, *, most_rules: int = 100) -> None:
        """`most_rules`: how many rules have labels of their own; the others share one."""
        self.reloads = counter("policy_reloads", registry)
        self.refused = gauge("policy_refused", registry)
        self.loaded = gauge("policy_loaded_timestamp_seconds", registry)
        self.trips = counter("rule_trips", registry)
        self.tripped = gauge("rules_tripped", registry)
        self.quiet = gauge("rules_quiet", registry)
        for outcome in ("loaded", "unchanged", "refused"):
            self.reloads.labels(outcome)
        self._labels = RuleLabels(most_rules)
        # In one place, not a child of prometheus_client for each: see `Metrics`.
        self._outcomes: Count[tuple[str, ...]] = Count()
        self._lock = threading.Lock()
        registry.register(Counted("rule_outcomes", self._outcomes.copy))

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
                self._outcomes[self._labels[rule_id], *rest] += count

    def count_trip(self, rule: str, then: str) -> None:
        """A circuit breaker holds a rule back."""
        with self._lock:
            self.trips.labels(self._labels[rule], then).inc()


def _acts(rule: RuleScore) -> bool:
    return not rule.shadow and rule.action != ALLOW
