"""Bedrock's Converse and ConverseStream. Source: providers.md sections 3.6 to 3.8, 2026-11-22."""

from __future__ import annotations

import re
from urllib.parse import unquote

from spaturzu_translators.eventstream import event_frame
from spaturzu_translators.messages import JSONObject

from ..errors import native_error
from ..faults import StreamErrorKind
from ..replies import Reply, ToolCall, Usage, split
from .dialect import Asked, Dialect, Streamed, inside

_PATH = re.compile(r"/model/(?P<model>.+)/converse(?P<stream>-stream)?")
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
}
_SIGNATURE = "c2FuZGJveA=="
_EXCEPTIONS: dict[StreamErrorKind, str] = {
    "overloaded": "serviceUnavailableException",
    "rate_limit": "throttlingException",
    "server": "internalServerException",
}


def _read(path: str, body: JSONObject) -> Asked | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    wanted = inside(body, "outputConfig", "textFormat")
    return Asked(
        model=unquote(found["model"]),
        stream=found["stream"] is not None,
        structured=wanted.get("type") == "json_schema",
    )


def _aside(method: str, path: str, body: JSONObject) -> JSONObject | None:
    return {"inputTokens": Usage().input} if method == "POST" and path.endswith("/count-tokens") else None


def _plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    text = reply.said(structured=asked.structured)
    thought = {"reasoningText": {"text": reply.reasoning, "signature": _SIGNATURE}}
    content: list[JSONObject] = [
        *([{"reasoningContent": thought}] if reply.reasoning else []),
        *([{"text": text}] if text else []),
        *({"toolUse": {**_named(call, serial, at), "input": call.arguments}} for at, call in _numbered(reply)),
    ]
    return {
        "metrics": {"latencyMs": 321},
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": _stop(reply),
        "usage": _usage(reply.usage),
    }


def _numbered(reply: Reply) -> enumerate[ToolCall]:
    return enumerate(reply.tool_calls)


def _named(call: ToolCall, serial: str, at: int) -> JSONObject:
    return {"toolUseId": call.id or f"tooluse_{serial}{at:02d}", "name": call.name}


def _stop(reply: Reply) -> str:
    return _STOP.get(reply.reason, reply.reason)


def _usage(usage: Usage) -> JSONObject:
    """`inputTokens` leaves out what the cache read and wrote; `totalTokens` has all."""
    return {
        "inputTokens": usage.uncached,
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.output,
        "cacheReadInputTokens": usage.cache_read,
        "cacheWriteInputTokens": usage.cache_write,
    }


def _stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    blocks = _blocks(reply, asked, serial)
    events: list[JSONObject] = [
        {"messageStart": {"role": "assistant"}},
        *(event for index, block in enumerate(blocks) for event in _block_events(index, block)),
        {"messageStop": {"stopReason": _stop(reply)}},
        {"metadata": {"usage": _usage(reply.usage), "metrics": {"latencyMs": 321}}},
    ]
    return Streamed(tuple(map(event_frame, events)), 1, 2)


def _blocks(reply: Reply, asked: Asked, serial: str) -> list[list[JSONObject]]:
    """Each block's events without their index. Only tool calls have a start event."""
    thought = [_delta({"reasoningContent": {"text": text}}) for text in split(reply.reasoning or "", reply.chunks)]
    thought += [_delta({"reasoningContent": {"signature": _SIGNATURE}})] if thought else []
    said = [_delta({"text": piece}) for piece in reply.pieces(structured=asked.structured)]
    return [*filter(None, (thought, said)), *(_tool_use(call, serial, at) for at, call in _numbered(reply))]


def _tool_use(call: ToolCall, serial: str, at: int) -> list[JSONObject]:
    start = {"contentBlockStart": {"start": {"toolUse": _named(call, serial, at)}}}
    return [start, *(_delta({"toolUse": {"input": text}}) for text in split(call.arguments_json, 2))]


def _delta(delta: JSONObject) -> JSONObject:
    return {"contentBlockDelta": {"delta": delta}}


def _block_events(index: int, block: list[JSONObject]) -> list[JSONObject]:
    events: list[JSONObject] = [*block, {"contentBlockStop": {}}]
    return [{name: {**event, "contentBlockIndex": index}} for each in events for name, event in each.items()]


def _error_event(kind: StreamErrorKind, asked: Asked) -> bytes:
    return event_frame({_EXCEPTIONS[kind]: native_error("bedrock", kind).body})


def _broken_event(text: str) -> bytes:
    """A frame of a text delta whose last checksum does not hold."""
    frame = event_frame({"contentBlockDelta": {"delta": {"text": text}, "contentBlockIndex": 0}})
    return frame[:-1] + bytes([frame[-1] ^ 0xFF])


def _blocked() -> tuple[bytes, ...]:
    """A guardrail's or a filter's block is an answer without content that says so in its stop reason."""
    whole = native_error("bedrock", "content_policy").body
    metadata = {"usage": whole["usage"], "metrics": whole["metrics"]}
    events = {"messageStart": {"role": "assistant"}, "messageStop": {"stopReason": whole["stopReason"]}}
    return tuple(event_frame({name: payload}) for name, payload in {**events, "metadata": metadata}.items())


DIALECT = Dialect(
    provider="bedrock",
    root="",
    read=_read,
    aside=_aside,
    plain=_plain,
    stream=_stream,
    error_event=_error_event,
    broken_event=_broken_event,
    stream_type="application/vnd.amazon.eventstream",
    id_header=("x-amzn-requestid", "00000000-0000-4000-8000-"),
    blocked=_blocked(),
)
