"""OpenTelemetry of calls, with the real SDK: one span per hop within a route, tokens once, never a prompt."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

pytest.importorskip("opentelemetry.sdk")

from opentelemetry import context as contexts
from opentelemetry import trace
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from spaturzu.middleware.telemetry import Telemetry
from spaturzu.middleware.trace import trace_hop
from spaturzu.router.breakers import Breakers
from spaturzu.router.call import Call
from spaturzu.router.drive import drive
from spaturzu.router.hedging import Hedging
from spaturzu.router.hop import Hop
from spaturzu.router.judge import Reply
from spaturzu.router.walk import NativeAnswer
from spaturzu.tracked.pump import SyncPump
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Usage
from tests.waiting import PATIENCE_S, soon

from ..ledger.records import failed, record
from ..router.stage import Clock, Fake, Primary, answering, body_of, bytes_of, make_call

USED = Usage(input_tokens=12, output_tokens=7, cache_read_tokens=4)
SECRET = "the prompt that nobody else may read"
STREAMED = Request(model="asked", messages=(Message(role="user", parts=(Text(text=SECRET),)),), stream=True)


@dataclass
class Observed:
    """Telemetry with exporters in memory, and a stand-in for the meter, which makes each hop's record."""

    spans_: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)
    logs: InMemoryLogRecordExporter = field(default_factory=InMemoryLogRecordExporter)
    record: dict[str, Any] | None = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        self.tracers, loggers = TracerProvider(), LoggerProvider()
        self.tracers.add_span_processor(SimpleSpanProcessor(self.spans_))
        loggers.add_log_record_processor(SimpleLogRecordProcessor(self.logs))
        self.telemetry = Telemetry(self.tracers, MeterProvider([self.reader]), loggers)

    def meter(self, call: Call, hop: Hop) -> None:
        """Tells the hop its record, as the recorder's thread does."""
        made = None
        if self.record is not None:
            make = failed if hop.status == "failed" else record
            told = {} if hop.status == "failed" else {"usage": USED, "cost_nanodollars": 2_500_000, **self.record}
            made = make(**told)
        assert hop.recorded is not None
        hop.recorded(made)

    def call(self, *targets: Any, **chain: Any) -> Call:
        """A call that is observed."""
        return make_call(
            *targets, around=(self.telemetry.around_call,), middleware=(trace_hop,), record=self.meter, **chain
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """In the order of their starts."""
        return tuple(sorted(self.spans_.get_finished_spans(), key=lambda span: span.start_time or 0))

    def points(self, name: str) -> list[Any]:
        """The points of one metric."""
        data: Any = self.reader.get_metrics_data()
        found = [metric for scope in data.resource_metrics[0].scope_metrics for metric in scope.metrics]
        return [point for metric in found if metric.name == name for point in metric.data.data_points]


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


def test_a_fallback_is_a_route_with_a_span_for_each_hop():
    seen, claude = Observed(), Fake("anthropic")
    call = seen.call(claude.target(model="claude"))
    call.record.run_id, call.record.agent_path, call.record.tags = "run-1", ("plan", "write"), {"team": "search"}
    drive(call, Primary([503]))
    route, first, second = seen.spans
    assert [(span.name, span.kind) for span in seen.spans] == [
        ("spaturzu.route chat asked", SpanKind.INTERNAL),
        ("chat asked", SpanKind.CLIENT),
        ("chat claude", SpanKind.CLIENT),
    ]
    assert [span.parent and span.parent.span_id for span in (first, second)] == [route.context.span_id] * 2
    assert facts(route) == {
        "spaturzu.call.id": call.record.id,
        "spaturzu.run.id": "run-1",
        "spaturzu.agent.path": ("plan", "write"),
        "gen_ai.agent.name": "write",
        "spaturzu.tag.team": "search",
        "spaturzu.primary.provider": "openai",
        "spaturzu.chain.length": 2,
        "spaturzu.served_by": "anthropic/served",
    }
    assert facts(first)["error.type"] == "503"
    assert facts(first)["spaturzu.failure.kind"] == "overloaded"
    assert first.status.status_code is StatusCode.ERROR
    assert route.status.status_code is second.status.status_code is StatusCode.UNSET


def test_a_hops_span_has_the_conventions_attributes():
    seen = Observed(record={"response_id": "id-1", "session_id": "s-1", "customer_id": "acme"})
    call = seen.call(Fake("gemini").target(model="gemini-3.5-pro"))
    drive(call, Primary([500]))
    assert facts(seen.spans[-1]) == {
        "gen_ai.operation.name": "generate_content",
        "gen_ai.provider.name": "gcp.gemini",
        "gen_ai.request.model": "gemini-3.5-pro",
        "gen_ai.request.max_tokens": 50,
        "gen_ai.response.model": "served",
        "gen_ai.response.id": "id-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.conversation.id": "s-1",
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "spaturzu.call.id": call.record.id,
        "spaturzu.customer.id": "acme",
        "spaturzu.usage.source": "provider",
        "spaturzu.cost.usd": 0.0025,
        "spaturzu.hop.index": 1,
        "spaturzu.hop.attempts": 1,
        "spaturzu.hop.outcome": "served",
    }


def test_tokens_stand_on_the_hop_that_used_them_and_nowhere_else():
    seen = Observed()
    drive(seen.call(Fake("mistral").target()), Primary([503]))
    assert [facts(span).get("gen_ai.usage.input_tokens") for span in seen.spans] == [None, None, 12]


def test_a_client_without_a_chain_has_no_route():
    seen = Observed()
    drive(seen.call(), Primary([answering(body_of("openai"))]))
    assert [span.name for span in seen.spans] == ["chat asked"]


def test_an_exhausted_chain_is_an_error_of_the_route_for_the_primarys_reason():
    seen = Observed()
    drive(seen.call(Fake("anthropic", [ConnectionError()]).target()), Primary([503]))
    route = seen.spans[0]
    assert (facts(route)["error.type"], route.status.status_code) == ("503", StatusCode.ERROR)
    assert "spaturzu.served_by" not in facts(route)


def test_retries_at_one_target_stay_in_one_span():
    seen = Observed()
    drive(seen.call(max_retries=1, deadline_s=60), Primary([500, answering(body_of("openai"))]))
    assert [facts(span)["spaturzu.hop.attempts"] for span in seen.spans] == [2]


def test_no_span_says_what_was_asked_or_answered():
    seen = Observed()
    asked = Request(model="asked", messages=(Message(role="user", parts=(Text(text=SECRET),)),))
    drive(seen.call(Fake("anthropic").target(), asked=asked), Primary([503]))
    exported = " ".join(span.to_json() for span in seen.spans)
    for said in (SECRET, "Hello", "sk-secret"):
        assert said not in exported


@pytest.mark.parametrize(("read_on", "outcome"), [(True, "served"), (False, "abandoned")])
def test_a_streams_spans_end_when_the_stream_does(read_on: bool, outcome: str):
    seen, data = Observed(), bytes_of("openai")
    reply = Reply(native=object(), status=200, headers={}, source=iter([data[:400], data[400:]]))
    call = seen.call(Fake("anthropic").target(), asked=STREAMED)
    result = drive(call, Primary([reply]))
    assert isinstance(result, NativeAnswer)
    assert seen.spans == ()
    pump = SyncPump(call, result.stream, None, lambda _: None)
    if read_on:
        list(pump.chunks())
    pump.close()
    route, hop = seen.spans
    assert facts(hop)["spaturzu.hop.outcome"] == outcome
    assert facts(route)["spaturzu.served_by"].startswith("openai/")
    timed = seen.points("gen_ai.client.operation.time_per_output_chunk")
    assert [point.count for point in timed] == ([1] if read_on else [])


def test_the_callers_span_is_the_parent_and_stays_the_current_one():
    seen = Observed()
    tracer = seen.tracers.get_tracer("the application")
    during: list[Any] = []
    primary = Primary([answering(body_of("openai"))], during=lambda: during.append(trace.get_current_span()))
    with tracer.start_as_current_span("request") as request:
        drive(seen.call(), primary)
        assert trace.get_current_span() is request
    hop = seen.spans[-1]
    assert hop.parent is not None
    assert hop.parent.span_id == request.get_span_context().span_id
    assert during[0].get_span_context() == hop.context


def test_instrumentations_inside_of_a_hop_are_asked_to_hold_still():
    seen, inside = Observed(), list[Any]()
    key = "opentelemetry.genai.client.inference.context"
    primary = Primary([answering(body_of("openai"))], during=lambda: inside.append(contexts.get_value(key)))
    drive(seen.call(), primary)
    assert inside[0] is not None
    assert contexts.get_value(key) is None


@pytest.mark.parametrize("operation", ["chat", "invoke_agent"])
def test_tokens_that_an_outer_span_of_the_call_has_are_not_counted_again(operation: str):
    seen = Observed()
    tracer = seen.tracers.get_tracer("a vendor")
    with tracer.start_as_current_span("outer", attributes={"gen_ai.operation.name": operation}):
        drive(seen.call(), Primary([answering(body_of("openai"))]))
    hop = next(span for span in seen.spans if span.name == "chat asked")
    counted = operation == "invoke_agent"
    assert ("gen_ai.usage.input_tokens" in facts(hop)) is counted
    assert bool(seen.points("gen_ai.client.token.usage")) is counted
    assert facts(hop)["spaturzu.cost.usd"] == 0.0025


def test_a_hop_whose_record_was_lost_has_its_span_all_the_same():
    seen = Observed(record=None)
    drive(seen.call(), Primary([answering(body_of("openai"))]))
    assert facts(seen.spans[0])["spaturzu.hop.outcome"] == "served"


def test_durations_tokens_and_costs_are_metrics():
    seen = Observed()
    drive(seen.call(Fake("anthropic").target()), Primary([503]))
    durations = {
        point.attributes["gen_ai.provider.name"]: point for point in seen.points("gen_ai.client.operation.duration")
    }
    assert durations["openai"].attributes["error.type"] == "503"
    assert "error.type" not in durations["anthropic"].attributes
    assert durations["anthropic"].explicit_bounds[:3] == (0.01, 0.02, 0.04)
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in seen.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 12, "output": 7}
    assert [point.value for point in seen.points("spaturzu.cost")] == [0.0025]
    (fallback,) = seen.points("spaturzu.fallback.count")
    assert (fallback.value, fallback.attributes["spaturzu.fallback.from"]) == (1, "openai/asked")
    assert seen.points("gen_ai.client.inference.duration") == []


def test_a_breakers_state_is_a_metric():
    seen, clock = Observed(), Clock()
    breakers = Breakers(clock, rand=lambda: 0.5)

    def states() -> dict[str, int]:
        return {point.attributes["spaturzu.target"]: point.value for point in seen.points("spaturzu.breaker.state")}

    def ask(status: int) -> None:
        answer = answering(body_of("openai")) if status == 200 else status
        drive(seen.call(Fake("anthropic").target(), clock=clock, breakers=breakers), Primary([answer]))

    ask(200)
    assert states() == {}
    for _ in range(3):
        ask(503)
    assert states() == {"openai/asked": 2}
    clock.passes(10)
    assert states() == {"openai/asked": 1}
    ask(200)
    assert states() == {"openai/asked": 0}


def test_the_newer_metrics_come_with_the_opt_in(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "http/dup,gen_ai_latest_experimental")
    seen = Observed()
    drive(seen.call(), Primary([answering(body_of("openai"))]))
    assert [point.count for point in seen.points("gen_ai.client.inference.duration")] == [1]
    assert [point.value for point in seen.points("gen_ai.client.inference.usage.cache_read.input_tokens")] == [4]
    assert [point.sum for point in seen.points("gen_ai.client.inference.operation.output_tokens")] == [7]


def test_tokens_that_are_known_to_be_audio_are_counted_apart(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", "gen_ai_latest_experimental")
    seen = Observed(record={"usage": replace(USED, input_audio_tokens=5)})
    drive(seen.call(), Primary([answering(body_of("openai"))]))
    counted = seen.points("gen_ai.client.inference.usage.input_tokens")
    assert {point.attributes.get("gen_ai.token.modality"): point.value for point in counted} == {None: 7, "audio": 5}


def test_a_fallback_is_an_event_in_the_log():
    seen = Observed()
    drive(seen.call(Fake("anthropic").target(model="claude")), Primary([503]))
    (event,) = [log.log_record for log in seen.logs.get_finished_logs()]
    assert event.event_name == "spaturzu.fallback"
    said = dict(event.attributes or {})
    assert (said["spaturzu.fallback.from"], said["spaturzu.fallback.to"]) == ("openai/asked", "anthropic/claude")
    assert event.span_id == seen.spans[-1].context.span_id


def test_a_denied_hop_leaves_no_open_span():
    class Denied(Exception):
        pass

    def deny(call: Call, hop: Hop) -> Generator[None]:
        raise Denied
        yield

    seen = Observed()
    call = make_call(around=(seen.telemetry.around_call,), middleware=(trace_hop, deny))
    with pytest.raises(Denied):
        drive(call, Primary([503]))
    assert trace.get_current_span() is trace.INVALID_SPAN


QUIET = """
import sys
from spaturzu.middleware.trace import is_on, telemetry
assert telemetry() is None
assert not any(name.startswith("opentelemetry") for name in sys.modules)
from opentelemetry import trace
import opentelemetry.sdk.trace
assert not is_on()
trace.set_tracer_provider(opentelemetry.sdk.trace.TracerProvider())
assert is_on()
import os
os.environ["SPATURZU_OTEL"] = "off"
assert telemetry() is None
del os.environ["SPATURZU_OTEL"]
assert telemetry() is telemetry() is not None
"""


def test_nothing_is_loaded_before_the_application_sets_a_provider():
    answer = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, env=dict(os.environ))
    assert answer.returncode == 0, answer.stderr


def test_a_hedge_is_no_fallback():
    """Both hops have their spans: nothing has failed."""
    seen, gate, ended = Observed(), threading.Event(), threading.Semaphore(0)
    primary = Primary([answering(body_of("openai"))], during=lambda: gate.wait(2 * PATIENCE_S) and None)
    second = Fake("anthropic", before=lambda: soon(lambda: primary.sent))

    def noting(call: Call, hop: Hop) -> Generator[None]:
        yield
        ended.release()

    hedging = Hedging(after_s=0.03, max_share=None)
    call = seen.call(second.target(model="claude"), clock=time.monotonic, hedging=hedging)
    call.chain = replace(call.chain, middleware=(noting, *call.chain.middleware))
    drive(call, primary)
    gate.set()
    assert ended.acquire(timeout=PATIENCE_S)
    assert ended.acquire(timeout=PATIENCE_S)
    route, first, second = seen.spans
    assert facts(route)["spaturzu.served_by"] == "anthropic/served"
    assert facts(first)["spaturzu.failure.kind"] == "cancelled"
    assert facts(second)["spaturzu.hop.outcome"] == "served"
    assert seen.logs.get_finished_logs() == ()
    assert seen.points("spaturzu.fallback.count") == []
