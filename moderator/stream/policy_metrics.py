"""What Prometheus sees of policies: reloads, refusals, and rules side by side by their mode."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge

from moderator.verdicts import ALLOW, RuleScore, Verdict

_MOST_RULES = 500  # with counts of their own; the others are counted together
OTHER = "other"


class PolicyMetrics:
    """Registered beside the worker's own metrics. Label values come from policies and codes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.reloads = Counter(
            "moderator_policy_reloads",
            "Policies offered to the running worker: loaded, unchanged or refused.",
            ["outcome"],
            registry=registry,
        )
        self.refused = Gauge(
            "moderator_policy_refused",
            "1 while the newest policy is one that was refused.",
            registry=registry,
        )
        self.loaded = Gauge(
            "moderator_policy_loaded_timestamp_seconds",
            "When the policy in force was loaded.",
            registry=registry,
        )
        self.trips = Counter(
            "moderator_rule_trips",
            "Times a rule's circuit breaker held it back.",
            ["rule", "then"],
            registry=registry,
        )
        self.tripped = Gauge(
            "moderator_rules_tripped", "Rules held back at the moment.", registry=registry
        )
        self.outcomes = Counter(
            "moderator_rule_outcomes",
            "Posts at a rule's line, by its mode: whether it acted, and whether another rule did. "
            "A shadow rule that is never alone adds nothing; one that mostly is adds the most, or "
            "errs the most.",
            ["rule", "mode", "line", "acted", "alone"],
            registry=registry,
        )
        for outcome in ("loaded", "unchanged", "refused"):
            self.reloads.labels(outcome)
        self._rules: set[str] = set()

    def observe(self, verdicts: Iterable[Verdict]) -> None:
        """Count the rules of a batch, enforced and not, side by side."""
        for verdict in verdicts:
            acting = [rule.id for rule in verdict.rules if _acts(rule)]
            for rule in verdict.rules:
                if rule.score >= rule.review_at:
                    alone = not acting or acting == [rule.id]
                    self.outcomes.labels(
                        self._label(rule.id),
                        rule.mode,
                        "threshold" if rule.score >= rule.threshold else "review",
                        str(_acts(rule)).lower(),
                        str(alone).lower(),
                    ).inc()

    def _label(self, rule: str) -> str:
        if rule not in self._rules and len(self._rules) >= _MOST_RULES:
            return OTHER
        self._rules.add(rule)
        return rule


def _acts(rule: RuleScore) -> bool:
    return not rule.shadow and rule.action != ALLOW
