"""The spans, metrics and events of calls. Metadata only: no prompt, no answer, no provider's message text.

A hop's span starts and ends with the hop, but is completed off the caller's path, when the hop's record is: usage is
read and priced there. What an instrumentation around us counts already of the same call is not counted again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast
from weakref import WeakSet

from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry._logs import LoggerProvider, LogRecord, get_logger
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from spaturzu import semconv
from spaturzu.ledger.record import Record
from spaturzu.router.breakers import Breakers
from spaturzu.router.call import Call
from spaturzu.router.hop import CallRecord, Hop
from spaturzu.version import VERSION
from spaturzu_translators.messages import Provider

SCOPE = "spaturzu"


@dataclass(frozen=True, slots=True)
class Tracing:
    """What a call's hops are in. `counted`: an instrumentation around us counts this call's tokens and time."""

    telemetry: Telemetry
    context: Context
    counted: bool


@dataclass(frozen=True, slots=True)
class _Traced:
    """A hop's span while it lasts. `names` is what its metrics are told apart by."""

    span: Span
    context: Context
    counted: bool
    names: Mapping[str, str | int]


class Telemetry:
    """Made once, when the first provider is there. The global providers are used where none is given.

    Global ones that are set later are used from then on.
    """

    def __init__(
        self,
        tracers: trace.TracerProvider | None = None,
        meters: metrics.MeterProvider | None = None,
        loggers: LoggerProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, VERSION, tracers)
        self._logger = get_logger(SCOPE, VERSION, loggers)
        self._metrics = Metrics(metrics.get_meter(SCOPE, VERSION, meters))

    def around_call(self, call: Call) -> Generator[None]:
        """Takes the caller's context. A call that may fall back has a span, the route, without any tokens on it."""
        context, counted = _caller()
        self._metrics.watch(call.chain.breakers)
        span = None
        if len(call.chain.places) > 1:
            span = self._route(call, context)
            context = trace.set_span_in_context(span, context)
        call.record.tracing = Tracing(self, context, counted)
        try:
            yield
        finally:
            if span is not None:
                _end_route(span, call.record)

    def _route(self, call: Call, context: Context) -> Span:
        operation = semconv.OPERATIONS.get(call.provider, "chat")
        return self._tracer.start_span(
            f"spaturzu.route {operation} {call.model}".rstrip(),
            context=context,
            kind=SpanKind.INTERNAL,
            attributes={
                semconv.PRIMARY_PROVIDER: semconv.PROVIDERS[call.provider],
                semconv.CHAIN_LENGTH: len(call.chain.places),
                **_whose(call.record),
            },
        )

    def around_hop(self, call: Call, hop: Hop, tracing: Tracing) -> Generator[None]:
        """One client span for all attempts at one target."""
        traced = self._start(call, hop, tracing)
        self._note_fallback(call.record, hop, traced)
        hop.enter = partial(_attach, _quiet(traced.context))
        try:
            yield
        finally:
            hop.enter = None
            duration_s, ended_ns = hop.duration_s, time.time_ns()
            hop.recorded = partial(self._finish, traced, call, hop, duration_s, ended_ns)

    def _start(self, call: Call, hop: Hop, tracing: Tracing) -> _Traced:
        model = hop.model or call.model
        operation = semconv.OPERATIONS.get(hop.provider, "chat")
        server = call.server(call.visited[hop.index])
        names = {semconv.OPERATION: operation, semconv.PROVIDER: _provider(hop.provider, server)}
        if model:
            names[semconv.REQUEST_MODEL] = model
        names |= _server(server)
        span = self._tracer.start_span(
            f"{operation} {model}".rstrip(),
            context=tracing.context,
            kind=SpanKind.CLIENT,
            attributes={**names, semconv.HOP: hop.index, **_whose(call.record)},
        )
        return _Traced(span, trace.set_span_in_context(span, tracing.context), tracing.counted, names)

    def _note_fallback(self, record: CallRecord, hop: Hop, traced: _Traced) -> None:
        """The switch itself: an event in the log, and a count."""
        before = next((earlier for earlier in reversed(record.hops[: hop.index]) if earlier.status != "skipped"), None)
        if before is None or hop.hedge:
            return
        attributes = {
            semconv.FALLBACK_FROM: _name(before),
            semconv.FALLBACK_TO: _name(hop),
            semconv.ERROR_TYPE: _error_type(before),
        }
        self._metrics.fallbacks.add(1, attributes, traced.context)
        event = LogRecord(
            timestamp=time.time_ns(),
            context=traced.context,
            event_name=semconv.FALLBACK_EVENT,
            attributes={**attributes, "spaturzu.fallback.after_s": before.duration_s},
        )
        self._logger.emit(event)

    def _finish(
        self, traced: _Traced, call: Call, hop: Hop, duration_s: float, ended_ns: int, record: Record | None
    ) -> None:
        """With its record, or without one where it was lost."""
        span = traced.span
        if span.is_recording():
            span.set_attributes({**_asked(call, hop), **_of_hop(hop, call.record)})
            if record is not None:
                span.set_attributes(_of_record(record, counted=traced.counted))
        if hop.status == "failed":
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended_ns)
        self._metrics.record(traced, hop, duration_s, record)


class Metrics:
    """The instruments. The newer names are added where the environment opts in."""

    def __init__(self, meter: metrics.Meter) -> None:
        seconds = partial(
            meter.create_histogram,
            unit="s",
            explicit_bucket_boundaries_advisory=semconv.SECONDS_BOUNDARIES,
        )
        tokens = partial(
            meter.create_histogram,
            unit="{token}",
            explicit_bucket_boundaries_advisory=semconv.TOKENS_BOUNDARIES,
        )
        self.fallbacks = meter.create_counter(semconv.FALLBACK_COUNT, "{fallback}", "Hops that followed a failed one.")
        self._breakers, self._failed = WeakSet[Breakers](), dict[str, int]()
        meter.create_observable_gauge(
            semconv.BREAKER, [self._states], description="0: closed; 1: half open, a probe may pass; 2: open."
        )
        self._cost = meter.create_counter(semconv.COST_TOTAL, "{usd}", "What hops cost whose price is known.")
        self._tokens = tokens(semconv.TOKENS)
        new = semconv.OPT_IN_VALUE in os.environ.get(semconv.OPT_IN, "").split(",")
        durations, first_chunks, per_chunk = [semconv.DURATION], [semconv.FIRST_CHUNK], [semconv.PER_CHUNK]
        if new:
            durations.append(semconv.NEW_DURATION)
            first_chunks.append(semconv.NEW_FIRST_CHUNK)
            per_chunk.append(semconv.NEW_PER_CHUNK)
        self._durations = [seconds(name) for name in durations]
        self._first_chunks = [seconds(name) for name in first_chunks]
        self._per_chunk = [seconds(name) for name in per_chunk]
        self._sums = {field: meter.create_counter(name, "{token}") for field, name in semconv.NEW_USAGE.items() if new}
        self._sizes = {field: tokens(name) for field, name in semconv.NEW_OPERATION_TOKENS.items() if new}

    def watch(self, breakers: Breakers) -> None:
        """Observe these from now on."""
        if breakers not in self._breakers:
            self._breakers.add(breakers)

    def _states(self, options: metrics.CallbackOptions) -> Iterable[metrics.Observation]:
        """Of each target that has failed since: a breaker that has closed is 0. Those of one name: the worst."""
        self._failed = dict.fromkeys(self._failed, 0)
        for health in [health for breakers in list(self._breakers) for health in breakers.all_health()]:
            state = semconv.BREAKER_STATES[health.state]
            self._failed[health.target] = max(state, self._failed.get(health.target, 0))
        return [metrics.Observation(state, {semconv.TARGET: target}) for target, state in self._failed.items()]

    def record(self, traced: _Traced, hop: Hop, duration_s: float, record: Record | None) -> None:
        """A hop that is over."""
        names, context = {**traced.names, semconv.RESPONSE_MODEL: hop.model}, traced.context
        if record is not None and record.cost_nanodollars is not None:
            self._cost.add(record.cost_nanodollars / 1e9, names, context)
        if traced.counted:
            return
        failed = {semconv.ERROR_TYPE: _error_type(hop)} if hop.status == "failed" else {}
        for duration in self._durations:
            duration.record(duration_s, {**names, **failed}, context)
        if hop.first_token_s is not None:
            for first_chunk in self._first_chunks:
                first_chunk.record(hop.first_token_s, names, context)
            if hop.chunks > 1 and hop.status == "served":
                for per_chunk in self._per_chunk:
                    per_chunk.record((duration_s - hop.first_token_s) / (hop.chunks - 1), names, context)
        if record is not None and record.usage is not None:
            self._count(record.usage, names, context)

    def _count(self, usage: Any, names: Mapping[str, str | int], context: Context) -> None:
        for field, kind in (("input_tokens", "input"), ("output_tokens", "output")):
            if (count := getattr(usage, field)) is not None:
                self._tokens.record(count, {**names, semconv.TOKEN_TYPE: kind}, context)
        for field, size in self._sizes.items():
            if (count := getattr(usage, field)) is not None:
                size.record(count, names, context)
        for field, sum_ in self._sums.items():
            if (count := getattr(usage, field)) is not None:
                heard = getattr(usage, semconv.AUDIO[field], None) or 0 if field in semconv.AUDIO else 0
                sum_.add(count - heard, names, context)
                if heard:
                    sum_.add(heard, {**names, semconv.MODALITY: "audio"}, context)


def _whose(record: CallRecord) -> dict[str, Any]:
    """Whose call it is."""
    said: dict[str, Any] = {semconv.CALL_ID: record.id}
    if record.run_id is not None:
        said[semconv.RUN_ID] = record.run_id
    if record.agent_path:
        said[semconv.AGENT_PATH] = record.agent_path
        said[semconv.AGENT] = record.agent_path[-1]
    return {**said, **{semconv.TAG + name: value for name, value in record.tags.items()}}


def _provider(provider: Provider, server: tuple[str, int | None] | None) -> str:
    name, *hosts = semconv.VERTEX
    vertex = provider == "gemini" and server is not None and all(part in server[0] for part in hosts)
    return name if vertex else semconv.PROVIDERS[provider]


def _server(server: tuple[str, int | None] | None) -> dict[str, str | int]:
    if server is None:
        return {}
    host, port = server
    return {semconv.SERVER_ADDRESS: host, **({} if port is None else {semconv.SERVER_PORT: port})}


def _asked(call: Call, hop: Hop) -> dict[str, str | int | float]:
    """The parameters of the request that the convention has. Numbers and levels only: no text of the caller's."""
    sent = call.sent(hop)
    if sent is None:
        return {}
    wire, body = sent
    found = {
        name: next((value for path in paths if (value := _at(body, path)) is not None), None)
        for name, paths in semconv.REQUEST_PARAMETERS[wire].items()
    }
    return {name: value for name, value in found.items() if isinstance(value, int | float | str)}


def _at(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = cast("dict[str, Any]", value).get(name) if isinstance(value, dict) else None
    return value


def _reasons(hop: Hop) -> list[str]:
    """In canonical words, one for each answer."""
    said = None if hop.answer is None else hop.answer()
    return [candidate.finish_reason for candidate in said.candidates if candidate.finish_reason] if said else []


def _of_hop(hop: Hop, call: CallRecord) -> dict[str, Any]:
    """How the hop went."""
    said: dict[str, Any] = {semconv.ATTEMPTS: hop.attempts, semconv.OUTCOME: hop.status}
    if hop.status == "failed":
        said[semconv.ERROR_TYPE] = _error_type(hop)
        said[semconv.FAILURE] = hop.kind or "other"
    elif hop.model:
        said[semconv.RESPONSE_MODEL] = hop.model
    if hop.status == "served" and (reasons := _reasons(hop)):
        said[semconv.FINISH_REASONS] = reasons
    if hop.hedge:
        said[semconv.HEDGE] = True
    if hop.first_token_s is not None:
        said[semconv.REQUEST_STREAM] = True
        said[semconv.TIME_TO_FIRST_CHUNK] = hop.first_token_s
    if hop.losses:
        said[semconv.LOSSES] = [loss.path for loss in hop.losses]
    if call.stitched:
        said[semconv.STITCHED] = True
    return said


def _of_record(record: Record, *, counted: bool) -> dict[str, Any]:
    """What is known once the usage is read and priced."""
    said: dict[str, Any] = {
        semconv.RESPONSE_ID: record.response_id,
        semconv.CONVERSATION: record.session_id,
        semconv.CUSTOMER: record.customer_id,
        semconv.USAGE_SOURCE: record.usage_source,
    }
    if record.streamed:
        said[semconv.REQUEST_STREAM] = True
    if record.cost_nanodollars is not None:
        said[semconv.COST] = record.cost_nanodollars / 1e9
    if record.usage is not None and not counted:
        said |= {name: getattr(record.usage, field) for field, name in semconv.USAGE.items()}
    return {name: value for name, value in said.items() if value is not None}


def _end_route(span: Span, record: CallRecord) -> None:
    served = record.served_by
    if served is not None:
        span.set_attribute(semconv.SERVED_BY, _name(served))
    if record.stitched:
        span.set_attribute(semconv.STITCHED, True)
    if served is None:
        reasons = [_error_type(hop) for hop in record.hops if hop.status == "failed"]
        span.set_attribute(semconv.ERROR_TYPE, reasons[0] if reasons else "skipped")
        span.set_status(Status(StatusCode.ERROR))
    span.end()


def _error_type(hop: Hop) -> str:
    """The status, else the class or code, else our kind; never a message."""
    return str(hop.http_status or hop.code or hop.kind or "other")


def _name(hop: Hop) -> str:
    return f"{semconv.PROVIDERS[hop.provider]}/{hop.model}"


def _caller() -> tuple[Context, bool]:
    """The caller's context, and whether a span in it has the tokens of this very call; an agent's has not."""
    context = contexts.get_current()
    outer: Mapping[str, Any] = getattr(trace.get_current_span(context), "attributes", None) or {}
    in_span = outer.get(semconv.OPERATION) in semconv.INFERENCE
    return context, in_span or contexts.get_value(semconv.OUTER, context) is not None


def _quiet(context: Context) -> Context:
    """The same, in which other instrumentations of model calls hold still."""
    for name, value in semconv.SUPPRESSED.items():
        context = contexts.set_value(name, value, context)
    return context


def _attach(context: Context) -> Callable[[], object]:
    token = contexts.attach(context)
    return partial(contexts.detach, token)
