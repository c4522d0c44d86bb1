"""Gemini's generateContent and streamGenerateContent. Source: providers.md sections 4.6 to 4.8, 2026-11-22."""

from __future__ import annotations

import re
from dataclasses import replace

from spaturzu_translators.messages import JSONObject
from spaturzu_translators.sse import data_frame

from ..errors import native_error
from ..faults import StreamErrorKind
from ..replies import Reply, ToolCall, Usage, split
from .dialect import Asked, Dialect, Streamed, count, inside

_PATH = re.compile(r"/[^/]+/(?:.+/)?models/(?P<model>[^/:]+):(?P<verb>\w+)")
_VERBS = {"generateContent": False, "streamGenerateContent": True}
_FINISH = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "tool_calls": "STOP",
    "content_filter": "SAFETY",
}
_SIGNATURE = "c2FuZGJveA=="


def _read(path: str, body: JSONObject) -> Asked | None:
    found = _PATH.fullmatch(path)
    if found is None or found["verb"] not in _VERBS:
        return None
    config = inside(body, "generationConfig")
    return Asked(
        model=found["model"],
        stream=_VERBS[found["verb"]],
        structured=config.get("responseMimeType") == "application/json",
        choices=count(config.get("candidateCount")),
    )


def _aside(method: str, path: str, body: JSONObject) -> JSONObject | None:
    return {"totalTokens": Usage().input} if method == "POST" and path.endswith(":countTokens") else None


def _plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    text = reply.said(structured=asked.structured)
    parts: list[JSONObject] = [
        *([{"text": reply.reasoning, "thought": True}] if reply.reasoning else []),
        *([{"text": text}] if text else []),
        *_calls(reply),
    ]
    return _chunk(reply, asked, serial, parts, _FINISH.get(reply.reason, reply.reason))


def _calls(reply: Reply) -> list[JSONObject]:
    """Of parallel calls only the first carries a signature. The `v1` API names no id unless the reply does."""
    calls: list[JSONObject] = [{"functionCall": _call(call)} for call in reply.tool_calls]
    return [{**calls[0], "thoughtSignature": _SIGNATURE}, *calls[1:]] if calls else []


def _call(call: ToolCall) -> JSONObject:
    return {**({"id": call.id} if call.id else {}), "name": call.name, "args": call.arguments}


def _chunk(reply: Reply, asked: Asked, serial: str, parts: list[JSONObject], finish: str | None) -> JSONObject:
    """Usage is cumulative: only the chunk that finishes has all of it."""
    usage = reply.usage if finish else replace(reply.usage, output=reply.usage.reasoning + 1)
    said: JSONObject = {"content": {"parts": parts, "role": "model"}, **({"finishReason": finish} if finish else {})}
    return {
        "candidates": [{**said, "index": index} for index in range(asked.choices)],
        "usageMetadata": _usage(usage),
        "modelVersion": asked.model,
        "responseId": serial,
    }


def _usage(usage: Usage) -> JSONObject:
    """Thoughts are counted apart from candidates; cached tokens within the prompt."""
    counts = {
        "promptTokenCount": usage.input,
        "candidatesTokenCount": usage.output - usage.reasoning,
        "totalTokenCount": usage.input + usage.output,
        "thoughtsTokenCount": usage.reasoning,
        "cachedContentTokenCount": usage.cache_read,
    }
    details = [{"modality": "TEXT", "tokenCount": usage.input}]
    return {**{name: count for name, count in counts.items() if count}, "promptTokensDetails": details}


def _stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    """Each chunk is a whole response with a delta of the parts; the last has the finish reason and no text."""
    parts: list[JSONObject] = [
        *({"text": piece, "thought": True} for piece in split(reply.reasoning or "", reply.chunks)),
        *({"text": piece} for piece in reply.pieces(structured=asked.structured)),
        *_calls(reply),
    ]
    chunks = [_chunk(reply, asked, serial, [part], None) for part in parts]
    last = _chunk(reply, asked, serial, [{"text": ""}], _FINISH.get(reply.reason, reply.reason))
    return Streamed(tuple(_event(chunk) for chunk in [*chunks, last]), 0, 1)


def _event(chunk: JSONObject) -> bytes:
    """Google ends lines with CR LF."""
    return data_frame(chunk)[:-2] + b"\r\n\r\n"


def _error_event(kind: StreamErrorKind, asked: Asked) -> bytes:
    return _event(native_error("gemini", kind).body)


def _broken_event(text: str) -> bytes:
    return b"data: " + text.encode() + b"\r\n\r\n"


DIALECT = Dialect(
    provider="gemini",
    root="",
    read=_read,
    aside=_aside,
    plain=_plain,
    stream=_stream,
    error_event=_error_event,
    broken_event=_broken_event,
    stream_type="text/event-stream",
    id_header=("x-request-id", ""),
    json_type="application/json; charset=UTF-8",
    blocked=(_event(native_error("gemini", "content_policy").body),),
)
