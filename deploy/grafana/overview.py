"""Whether it is well, fast, and keeps up."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import HERE, a_dashboard, heat, lines, number


def overview() -> Dashboard:
    """Objectives, throughput, latency, lag."""
    within = 'moderator_end_to_end_seconds_bucket{since="message",le="1.0",instance=~"$instance"}'
    count = 'moderator_end_to_end_seconds_count{since="message",instance=~"$instance"}'
    return (
        a_dashboard("overview", "Moderator: overview", "Objectives, throughput, latency, lag.")
        .with_row(Row("Objectives"))
        .with_panel(number("Workers ready", "none", f"sum(moderator_ready{HERE})"))
        .with_panel(
            number("Posts/s", "ops", f"sum(rate(moderator_posts_total{HERE}[$__rate_interval]))")
        )
        .with_panel(
            number(
                "Answered within 1 s",
                "percentunit",
                f"sum(rate({within}[$__rate_interval])) / sum(rate({count}[$__rate_interval]))",
                "The objective is 99 %, from the message's time to the broker's acknowledgement.",
            )
        )
        .with_panel(number("Lag", "short", f"sum(moderator_consumer_lag_posts{HERE})"))
        .with_panel(number("In flight", "short", f"sum(moderator_in_flight_posts{HERE})"))
        .with_panel(
            number("Degraded parts", "none", f"sum(moderator_degraded{HERE})", "0 is well.")
        )
        .with_row(Row("Throughput"))
        .with_panel(
            lines(
                "Posts by outcome",
                "ops",
                (
                    f"sum by (outcome) (rate(moderator_posts_total{HERE}[$__rate_interval]))",
                    "{{outcome}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Verdicts by action",
                "ops",
                (
                    f"sum by (action) (rate(moderator_verdicts_total{HERE}[$__rate_interval]))",
                    "{{action}}",
                ),
                stacked=True,
            )
        )
        .with_row(Row("Latency"))
        .with_panel(
            lines(
                "End to end",
                "s",
                *(
                    (
                        (
                            f"histogram_quantile({q}, sum by (le, since) (rate("
                            f"moderator_end_to_end_seconds_bucket{HERE}[$__rate_interval])))"
                        ),
                        f"p{q * 100:g} since {{{{since}}}}",
                    )
                    for q in (0.5, 0.99)
                ),
                about="Since the message's time, and since the post's own created_at.",
            )
        )
        .with_panel(
            heat(
                "In the worker",
                "s",
                f"sum by (le) (increase(moderator_post_seconds_bucket{HERE}[$__rate_interval]))",
                "Exemplars name the verdict, and the trace where posts are traced.",
            )
        )
        .with_panel(
            lines(
                "Mean time by stage",
                "s",
                (
                    (
                        "sum by (stage)"
                        f" (rate(moderator_stage_seconds_sum{HERE}[$__rate_interval]))"
                        " / sum by (stage)"
                        f" (rate(moderator_stage_seconds_count{HERE}[$__rate_interval]) > 0)"
                    ),
                    "{{stage}}",
                ),
            )
        )
        .with_panel(
            lines(
                "Consumer lag",
                "short",
                (
                    f"sum by (topic, partition) (moderator_consumer_lag_posts{HERE})",
                    "{{topic}} {{partition}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Queues",
                "short",
                (f"sum by (queue) (moderator_queue_posts{HERE})", "{{queue}}"),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Age of commits",
                "s",
                (f"moderator_commit_age_seconds{HERE}", "{{instance}}"),
                about="What a killed worker would repeat.",
            )
        )
    )
