"""Anthropic's messages. Source: providers.md sections 2.6 to 2.8, 2026-11-22."""

from __future__ import annotations

import re
from dataclasses import dataclass

from spaturzu_translators.messages import JSONObject
from spaturzu_translators.sse import named_frame

from ..errors import native_error
from ..faults import StreamErrorKind
from ..replies import Reply, ToolCall, Usage, split
from .dialect import Asked, Dialect, Streamed, inside

_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
}
_SIGNATURE = "c2FuZGJveA=="
_VERTEX = re.compile(r"/publishers/anthropic/models/(?P<model>[^/:]+):(?:streamR|r)awPredict$")
"""Google Cloud's path has the model; `stream` stands in the body there too (anthropic 2.12 [S])."""


@dataclass(frozen=True, slots=True)
class _Block:
    """A content block: how a stream starts it, its deltas, and the whole of it."""

    start: JSONObject
    deltas: list[JSONObject]
    whole: JSONObject


def _read(path: str, body: JSONObject) -> Asked | None:
    vertex = _VERTEX.search(path)
    if vertex is None and not path.endswith("/messages"):
        return None
    wanted = inside(body, "output_config", "format")
    return Asked(
        model=vertex["model"] if vertex else str(body.get("model", "")),
        stream=body.get("stream") is True,
        structured=wanted.get("type") == "json_schema",
    )


def _aside(method: str, path: str, body: JSONObject) -> JSONObject | None:
    match method, path.strip("/").split("/"):
        case "POST", [*_, "messages", "count_tokens"]:
            return {"input_tokens": Usage().input}
        case "GET", ["v1", "models", name]:
            return _model(name)
        case "GET", ["v1", "models"]:
            model = _model("claude-haiku-5-5")
            return {"data": [model], "has_more": False, "first_id": model["id"], "last_id": model["id"]}
        case _:
            return None


def _model(name: str) -> JSONObject:
    return {"type": "model", "id": name, "display_name": name, "created_at": "2026-11-22T00:00:00Z"}


def _blocks(reply: Reply, asked: Asked, serial: str) -> list[_Block]:
    """Thinking first, then text, then tool calls."""
    thinking = [_thinking(reply.reasoning, reply.chunks)] if reply.reasoning else []
    pieces = reply.pieces(structured=asked.structured)
    text = [_text(pieces)] if pieces else []
    return [*thinking, *text, *(_tool_use(call, serial, at) for at, call in enumerate(reply.tool_calls))]


def _thinking(thought: str, chunks: int | None) -> _Block:
    deltas: list[JSONObject] = [{"type": "thinking_delta", "thinking": piece} for piece in split(thought, chunks)]
    deltas.append({"type": "signature_delta", "signature": _SIGNATURE})
    start = {"type": "thinking", "thinking": "", "signature": ""}
    return _Block(start, deltas, {"type": "thinking", "thinking": thought, "signature": _SIGNATURE})


def _text(pieces: list[str]) -> _Block:
    deltas: list[JSONObject] = [{"type": "text_delta", "text": piece} for piece in pieces]
    return _Block({"type": "text", "text": ""}, deltas, {"type": "text", "text": "".join(pieces)})


def _tool_use(call: ToolCall, serial: str, at: int) -> _Block:
    named: JSONObject = {"type": "tool_use", "id": call.id or f"toolu_{serial}{at:02d}", "name": call.name}
    fragments = ["", *split(call.arguments_json, 2)]
    deltas: list[JSONObject] = [{"type": "input_json_delta", "partial_json": text} for text in fragments]
    return _Block({**named, "input": {}}, deltas, {**named, "input": call.arguments})


def _plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    content = [block.whole for block in _blocks(reply, asked, serial)]
    return _message(asked, serial, content, _usage(reply.usage), _ending(reply))


def _message(asked: Asked, serial: str, content: list[JSONObject], usage: JSONObject, ending: JSONObject) -> JSONObject:
    names = {"model": asked.model, "id": f"msg_{serial}", "type": "message", "role": "assistant"}
    return {**names, "content": content, **ending, "usage": usage}


def _ending(reply: Reply) -> JSONObject:
    reason = _STOP.get(reply.reason, reply.reason)
    sequence = "END" if reason == "stop_sequence" else None
    details = {"type": "refusal", "category": "cyber", "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": sequence, "stop_details": details}


def _usage(usage: Usage) -> JSONObject:
    return {
        **_counts(usage),
        "cache_creation": {"ephemeral_5m_input_tokens": usage.cache_write, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def _counts(usage: Usage) -> JSONObject:
    """Cached input is counted apart from `input_tokens`, thinking within `output_tokens`."""
    counts: JSONObject = {
        "input_tokens": usage.uncached,
        "cache_creation_input_tokens": usage.cache_write,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if usage.reasoning:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return counts


def _stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    nothing: JSONObject = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    started = _message(asked, serial, [], {**_usage(reply.usage), "output_tokens": 1}, nothing)
    events: list[JSONObject] = [{"type": "message_start", "message": started}, {"type": "ping"}]
    for index, block in enumerate(_blocks(reply, asked, serial)):
        events += _block_events(index, block)
    events.append({"type": "message_delta", "delta": _ending(reply), "usage": _counts(reply.usage)})
    return Streamed(tuple(_event(event) for event in [*events, {"type": "message_stop"}]), 3, 2)


def _block_events(index: int, block: _Block) -> list[JSONObject]:
    deltas = [{"type": "content_block_delta", "index": index, "delta": delta} for delta in block.deltas]
    start = {"type": "content_block_start", "index": index, "content_block": block.start}
    return [start, *deltas, {"type": "content_block_stop", "index": index}]


def _event(event: JSONObject) -> bytes:
    return named_frame(event["type"], event)


def _error_event(kind: StreamErrorKind, asked: Asked) -> bytes:
    return named_frame("error", native_error("anthropic", kind).body)


def _broken_event(text: str) -> bytes:
    return b"event: content_block_delta\ndata: " + text.encode() + b"\n\n"


DIALECT = Dialect(
    provider="anthropic",
    root="",
    read=_read,
    aside=_aside,
    plain=_plain,
    stream=_stream,
    error_event=_error_event,
    broken_event=_broken_event,
    stream_type="text/event-stream; charset=utf-8",
    id_header=("request-id", "req_"),
)
