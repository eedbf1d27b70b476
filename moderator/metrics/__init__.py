"""What Prometheus scrapes: declared in `catalogue`, kept by `worker.Metrics`."""

from moderator.metrics.worker import Metrics

__all__ = ["Metrics"]
