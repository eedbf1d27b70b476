"""Metrics that count verdicts, for the benchmark to see how far a worker is, and nothing else."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from moderator.encoders.base import Space
from moderator.metrics import Metrics
from moderator.metrics.histogram import BatchHistogram
from moderator.pipeline import Screener
from moderator.verdicts import Verdict


class Unwatched(Metrics):
    """What a worker without metrics would be."""

    def __init__(self) -> None:
        super().__init__()
        self.stage_seconds = _Deaf(self.stage_seconds)

    def watch_screener(self, screener: Screener, channels: Mapping[str, Space]) -> None: ...

    def observe(self, verdicts: Sequence[Verdict]) -> None:
        self.verdicts.labels("any").inc(len(verdicts))

    def observe_part(self, stage: str, seconds: float) -> None: ...

    def observe_answered(
        self, sent_ms: Sequence[int], created_at: Sequence[datetime], now: float
    ) -> None: ...

    def slowest(self, verdict: Verdict, trace_id: str | None) -> None: ...


class _Deaf(BatchHistogram):
    def __init__(self, of: BatchHistogram) -> None:
        super().__init__(of._spec, of._bounds)

    def observe(self, values: Sequence[float], *labels: str) -> None: ...
