"""OpenAI's chat completions; its Responses are in `openai_responses`. Source: providers.md 1.6 to 1.8, 2026-11-22."""

from __future__ import annotations

from typing import cast

from spaturzu_translators.messages import JSON, JSONObject
from spaturzu_translators.sse import data_frame

from ..errors import native_error
from ..faults import StreamErrorKind
from ..replies import Reply, ToolCall, Usage, split
from . import openai_responses
from .dialect import CREATED, Asked, Dialect, Streamed, count, inside, model_card

_FINISH = {"stop_sequence": "stop", "context_window": "length"}
_MODELS = ("gpt-6-astra", "text-embedding-3-small")


def _read(path: str, body: JSONObject) -> Asked | None:
    if path.endswith("/responses"):
        return openai_responses.read(body)
    if not path.endswith("/chat/completions"):
        return None
    options = inside(body, "stream_options")
    wanted = inside(body, "response_format")
    return Asked(
        model=str(body.get("model", "")),
        stream=body.get("stream") is True,
        structured=wanted.get("type") in ("json_schema", "json_object"),
        stream_usage=options.get("include_usage") is True,
        choices=count(body.get("n")),
    )


def _aside(method: str, path: str, body: JSONObject) -> JSONObject | None:
    match method, path.removeprefix("/v1").strip("/").split("/"):
        case "GET", ["models"]:
            return {"object": "list", "data": [model_card(name) for name in _MODELS]}
        case "GET", ["models", name]:
            return model_card(name)
        case "POST", ["embeddings"]:
            return _embeddings(body)
        case _:
            return None


def _embeddings(body: JSONObject) -> JSONObject:
    """Vectors of three numbers; the SDK asks for base64 by default and reads lists all the same."""
    given: JSON = body.get("input")
    texts = cast("list[JSON]", given) if isinstance(given, list) else [given]
    number = sum(not isinstance(text, int) for text in texts) or 1
    data = [{"object": "embedding", "index": at, "embedding": [0.0, 0.5, 1.0]} for at in range(number)]
    usage = {"prompt_tokens": 4 * number, "total_tokens": 4 * number}
    return {"object": "list", "data": data, "model": body.get("model", ""), "usage": usage}


def _plain(reply: Reply, asked: Asked, serial: str) -> JSONObject:
    if asked.api == openai_responses.API:
        return openai_responses.plain(reply, asked, serial)
    return {
        **_envelope(asked, serial, "chat.completion"),
        "choices": [_choice(reply, asked, serial, index) for index in range(asked.choices)],
        "usage": _usage(reply.usage),
    }


def _envelope(asked: Asked, serial: str, kind: str) -> JSONObject:
    names = {"id": f"chatcmpl-{serial}", "object": kind, "created": CREATED, "model": asked.model}
    return {**names, "service_tier": "default", "system_fingerprint": "fp_sandbox"}


def _choice(reply: Reply, asked: Asked, serial: str, index: int) -> JSONObject:
    text = reply.said(structured=asked.structured)
    message: JSONObject = {"role": "assistant", "content": text or None, "refusal": None, "annotations": []}
    if reply.tool_calls:
        message["tool_calls"] = [_call(call, serial, at) for at, call in enumerate(reply.tool_calls)]
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(reply)}


def _call(call: ToolCall, serial: str, at: int) -> JSONObject:
    function = {"name": call.name, "arguments": call.arguments_json}
    return {"id": call.id or f"call_{serial}{at:02d}", "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return _FINISH.get(reply.reason, reply.reason)


def _usage(usage: Usage) -> JSONObject:
    read = {"cached_tokens": usage.cache_read, "cache_write_tokens": usage.cache_write, "audio_tokens": 0}
    thought = {"reasoning_tokens": usage.reasoning, "audio_tokens": 0}
    predicted = {"accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0}
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": read,
        "completion_tokens_details": {**thought, **predicted},
    }


def _stream(reply: Reply, asked: Asked, serial: str) -> Streamed:
    if asked.api == openai_responses.API:
        return openai_responses.stream(reply, asked, serial)
    envelope = _envelope(asked, serial, "chat.completion.chunk")
    if asked.stream_usage:
        envelope["usage"] = None
    indexes = range(asked.choices)
    said = [_delta(envelope, index, delta) for index in indexes for delta in _deltas(reply, asked, serial)]
    ends = [_delta(envelope, index, {}, _finish(reply)) for index in indexes]
    if asked.stream_usage:
        ends.append(data_frame({**envelope, "choices": [], "usage": _usage(reply.usage)}))
    return Streamed((*said, *ends, b"data: [DONE]\n\n"), 1, len(ends) + 1)


def _delta(envelope: JSONObject, index: int, delta: JSONObject, finish: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    return data_frame({**envelope, "choices": [choice]})


def _deltas(reply: Reply, asked: Asked, serial: str) -> list[JSONObject]:
    texts = [{"content": piece} for piece in reply.pieces(structured=asked.structured)]
    opening: JSONObject = {"role": "assistant", "content": "" if texts else None, "refusal": None}
    calls = [part for at, call in enumerate(reply.tool_calls) for part in _call_deltas(call, serial, at)]
    return [opening, *texts, *({"tool_calls": [call]} for call in calls)]


def _call_deltas(call: ToolCall, serial: str, at: int) -> list[JSONObject]:
    """The id and the name come first, then the arguments in fragments."""
    opening = _call(call, serial, at)
    opening["function"]["arguments"] = ""
    fragments = split(call.arguments_json, 2)
    return [{"index": at, **opening}, *({"index": at, "function": {"arguments": text}} for text in fragments)]


def _error_event(kind: StreamErrorKind, asked: Asked) -> bytes:
    body = native_error("openai", kind).body
    return openai_responses.error_event(body["error"]) if asked.api == openai_responses.API else data_frame(body)


def _broken_event(text: str) -> bytes:
    return b"data: " + text.encode() + b"\n\n"


DIALECT = Dialect(
    provider="openai",
    root="/v1",
    read=_read,
    aside=_aside,
    plain=_plain,
    stream=_stream,
    error_event=_error_event,
    broken_event=_broken_event,
    stream_type="text/event-stream; charset=utf-8",
    id_header=("x-request-id", "req_"),
)
