"""What went wrong."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import HERE, a_dashboard, lines


def errors() -> Dashboard:
    """Dead letters, unread parts, retries, degraded modes."""
    return (
        a_dashboard("errors", "Moderator: errors", "Dead letters, unread parts, retries.")
        .with_row(Row("Posts"))
        .with_panel(
            lines(
                "Dead letters by reason",
                "ops",
                (
                    f"sum by (code) (rate(moderator_dead_letters_total{HERE}[$__rate_interval]))",
                    "{{code}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Parts not read in full",
                "ops",
                (
                    (
                        "sum by (channel, code)"
                        f" (rate(moderator_unread_parts_total{HERE}[$__rate_interval]))"
                    ),
                    "{{channel}} {{code}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Posts refused, partly read, failed",
                "percentunit",
                (
                    (
                        "sum by (outcome) (rate(moderator_posts_total"
                        '{outcome!="read",instance=~"$instance"}[$__rate_interval]))'
                        " / on () group_left ()"
                        f" sum(rate(moderator_posts_total{HERE}[$__rate_interval]))"
                    ),
                    "{{outcome}}",
                ),
            )
        )
        .with_row(Row("Others"))
        .with_panel(
            lines(
                "Retries",
                "ops",
                (f"sum(rate(moderator_publish_retries_total{HERE}[$__rate_interval]))", "publish"),
                (f"sum(rate(moderator_fetch_retries_total{HERE}[$__rate_interval]))", "fetch"),
            )
        )
        .with_panel(
            lines(
                "Posts put off, to come again",
                "ops",
                (
                    (
                        "sum by (reason)"
                        f" (rate(moderator_posts_put_off_total{HERE}[$__rate_interval]))"
                    ),
                    "{{reason}}",
                ),
            )
        )
        .with_panel(
            lines(
                "Decoder processes replaced",
                "ops",
                (
                    (
                        "sum by (reason)"
                        f" (rate(moderator_decoder_restarts_total{HERE}[$__rate_interval]))"
                    ),
                    "{{reason}}",
                ),
                about="A file crashed its decoder or kept it too long; its post goes to review.",
            )
        )
        .with_panel(
            lines(
                "Degraded: goes on without",
                "none",
                (f"moderator_degraded{HERE}", "{{part}} {{instance}}"),
            )
        )
        .with_panel(
            lines("Stalled", "s", (f"moderator_stalled_seconds{HERE}", "{{instance}}")),
        )
        .with_panel(
            lines(
                "Alerts firing",
                "none",
                (
                    'count by (alertname) (ALERTS{alertstate="firing"}) or vector(0)',
                    "{{alertname}}",
                ),
                width=24,
            )
        )
    )
