"""What the encoders do, and with how much of the machine."""

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row

from deploy.grafana.panels import HERE, a_dashboard, facts, heat, lines


def models() -> Dashboard:
    """Batch fill, provider, saturation, drift."""
    encode = '{stage=~"encode_.*",instance=~"$instance"}'
    return (
        a_dashboard("models", "Moderator: models", "Batch fill, provider, saturation, drift.")
        .with_row(Row("In use"))
        .with_panel(
            facts(
                "Models and providers",
                f"count by (channel, name, digest, provider) (moderator_model_info{HERE})",
                width=24,
            )
        )
        .with_row(Row("Batches"))
        .with_panel(
            heat(
                "Posts per batch",
                "short",
                f"sum by (le) (increase(moderator_batch_posts_bucket{HERE}[$__rate_interval]))",
            )
        )
        .with_panel(
            lines(
                "Batch fill",
                "percentunit",
                (
                    (
                        f"sum(rate(moderator_batch_posts_sum{HERE}[$__rate_interval]))"
                        f" / sum(rate(moderator_batch_posts_count{HERE}[$__rate_interval]))"
                        f" / max(moderator_batch_limit_posts{HERE})"
                    ),
                    "fill",
                ),
                about="Full batches and a growing lag: more workers. Empty ones: room to spare.",
            )
        )
        .with_panel(
            lines(
                "Encoding, 95th percentile of batches",
                "s",
                (
                    (
                        "histogram_quantile(0.95, sum by (le, stage)"
                        f" (rate(moderator_stage_seconds_bucket{encode}[$__rate_interval])))"
                    ),
                    "{{stage}}",
                ),
            )
        )
        .with_row(Row("Saturation"))
        .with_panel(
            lines(
                "Batches under way, of those that may be",
                "percentunit",
                (
                    (
                        "sum(rate(moderator_stage_seconds_sum"
                        '{stage=~"decode|encode|score",instance=~"$instance"}[$__rate_interval]))'
                        f" / sum(moderator_batches_at_once{HERE})"
                    ),
                    "busy",
                ),
            )
        )
        .with_panel(
            lines(
                "In flight, of what may be",
                "percentunit",
                (
                    f"moderator_in_flight_posts{HERE} / moderator_in_flight_limit_posts{HERE}",
                    "{{instance}}",
                ),
            )
        )
        .with_panel(
            lines(
                "Memory",
                "bytes",
                (f"moderator_gpu_memory_bytes{HERE}", "GPU {{gpu}} {{state}}"),
                (f"moderator_in_flight_bytes{HERE}", "posts in flight {{instance}}"),
                about="Of GPUs where there are any.",
            )
        )
        .with_panel(
            lines(
                "Cache lookups",
                "ops",
                (
                    (
                        "sum by (kind, result)"
                        f" (rate(moderator_cache_lookups_total{HERE}[$__rate_interval]))"
                    ),
                    "{{kind}} {{result}}",
                ),
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Attachments, seen before or not",
                "ops",
                (
                    f"sum by (seen) (rate(moderator_media_cache_total{HERE}[$__rate_interval]))",
                    "{{seen}}",
                ),
                about="What was seen before costs neither decoding nor inference.",
                stacked=True,
            )
        )
        .with_panel(
            lines(
                "Text in images",
                "ops",
                (
                    (
                        "sum by (outcome)"
                        f" (rate(moderator_ocr_attachments_total{HERE}[$__rate_interval]))"
                    ),
                    "{{outcome}}",
                ),
                about="Of new attachments, where MODERATOR_OCR is on.",
                stacked=True,
            )
        )
        .with_row(Row("Drift"))
        .with_panel(
            lines(
                "Embeddings against the background sample",
                "none",
                (f"max by (channel) (moderator_embedding_drift_psi{HERE})", "{{channel}}"),
                about="Population stability index over the 8 main axes of the background. Its "
                "level is that of your traffic; what matters is a change of it.",
                width=24,
            )
        )
    )
