"""What every tracked client does, whatever its HTTP library: make a call of a request, and an error of its failure."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from spaturzu.router.asking import Server, may_ask
from spaturzu.router.call import Call
from spaturzu.router.chain import Chain
from spaturzu.router.hop import TRIED, CallRecord, Hop
from spaturzu.router.relay import Relay
from spaturzu.router.reported import report_stream
from spaturzu.router.walk import Broken, of_response
from spaturzu_translators.codec import codec
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.foreign import may_be_foreign
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSON, JSONObject
from spaturzu_translators.requests import WireRequest

from . import detours
from .door import Door, remember
from .surfaces import Surface

COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Own:
    """The request as its own provider is to get it: without thoughts of the targets that served earlier turns."""

    body: bytes
    stripped: tuple[Loss, ...]
    """Where something was left out, in the words of the wire."""
    unknown: str | None = None
    """What names an answer of another provider's, so that the request cannot be sent at all."""


def own(door: Door, chain: Chain, surface: Surface, body: bytes) -> Own | None:
    """None where there is nothing to leave out, as in every conversation that its own provider served."""
    if not chain.targets or not may_be_foreign(spoken := surface.wire or door.provider, body):
        return None
    asked = read_wire(surface, body)
    kept, places = codec(spoken).strip(asked.body, asked.model)
    unknown = codec(spoken).unknown(asked.body)
    if not places and unknown is None:
        return None
    losses = tuple(Loss(path=place, kind="dropped", matters="tuning") for place in places)
    return Own(COMPACT(kept).encode(), losses, unknown)


def unknown_answer(door: Door, place: str, respond: Callable[[ErrorReply], Any]) -> Exception:
    """The primary's own error for an answer that it has not stored, because another provider gave it."""
    says = (
        f"spaturzu: {place} refers to an answer that another provider gave in {door.provider}'s place. It is stored "
        "nowhere, so nothing can go on from it: send the conversation itself, with the output of that answer"
    )
    code = "previous_response_not_found"
    body: JSON = {"error": {"message": says, "type": "invalid_request_error", "param": place, "code": code}}
    return door.native.status_error(respond(ErrorReply(status=400, body=body)))


def begin(
    door: Door,
    chain: Chain,
    surface: Surface,
    body: bytes,
    key: Callable[[], Hashable],
    *,
    as_async: bool,
    headers: Mapping[str, str] | None = None,
    stripped: tuple[Loss, ...] = (),
) -> Call:
    """A call over `chain`, the door's; attributed here, where it enters."""
    if detours.current is not None:
        chain = detours.current.chain(chain)
    record = attributed(door)
    remember(record)
    return Call(
        record=record,
        chain=chain,
        wire_name=surface.wire,
        read=lambda: read_wire(surface, body, _own_headers(door, headers)),
        named=lambda: named_model(surface, body),
        key=key,
        max_retries=door.native.max_retries,
        as_async=as_async,
        stripped=stripped,
    )


def attributed(door: Door) -> CallRecord:
    """The record of a call that enters here and now: whose it is."""
    frame = door.frame()
    if frame is None:
        return CallRecord(
            provider=door.provider, tags=dict(door.tags), customer_id=door.customer, session_id=door.session_id
        )
    record = CallRecord(
        provider=door.provider,
        agent_path=tuple(frame.agent_path),
        run_id=frame.run_id,
        parent_request_id=frame.parent_request_id,
        tags={**door.tags, **frame.tags},
        customer_id=frame.customer or door.customer,
        session_id=frame.session_id or door.session_id,
    )
    frame.last_request_id = record.id
    return record


def native_error(
    door: Door, call: Call, broken: Broken, request: Any, respond: Callable[[ErrorReply], Any]
) -> Exception:
    """The primary's own error, of its SDK's own class, with a note that lists every hop.

    `respond` makes a response of the HTTP library where the primary gave none that is an error.
    """
    native = broken.native
    if isinstance(native, Exception):
        error = door.native.transport_error(native, request)
        error.__cause__ = native if error is not native else native.__cause__
    else:
        answered = native is not None and native.status_code >= 400
        response: Any = native if answered else respond(call.codec.encode_error(broken.failure))
        response.headers.update(served_headers(call))
        error = door.native.status_error(response)
    return told(error, call.record)


def told(error: Exception, record: CallRecord) -> Exception:
    """The error with the call's record, in words and as `error.spaturzu`."""
    error.add_note(record.note)
    error.__dict__["spaturzu"] = record
    return error


def walked(error: BaseException) -> bool:
    """Has the chain been walked before this error? Then no SDK has anything left to retry."""
    return any(note.startswith(TRIED) for note in getattr(error, "__notes__", ()))


def served_headers(call: Call) -> dict[str, str]:
    """Who served, for a response's headers."""
    hop = served(call)
    return named_headers(hop.provider, hop.model, len(call.record.hops))


def served(call: Call) -> Hop:
    """The hop that served; the first where none did."""
    return call.record.served_by or call.record.hops[0]


def named_headers(provider: str, model: str, hops: int) -> dict[str, str]:
    """The headers' names and values."""
    return {"x-spaturzu-provider": provider, "x-spaturzu-model": model, "x-spaturzu-hops": str(hops)}


def _own_headers(door: Door, headers: Mapping[str, str] | None) -> Mapping[str, str] | None:
    """Which betas of Anthropic's a request uses stands beside its body: without them another key would refuse it."""
    betas = headers.get(_BETAS) if headers and door.provider == "anthropic" else None
    return {_BETAS: betas} if betas else None


_BETAS = "anthropic-beta"


def read_wire(surface: Surface, body: bytes, headers: Mapping[str, str] | None = None) -> WireRequest:
    """The request as its codec takes it. What is no JSON object stands as an empty one: no codec reads that."""
    parsed = _object(body)
    model = surface.model or parsed.get("model") or ""
    stream = parsed.get("stream") if surface.stream is None else surface.stream
    return WireRequest(body=parsed, model=str(model), stream=stream is True, headers=headers or {})


_MODEL = re.compile(rb'(?<!\\)"model"\s*:\s*"([^"\\]*)"')


def named_model(surface: Surface, body: bytes) -> str:
    """The model that the request names. A body that names one only is not parsed for it."""
    if surface.model is not None:
        return surface.model
    named = set(_MODEL.findall(body))
    return named.pop().decode() if len(named) == 1 else read_wire(surface, body).model


def _object(body: bytes) -> JSONObject:
    try:
        parsed: JSON = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("JSONObject", parsed) if isinstance(parsed, dict) else {}


_ASKED = b',"stream_options":{"include_usage":true}}'


def asks_usage(call: Call, surface: Surface, server: Server) -> bool:
    """Is a stream's usage to be asked for? Where nobody counts it, only if the caller says so."""
    wanted = call.chain.stream_usage
    if call.wire_name != "openai" or surface.wire is not None or wanted is False:
        return False
    return (wanted is True or call.chain.record is not None) and may_ask(server)


def with_usage_asked(body: bytes) -> bytes | None:
    """`body` with the question behind all else; None where the caller has said something of it."""
    body = body.rstrip()
    if not body.endswith(b"}") or b'"stream_options"' in body:
        return None
    return body[:-1] + _ASKED


def finish(hop: Hop, relay: Relay[Any], *, abandoned: bool, duration_s: float) -> None:
    """A stream is over: its hop says how."""
    hop.model = relay.model or hop.model
    hop.duration_s, hop.malformed, hop.chunks = duration_s, relay.malformed, relay.kept.count
    hop.losses = (*hop.losses, *of_response(relay.losses))
    report_stream(hop, relay)
    if relay.failure is not None:
        hop.status, hop.kind, hop.code = "failed", relay.failure.kind, relay.failure.code
    else:
        hop.status = "abandoned" if abandoned else "served"
    hop.over()
