"""Plain answers, and what they share with streams: finish reasons and usage.

Source: providers.md sections 5.6, 6.1 and 6.2, 2026-11-22. Audio tokens stand beside `prompt_tokens`, not inside
(measured over recorded traffic, 2026-11-22); cached ones stand inside.
"""

from __future__ import annotations

from ..codec import as_object
from ..logprobs import tokens_of, with_ids
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import JSON, JSONObject, Part, ProviderFields, Reasoning, ToolCall
from ..requests import Request
from ..responses import Candidate, FinishReason, Response, Usage
from .content import (
    Chunk,
    content_of,
    decode_calls,
    decode_content,
    encode_call,
    encode_part,
    shown_reasoning,
    wire_id,
)
from .reading import OWN, integer, maybe_object, objects, own_fields, rest_of, string

HERE = "mistral response"

_IN: dict[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "context_window",
    "tool_calls": "tool_calls",
    "error": "malformed",
}
_OUT: dict[FinishReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_window": "model_length",
    "tool_calls": "tool_calls",
    "content_filter": "error",
    "guardrail": "error",
    "refusal": "stop",
    "pause": "stop",
    "malformed": "error",
    "other": "stop",
}

_KNOWN = frozenset({"id", "object", "created", "model", "choices", "usage"})
_CHOICE = frozenset({"index", "message", "finish_reason", "logprobs"})
_USAGE = frozenset(
    {
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "prompt_token_details",
        "completion_tokens_details",
        "num_cached_tokens",
    }
)


def decode_response(body: JSONObject, model: str) -> Response:
    """The canonical answer. Raises BadWire."""
    body = as_object(body, HERE)
    answer_id = string(body, "id", HERE) or ""
    choices = objects(body, "choices", HERE, required=True)
    return Response(
        id=answer_id,
        model=string(body, "model", HERE) or model,
        created=integer(body, "created", HERE) or None,
        candidates=tuple(
            _decode_choice(choice, f"{HERE}: choices[{at}]", f"{answer_id} {at}") for at, choice in enumerate(choices)
        ),
        usage=decode_usage(maybe_object(body, "usage", HERE), f"{HERE}: usage"),
        provider_fields=rest_of(body, _KNOWN),
    )


def _decode_choice(choice: JSONObject, who: str, seed: str) -> Candidate:
    message = maybe_object(choice, "message", who) or {}
    calls = decode_calls(objects(message, "tool_calls", f"{who}.message"), f"{who}.message.tool_calls", seed)
    parts = decode_content(message.get("content"), f"{who}.message.content")
    reason = string(choice, "finish_reason", who)
    return Candidate(
        parts=(*parts, *calls),
        finish_reason=finish_reason(reason, calls=bool(calls)),
        logprobs=choice.get("logprobs"),
        provider_fields=finish_fields(reason, rest_of(choice, _CHOICE)),
    )


def finish_reason(wire: str | None, *, calls: bool) -> FinishReason | None:
    """The canonical reason: what the answer holds comes before what the wire says."""
    if wire is None:
        return None
    reason = _IN.get(wire, "other")
    return "tool_calls" if calls and reason == "stop" else reason


def finish_fields(wire: str | None, fields: ProviderFields) -> ProviderFields:
    """`fields`, with a finish reason that has no canonical name."""
    if wire is None or wire in _IN:
        return fields
    return {OWN: {**own_fields(fields), "finish_reason": wire}}


def decode_usage(usage: JSONObject | None, who: str) -> Usage | None:
    """Canonical usage, or None where the wire has none of it."""
    if not usage:
        return None
    details = maybe_object(usage, "prompt_tokens_details", who) or maybe_object(usage, "prompt_token_details", who)
    prompt, output = details or {}, maybe_object(usage, "completion_tokens_details", who) or {}
    tokens, audio = integer(usage, "prompt_tokens", who), integer(prompt, "audio_tokens", who)
    cached = integer(prompt, "cached_tokens", who)
    return Usage(
        input_tokens=tokens if tokens is None else tokens + (audio or 0),
        output_tokens=integer(usage, "completion_tokens", who),
        cache_read_tokens=integer(usage, "num_cached_tokens", who) if cached is None else cached,
        reasoning_tokens=integer(output, "reasoning_tokens", who),
        input_audio_tokens=audio,
        output_audio_tokens=integer(output, "audio_tokens", who),
        provider_fields=rest_of(usage, _USAGE),
    )


def encode_response(response: Response, request: Request) -> Encoded[JSONObject]:
    """The answer in full; `created` and `usage` are required on this wire, so an unknown one is zero or empty."""
    report = Losses()
    report.extend(foreign_response_fields(response, OWN))
    body: JSONObject = {
        "id": response.id,
        "object": "chat.completion",
        "created": response.created or 0,
        "model": response.model,
        "choices": [_encode_choice(at, candidate, report) for at, candidate in enumerate(response.candidates)],
        "usage": encode_usage(response.usage, report),
        **own_fields(response.provider_fields),
    }
    return Encoded(body, report.found())


def _encode_choice(at: int, candidate: Candidate, report: Losses) -> JSONObject:
    path = f"candidates[{at}]"
    if candidate.stop_sequence is not None:
        report.drop(f"{path}.stop_sequence")
    message = _encode_message(candidate, path, report)
    return {
        "index": at,
        "message": message,
        **encode_finish(
            candidate.finish_reason,
            candidate.provider_fields,
            path,
            report,
            calls=any(isinstance(part, ToolCall) for part in candidate.parts),
        ),
        **encode_logprobs(candidate.logprobs, path, report),
    }


def _encode_message(candidate: Candidate, path: str, report: Losses) -> JSONObject:
    chunks: list[Chunk] = []
    calls: list[JSONObject] = []
    reordered = False
    for index, part in enumerate(candidate.parts):
        place = f"{path}.parts[{index}]"
        if isinstance(part, ToolCall):
            calls.append(encode_answer_call(part, place, len(calls), report))
        elif (chunk := _shown(part, place, report)) is not None:
            reordered = reordered or bool(calls)
            chunks.append(chunk)
    if reordered:
        report.approximate(f"{path}.parts")
    return {"role": "assistant", "content": content_of(chunks), "tool_calls": calls or None}


def encode_answer_call(call: ToolCall, path: str, index: int, report: Losses) -> JSONObject:
    """A call as an answer has it: its name is the caller's own."""
    if call.cache is not None:
        report.drop(f"{path}.cache")
    return encode_call(call, wire_id(call.id), call.name, index=index)


def _shown(part: Part, path: str, report: Losses) -> Chunk | None:
    shown = shown_reasoning(part, path, report) if isinstance(part, Reasoning) else part
    return None if shown is None else encode_part(shown, path, report)


def encode_finish(
    reason: FinishReason | None,
    fields: ProviderFields,
    path: str,
    report: Losses,
    *,
    calls: bool,
    stream: bool = False,
) -> JSONObject:
    """`finish_reason` and the candidate's own fields. A stream's literal lacks `model_length`."""
    wire = ("tool_calls" if calls else "stop") if reason is None else _OUT[reason]
    if calls and wire == "stop":
        wire = "tool_calls"
    if stream and wire == "model_length":
        wire = "length"
    own = own_fields(fields)
    if "finish_reason" not in own and finish_reason(wire, calls=calls) != reason:
        report.approximate(f"{path}.finish_reason")
    return {"finish_reason": wire, **own}


def encode_logprobs(value: JSON, path: str, report: Losses) -> JSONObject:
    """Log probabilities in this wire's own form; another's may lack its tokens' numbers and bytes."""
    if value is None:
        return {}
    if (tokens := tokens_of(value)) is None:
        report.drop(f"{path}.logprobs")
        return {}
    told = {"content": with_ids(tokens)}
    if told != value:
        report.approximate(f"{path}.logprobs")
    return {"logprobs": told}


def encode_usage(usage: Usage | None, report: Losses) -> JSONObject:
    """Wire usage: cached tokens inside `prompt_tokens`, audio tokens beside it. There is no cache creation."""
    if usage is None:
        return {}
    for name in ("cache_creation_tokens", "cache_creation_5m_tokens", "cache_creation_1h_tokens"):
        if getattr(usage, name) is not None:
            report.drop(f"usage.{name}")
    wire: JSONObject = {}
    if usage.input_tokens is not None:
        wire["prompt_tokens"] = usage.input_tokens - (usage.input_audio_tokens or 0)
    if usage.output_tokens is not None:
        wire["completion_tokens"] = usage.output_tokens
    if usage.input_tokens is not None and usage.output_tokens is not None:
        wire["total_tokens"] = usage.input_tokens + usage.output_tokens
    details = {"cached_tokens": usage.cache_read_tokens, "audio_tokens": usage.input_audio_tokens}
    _add_known(wire, "prompt_tokens_details", details)
    output = {"reasoning_tokens": usage.reasoning_tokens, "audio_tokens": usage.output_audio_tokens}
    _add_known(wire, "completion_tokens_details", output)
    wire.update(own_fields(usage.provider_fields))
    return wire


def _add_known(wire: JSONObject, name: str, values: dict[str, int | None]) -> None:
    if known := {key: value for key, value in values.items() if value is not None}:
        wire[name] = known
