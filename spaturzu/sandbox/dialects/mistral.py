"""Mistral's chat completions. Source: providers.md sections 5.4 to 5.8, 2026-11-22."""

from __future__ import annotations

from spaturzu_translators.messages import JSON, JSONObject
from spaturzu_translators.sse import data_frame

from ..errors import native_error
from ..faults import StreamErrorKind
from ..replies import Reply, ToolCall, Usage, split
from .dialect import CREATED, Asked, Dialect, Streamed, count, inside, model_card

_FINISH = {"stop_sequence": "stop", "context_window": "model_length", "content_filter": "error"}
_MODELS = ("mistral-large-latest", "mistral-small-latest")


def _read(path: str, body: JSONObject) -> Asked | None:
    if not path.endswith("/chat/completions"):
        return None
    wanted = inside(body, "response_format")
    return Asked(
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        structured=wanted.get("type") in ("json_schema", "json_object"),
        choices=count(body.get("n")),
    )


def _aside(method: str, path: str, body: JSONObject) -> JSONObject | None:
    if (method, path) != ("GET", "/v1/models"):
        return None
    more = {"type": "base", "capabilities": {"completion_chat": True, "function_calling": True}}
    return {"object": "list", "data": [{**model_card(name), **more} for name in _MODELS]}


def _plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    calls = [_call(call, serial, at) for at, call in enumerate(reply.tool_calls)] or None
    message = {"role": "assistant", "content": _content(reply, asked), "tool_calls": calls, "prefix": False}
    choice = {"message": message, "finish_reason": _FINISH.get(reply.reason, reply.reason)}
    return {
        **_envelope(asked, serial, "chat.completion"),
        "choices": [{"index": index, **choice} for index in range(asked.choices)],
        "usage": _usage(reply.usage),
    }


def _envelope(asked: Asked, serial: str, kind: str) -> JSONObject:
    return {"id": f"{serial}mistral", "object": kind, "created": CREATED, "model": asked.model}


def _content(reply: Reply, asked: Asked) -> JSON:
    """A string, or chunks where there is thinking."""
    text = reply.said(structured=asked.structured)
    if not reply.reasoning:
        return text
    return [_thought(reply.reasoning), *([{"type": "text", "text": text}] if text else [])]


def _thought(text: str) -> JSONObject:
    return {"type": "thinking", "thinking": [{"type": "text", "text": text}]}


def _call(call: ToolCall, serial: str, at: int) -> JSONObject:
    """Mistral's ids have exactly nine letters and digits."""
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": call.id or f"{serial[-7:]}{at:02d}", "type": "function", "function": function, "index": at}


def _usage(usage: Usage) -> JSONObject:
    counts = {"prompt_tokens": usage.input, "completion_tokens": usage.output}
    total = {"total_tokens": usage.input + usage.output}
    return {**counts, **total, "prompt_tokens_details": {"cached_tokens": usage.cache_read}}


def _stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    """Tool calls come whole, in one chunk; usage on the last."""
    envelope = _envelope(asked, serial, "chat.completion.chunk")
    indexes = range(asked.choices)
    said = [data_frame(_delta(envelope, index, delta)) for index in indexes for delta in _deltas(reply, asked, serial)]
    finish = _FINISH.get(reply.reason, reply.reason).replace("model_length", "length")
    ends = [_delta(envelope, index, {"content": ""}, finish) for index in indexes]
    ends[-1]["usage"] = _usage(reply.usage)
    return Streamed((*said, *map(data_frame, ends), b"data: [DONE]\n\n"), 1, len(ends) + 1)


def _delta(envelope: JSONObject, index: int, delta: JSONObject, finish: str | None = None) -> JSONObject:
    return {**envelope, "choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


def _deltas(reply: Reply, asked: Asked, serial: str) -> list[JSONObject]:
    thoughts = [{"content": [_thought(piece)]} for piece in split(reply.reasoning or "", reply.chunks)]
    texts = [{"content": piece} for piece in reply.pieces(structured=asked.structured)]
    calls = [_call(call, serial, at) for at, call in enumerate(reply.tool_calls)]
    opening: JSONObject = {"role": "assistant", "content": ""}
    return [opening, *thoughts, *texts, *([{"tool_calls": calls}] if calls else [])]


def _error_event(kind: StreamErrorKind, asked: Asked) -> bytes:
    return data_frame(native_error("mistral", kind).body)


def _broken_event(text: str) -> bytes:
    return b"data: " + text.encode() + b"\n\n"


DIALECT = Dialect(
    provider="mistral",
    root="",
    read=_read,
    aside=_aside,
    plain=_plain,
    stream=_stream,
    error_event=_error_event,
    broken_event=_broken_event,
    stream_type="text/event-stream; charset=utf-8",
    id_header=("mistral-correlation-id", ""),
)
