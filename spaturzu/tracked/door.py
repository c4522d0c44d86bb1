"""What every tracked client does, whatever its HTTP library: make a call of a request, and an answer of its result."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spaturzu.attribution import RunFrame, Tags, child_frame, get_current_frame, uuid7

from .surfaces import Surface, recognise

if TYPE_CHECKING:
    from spaturzu.router.call import Call
    from spaturzu.router.chain import Chain
    from spaturzu.router.hop import CallRecord, Hop
    from spaturzu.router.walk import Broken
    from spaturzu_translators.failures import ErrorReply
    from spaturzu_translators.messages import Provider
    from spaturzu_translators.requests import WireRequest

_LAST: ContextVar[CallRecord | None] = ContextVar("spaturzu_last_call", default=None)


def last_call() -> CallRecord | None:
    """The latest call of this thread or task, with its hops and their losses; None before the first.

    The record of a stream goes on changing until the stream ends.
    """
    return _LAST.get()


async def carried(work: Callable[[], Any], in_thread: Callable[[Callable[[], Any]], Any]) -> Any:
    """`work` in a thread, whose last call becomes that of the caller's own context."""
    seen: list[CallRecord | None] = []

    def working() -> Any:
        try:
            return work()
        finally:
            seen.append(last_call())

    try:
        return await in_thread(working)
    finally:
        if seen:
            _LAST.set(seen[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """How the caller's SDK says that a call failed, built from its own classes.

    `status_error(response)` for an HTTP error, `transport_error(exception, request)` for the lack of an answer.
    `max_retries()` is what the client's user allows it.
    """

    status_error: Callable[[Any], Exception]
    transport_error: Callable[[Exception, Any], Exception]
    max_retries: Callable[[], int]


@dataclass(frozen=True, kw_only=True)
class Door:
    """One client's way out. `agent` is set on the clients that `with_agent` gives."""

    provider: Provider
    native: Native
    chain: Callable[[], Chain]
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    agent: tuple[str, Tags | None] | None = None

    def for_agent(self, name: str, tags: Tags | None) -> Door:
        """The same door for one agent's calls."""
        return replace(self, agent=(name, tags))

    def speaking(self, native: Native) -> Door:
        """The same door for a client of its own, whose errors and retries `native` knows."""
        return replace(self, native=native)

    def recognise(self, path: str) -> Surface | None:
        """The chat surface that `path` is, or None: pass through."""
        return recognise(self.provider, path)

    def call(self, surface: Surface, body: bytes, key: Callable[[], Hashable], *, as_async: bool) -> Call:
        """A call, attributed here, where it enters."""
        from spaturzu.router.call import Call

        chain = self.chain()
        record = self._record()
        _LAST.set(record)
        return Call(
            record=record,
            chain=chain,
            read=lambda: read_wire(surface, body),
            key=key,
            max_retries=self.native.max_retries() if chain.targets else 0,
            as_async=as_async,
        )

    def _record(self) -> CallRecord:
        from spaturzu.router.hop import CallRecord

        frame, call_id = self._frame(), uuid7()
        if frame is None:
            return CallRecord(id=call_id, provider=self.provider, tags=dict(self.tags))
        frame.last_request_id = call_id
        return CallRecord(
            id=call_id,
            provider=self.provider,
            agent_path=tuple(frame.agent_path),
            run_id=frame.run_id,
            tags={**self.tags, **frame.tags},
        )

    def _frame(self) -> RunFrame | None:
        current = get_current_frame()
        return current if self.agent is None else child_frame(*self.agent, current)

    def error(self, call: Call, broken: Broken, request: Any, respond: Callable[[ErrorReply], Any]) -> Exception:
        """The primary's own error, of its SDK's own class, with a note that lists every hop.

        `respond` makes a response of the HTTP library where the primary gave none that is an error.
        """
        native = broken.native
        if isinstance(native, Exception):
            error = self.native.transport_error(native, request)
            error.__cause__ = native if error is not native else native.__cause__
        else:
            answered = native is not None and native.status_code >= 400
            response = native if answered else respond(call.codec.encode_error(broken.failure))
            response.headers.update(served_headers(call))
            error = self.native.status_error(response)
        error.add_note(call.record.note)
        return error


def served_headers(call: Call) -> dict[str, str]:
    """Who served, for a response's headers."""
    served = call.record.served_by or call.record.hops[0]
    return {
        "x-spaturzu-provider": served.provider,
        "x-spaturzu-model": served.model,
        "x-spaturzu-hops": str(len(call.record.hops)),
    }


def read_wire(surface: Surface, body: bytes) -> WireRequest:
    """The request as its codec takes it. Raises BadWire where it is not a JSON object."""
    from spaturzu_translators.codec import BadWire, as_object
    from spaturzu_translators.requests import WireRequest

    try:
        parsed = as_object(json.loads(body), "the request")
    except ValueError as error:
        raise BadWire(f"the request is not a JSON object: {error}") from error
    model = surface.model or parsed.get("model") or ""
    stream = parsed.get("stream") if surface.stream is None else surface.stream
    return WireRequest(body=parsed, model=str(model), stream=stream is True)


def finish(hop: Hop, relay: Any, *, abandoned: bool, duration_s: float) -> None:
    """A stream is over: its hop says how."""
    hop.model = relay.model or hop.model
    hop.duration_s = duration_s
    hop.losses = (*hop.losses, *relay.losses)
    if relay.failure is not None:
        hop.status, hop.kind, hop.code = "failed", relay.failure.kind, relay.failure.code
    else:
        hop.status = "abandoned" if abandoned else "served"
