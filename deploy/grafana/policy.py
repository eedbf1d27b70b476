"""What each rule does, for who writes them."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row
from grafana_foundation_sdk.models.dashboard import VariableRefresh

from deploy.grafana.panels import HERE, SOURCE, a_dashboard, bars, facts, heat, lines, number

_RULE = '{instance=~"$instance",rule=~"$rule"}'


def policy() -> Dashboard:
    """Per rule: how often it fires, enforced against shadow, its scores, its drift."""
    rules = (
        QueryVariable("rule")
        .datasource(SOURCE)
        .query("label_values(moderator_rule_score_count, rule)")
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(include_all=True)
        .multi(multi=True)
    )
    posts = f"sum(rate(moderator_posts_total{HERE}[$__rate_interval]))"
    hits = f"rate(moderator_rule_hits_total{_RULE}[$__rate_interval])"
    return (
        a_dashboard("policy", "Moderator: policy", "What each rule does.")
        .with_variable(rules)
        .with_row(Row("In force"))
        .with_panel(
            facts(
                "Policies",
                f"count by (name, version, digest) (moderator_policy_info{HERE})",
                "More than one line: workers judge by different rules, as during a canary.",
            )
        )
        .with_panel(
            number(
                "Age",
                "s",
                f"time() - max(moderator_policy_loaded_timestamp_seconds{HERE})",
                width=6,
            )
        )
        .with_panel(
            number(
                "Rules", "none", f"max(sum by (instance) (moderator_policy_rules{HERE}))", width=6
            )
        )
        .with_panel(
            lines(
                "Policies offered to running workers",
                "none",
                (
                    (
                        "sum by (outcome)"
                        f" (increase(moderator_policy_reloads_total{HERE}[$__rate_interval]))"
                    ),
                    "{{outcome}}",
                ),
                (f"max(moderator_policy_refused{HERE})", "the newest is refused"),
            )
        )
        .with_panel(
            lines(
                "Rules held back by circuit breakers",
                "none",
                (f"max by (instance) (moderator_rules_tripped{HERE})", "{{instance}}"),
                (f"max by (instance) (moderator_rules_quiet{HERE})", "gone quiet {{instance}}"),
                (
                    (
                        "sum by (rule, then)"
                        f" (increase(moderator_rule_trips_total{_RULE}[$__rate_interval]))"
                        " or vector(0)"
                    ),
                    "trips {{rule}} {{then}}",
                ),
            )
        )
        .with_row(Row("Hits"))
        .with_panel(
            bars(
                "Share of posts that reach a rule's review line",
                "percentunit",
                f"sum by (rule, mode) ({hits}) / on () group_left () {posts}",
                "{{rule}} ({{mode}})",
            )
        )
        .with_panel(
            lines("By action", "ops", (f"sum by (action) ({hits})", "{{action}}"), stacked=True)
        )
        .with_panel(
            lines(
                "Enforced and shadow",
                "ops",
                (f"sum by (mode) ({hits})", "{{mode}}"),
                about="Shadow rules are reported and never act.",
            )
        )
        .with_panel(
            bars(
                "At their threshold, with no other rule acting",
                "ops",
                (
                    "sum by (rule, mode) (rate(moderator_rule_outcomes_total"
                    '{line="threshold",alone="true",instance=~"$instance",rule=~"$rule"}'
                    "[$__rate_interval]))"
                ),
                "{{rule}} ({{mode}})",
                "What a shadow rule would add, and what an enforced one alone catches.",
            )
        )
        .with_panel(
            lines(
                "By version of the policies",
                "ops",
                (
                    (
                        f"sum by (version, digest) ((sum by (instance) ({hits})) * on (instance)"
                        f" group_left (version, digest) moderator_policy_info{HERE})"
                    ),
                    "{{version}} {{digest}}",
                ),
                about="Two lines during a canary: compare hits per worker.",
            )
        )
        .with_row(Row("Scores"))
        .with_panel(
            heat(
                "Scores of sampled posts",
                "percentunit",
                f"sum by (le) (increase(moderator_rule_score_bucket{_RULE}[$__rate_interval]))",
                "All posts, not only those that crossed a line. Choose one rule above.",
            )
        )
        .with_panel(
            bars(
                "Score that 1 in 100 posts exceeds",
                "percentunit",
                "histogram_quantile(0.99, sum by (le, rule)"
                f" (rate(moderator_rule_score_bucket{_RULE}[$__rate_interval])))",
                "{{rule}}",
                "Where a review line would send 1 % of posts to people.",
            )
        )
        .with_panel(
            lines(
                "Drift of margins",
                "none",
                (
                    f"max by (rule, channel) (moderator_score_drift_psi{_RULE})",
                    "{{rule}} {{channel}}",
                ),
                about="Population stability index: what matters is a change of it.",
                width=24,
            )
        )
    )
