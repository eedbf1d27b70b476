"""Traces that come in and leave with Kafka headers (W3C Trace Context), and spans by stage.

Nothing here is imported from OpenTelemetry before `tracing_to` is called; it is the extra `otel`.
Spans are written when all is known of them: a batch's stages belong to each of its posts.
"""

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from moderator.errors import StartupError
from moderator.stream.dead_letters import Headers
from moderator.verdicts import Verdict

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

_STAGES = ("decode", "encode", "score")
_NAMES = frozenset({"traceparent", "tracestate"})


class Tracing:
    """Begins a trace, or goes on with that of the post's producer."""

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415  # the extra
            TraceContextTextMapPropagator,
        )

        self._provider = provider
        self._tracer = provider.get_tracer("moderator")
        self._propagator = TraceContextTextMapPropagator()
        # Spans are stamped with the time of day, stages are timed with the performance counter.
        self._epoch_ns = time.time_ns() - time.perf_counter_ns()

    def begin(self, headers: Sequence[tuple[str, bytes | None]], received: float) -> "Trace":
        """Open the span of a post that was received at `received`, see time.perf_counter."""
        carrier = {
            name: value.decode("ascii", "replace")
            for name, value in headers
            if name in _NAMES and value is not None
        }
        parent = self._propagator.extract(carrier)
        start = self._at(received)
        span = self._tracer.start_span("moderate post", context=parent, start_time=start)
        return Trace(self, span, received)

    def write(self, name: str, inside: "Span", began: float, ended: float) -> None:
        """Write the span of one stage."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  # the extra

        context = set_span_in_context(inside)
        span = self._tracer.start_span(name, context=context, start_time=self._at(began))
        span.end(self._at(ended))

    def close_span(self, span: "Span") -> None:
        """End it now."""
        span.end(self._at(time.perf_counter()))

    def inject(self, span: "Span") -> Headers:
        """Headers that let whoever reads the verdict go on with the trace."""
        from opentelemetry.trace import set_span_in_context  # noqa: PLC0415  # the extra

        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, set_span_in_context(span))
        return [(name, value.encode()) for name, value in carrier.items()]

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()

    def _at(self, moment: float) -> int:
        return self._epoch_ns + int(moment * 1e9)


class Trace:
    """That of one post."""

    def __init__(self, tracing: Tracing, span: "Span", received: float) -> None:
        self._tracing = tracing
        self._span = span
        self._received = received

    @property
    def trace_id(self) -> str | None:
        """32 hex digits; None when it is not sampled."""
        if not self._span.is_recording():
            return None
        return f"{self._span.get_span_context().trace_id:032x}"

    @property
    def headers(self) -> Headers:
        """For the verdict."""
        return self._tracing.inject(self._span)

    def screened(self, fetched: float, began: float, verdict: Verdict) -> None:
        """Write the stages up to the verdict; `fetched` is 0 when there was nothing to fetch."""
        if not self._span.is_recording():
            return
        self._span.set_attributes(
            {
                "moderator.verdict.id": verdict.id,
                "moderator.action": verdict.action,
                "moderator.policy.digest": verdict.policy.digest,
            }
        )
        if fetched:
            self._tracing.write("fetch", self._span, self._received, fetched)
        self._tracing.write("queue", self._span, fetched or self._received, began)
        for stage in _STAGES:
            ended = began + verdict.timing_ms.get(stage, 0.0) / 1000
            self._tracing.write(stage, self._span, began, ended)
            began = ended

    def end(self, sent: float, *, refused: bool) -> None:
        """Close it: its answer was acknowledged, which was sent at `sent`."""
        if self._span.is_recording():
            self._span.set_attribute("moderator.refused", refused)
            self._tracing.write("publish", self._span, sent, time.perf_counter())
        self._tracing.close_span(self._span)


def tracing_to(endpoint: str, ratio: float) -> Tracing:
    """Send traces to an OTLP/HTTP collector, in the background; one that is away costs nothing.

    A decision that a post brings in its headers is kept; of the others `ratio` is sampled.
    Raises StartupError without the extra `otel`.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
        from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    except ImportError as error:
        raise StartupError(
            "MODERATOR_OTLP_ENDPOINT is set, but OpenTelemetry is not installed; "
            "install moderator[otel]"
        ) from error
    resource: Any = Resource.create({"service.name": "moderator"})
    provider = TracerProvider(resource=resource, sampler=ParentBasedTraceIdRatio(ratio))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))
    return Tracing(provider)
