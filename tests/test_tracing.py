"""Traces go through: from a post's headers to its verdict's, with spans by stage."""

import gzip
import http.server
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from moderator.metrics import Metrics
from moderator.settings import load_settings
from moderator.stream.answerer import Answerer
from moderator.stream.publisher import Message
from moderator.tracing import Tracing, tracing_to
from tests.builders import a_screener
from tests.stream.test_answerer import job

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-01".encode())
NOT_SAMPLED = ("traceparent", f"00-{TRACE}-{PARENT}-00".encode())


class Traced:
    """An answerer whose spans are kept in memory."""

    def __init__(self, ratio: float = 1.0) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(sampler=ParentBasedTraceIdRatio(ratio))
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.metrics = Metrics()
        settings = load_settings({"callers": 1})
        self.answerer = Answerer(settings, a_screener(), self.metrics, Tracing(provider))

    async def answer(self, *headers: tuple[str, bytes | None]) -> list[Message]:
        work = job("1", "red fire")
        work[0].record.headers = headers
        messages = await self.answerer.answer([work])
        work[0].sent = time.perf_counter()
        self.answerer.answered([work[0]])
        return messages

    @property
    def spans(self) -> Sequence[ReadableSpan]:
        return self._exporter.get_finished_spans()


@pytest.fixture
def traced() -> Iterator[Traced]:
    made = Traced()
    yield made
    made.answerer.close()


async def test_the_trace_of_the_producer_goes_on_in_the_verdict(traced: Traced) -> None:
    (verdict,) = await traced.answer(SAMPLED, ("tracestate", b"vendor=1"))
    headers = dict(verdict.headers)
    _, trace, span, flags = headers["traceparent"].decode().split("-")
    assert (trace, flags) == (TRACE, "01")
    assert span != PARENT
    assert headers["tracestate"] == b"vendor=1"


async def test_every_stage_is_a_span_inside_that_of_the_post(traced: Traced) -> None:
    await traced.answer(SAMPLED)
    (root,) = [span for span in traced.spans if span.name == "moderate post"]
    assert root.parent is not None
    assert f"{root.parent.span_id:016x}" == PARENT
    assert root.attributes is not None
    assert root.attributes["moderator.action"] == "block"
    stages = [span for span in traced.spans if span is not root]
    assert [span.name for span in stages] == ["queue", "decode", "encode", "score", "publish"]
    for span in stages:
        assert span.parent is not None
        assert root.context is not None
        assert span.parent.span_id == root.context.span_id
        assert span.start_time is not None
        assert span.end_time is not None
        assert root.start_time is not None
        assert root.start_time <= span.start_time <= span.end_time


async def test_a_decision_not_to_sample_is_kept_and_handed_on(traced: Traced) -> None:
    (verdict,) = await traced.answer(NOT_SAMPLED)
    assert traced.spans == ()
    assert dict(verdict.headers)["traceparent"].startswith(f"00-{TRACE}".encode())
    assert dict(verdict.headers)["traceparent"].endswith(b"-00")


@pytest.mark.parametrize("value", [None, b"", b"nonsense", b"\xff\xfe", b"00-0-0-01"])
async def test_a_traceparent_that_is_none_begins_a_trace(
    traced: Traced, value: bytes | None
) -> None:
    (verdict,) = await traced.answer(("traceparent", value))
    assert TRACE.encode() not in dict(verdict.headers)["traceparent"]
    assert any(span.name == "moderate post" for span in traced.spans)


async def test_headers_of_others_may_have_no_value(traced: Traced) -> None:
    (verdict,) = await traced.answer(("vendor", None), SAMPLED)
    assert TRACE.encode() in dict(verdict.headers)["traceparent"]


async def test_the_slowest_post_leads_to_its_trace(traced: Traced) -> None:
    await traced.answer(SAMPLED)
    page, _ = traced.metrics.page("application/openmetrics-text")
    assert f'trace_id="{TRACE}"' in page.decode()


async def test_a_refused_post_has_a_span_too(traced: Traced) -> None:
    refused = job("1")[0]
    refused.record.headers = (SAMPLED,)
    traced.answerer.refuse(refused, "not_json", "no JSON")
    refused.sent = time.perf_counter()
    traced.answerer.answered([refused])
    (root,) = [span for span in traced.spans if span.name == "moderate post"]
    assert root.attributes is not None
    assert root.attributes["moderator.refused"] is True


async def test_without_tracing_verdicts_carry_no_headers() -> None:
    answerer = Answerer(load_settings({"callers": 1}), a_screener(), Metrics())
    (verdict,) = await answerer.answer([job("1", "red fire")])
    answerer.close()
    assert verdict.headers == []


def test_opentelemetry_is_not_even_imported_when_it_is_off() -> None:
    names = {"opentelemetry.sdk.trace", "opentelemetry.exporter"}  # redis imports other parts
    code = (
        f"import sys, moderator.app, moderator.stream.hotpath; print({names} & sys.modules.keys())"
    )
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout == "set()\n"


def test_spans_arrive_at_a_collector() -> None:
    bodies: list[bytes] = []

    class Collector(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            bodies.append(gzip.decompress(body) if zipped else body)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        tracing = tracing_to(f"http://127.0.0.1:{server.server_port}/v1/traces", 1.0)
        tracing.begin([SAMPLED], time.perf_counter()).end(time.perf_counter(), refused=False)
        tracing.close()
        server.shutdown()
    request = ExportTraceServiceRequest.FromString(b"".join(bodies))
    spans = request.resource_spans[0].scope_spans[0].spans
    assert {span.name for span in spans} == {"moderate post", "publish"}
    assert {span.trace_id.hex() for span in spans} == {TRACE}
