"""Responses of the messages API, both ways. Source: providers.md 2.6, 6.1 and 6.2, 2026-11-22."""

from __future__ import annotations

from typing import assert_never

from ..citations import cited
from ..codec import as_list, as_object
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import JSON, Blob, File, JSONObject, Opaque, Part, Reasoning, Refusal, Text, ToolCall, ToolResult, Uri
from ..requests import Request
from ..responses import Candidate, FinishReason, Response, Usage
from .reading import decode_blocks, kept_fields, own_fields, string, wrong
from .writing import encode_block, thinking_block

WHO = "anthropic response"

FINISH: dict[str, FinishReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_window",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "refusal",
}
STOP: dict[FinishReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "guardrail": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "malformed": "end_turn",
    "other": "end_turn",
}
_FILTERED: JSONObject = {"type": "refusal", "category": None, "explanation": None}
"""Stop details that say only that a filter stopped the answer, not the model's own judgement."""

_KNOWN = frozenset(
    {
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "stop_details",
        "usage",
    }
)


def decode_response(body: JSONObject, model: str) -> Response:
    """The canonical response. `model` stands in where the body names none."""
    body = as_object(body, WHO)
    parts = decode_blocks(as_list(body.get("content"), f"{WHO}: content"), f"{WHO}: content", {})
    usage = body.get("usage")
    own = {name: value for name, value in body.items() if name not in _KNOWN and value is not None}
    return Response(
        id=string(body, "id", WHO),
        model=body.get("model") or model,
        candidates=(_candidate(parts, body),),
        usage=None if usage is None else decode_usage(as_object(usage, f"{WHO}: usage")),
        provider_fields=kept_fields(own),
    )


def _candidate(parts: tuple[Part, ...], body: JSONObject) -> Candidate:
    return Candidate(
        parts=parts,
        finish_reason=finish_of(body, calls=any(isinstance(part, ToolCall) for part in parts)),
        stop_sequence=body.get("stop_sequence"),
        provider_fields=kept_fields(details_of(body)),
    )


def details_of(stop: JSONObject) -> JSONObject:
    """The stop details as a field to keep, if they say more than that there are some."""
    if not stop.get("stop_details"):
        return {}
    details = as_object(stop["stop_details"], f"{WHO}: stop_details")
    told = any(value is not None for name, value in details.items() if name != "type")
    return {"stop_details": details} if told else {}


def finish_of(stop: JSONObject, *, calls: bool) -> FinishReason | None:
    """Why the answer ended, its calls first. A refusal with details is the filter's."""
    reason: JSON = stop.get("stop_reason")
    if reason is None:
        return None
    finish = (
        FINISH.get(reason, "other") if isinstance(reason, str) else wrong(f"{WHO}: stop_reason", "a string", reason)
    )
    if finish == "refusal" and stop.get("stop_details"):
        return "content_filter"
    return "tool_calls" if calls and finish == "stop" else finish


_USAGE_KNOWN = frozenset(
    {
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
        "cache_creation",
        "output_tokens_details",
    }
)


def decode_usage(raw: JSONObject) -> Usage:
    """On this wire `input_tokens` leaves out what the cache served and took; ours includes both."""
    fresh = _count(raw, "input_tokens")
    read, created = _count(raw, "cache_read_input_tokens"), _count(raw, "cache_creation_input_tokens")
    split = as_object(raw.get("cache_creation") or {}, f"{WHO}: usage.cache_creation")
    details = as_object(raw.get("output_tokens_details") or {}, f"{WHO}: usage.output_tokens_details")
    own = {name: value for name, value in raw.items() if name not in _USAGE_KNOWN and value is not None}
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (created or 0),
        output_tokens=_count(raw, "output_tokens"),
        cache_read_tokens=read,
        cache_creation_tokens=created,
        cache_creation_5m_tokens=_count(split, "ephemeral_5m_input_tokens"),
        cache_creation_1h_tokens=_count(split, "ephemeral_1h_input_tokens"),
        reasoning_tokens=_count(details, "thinking_tokens"),
        provider_fields=kept_fields(own),
    )


def _count(raw: JSONObject, name: str) -> int | None:
    value: JSON = raw.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return wrong(f"{WHO}: usage.{name}", "a whole number", value)


def encode_response(response: Response, request: Request) -> Encoded[JSONObject]:
    """The body, and what it cannot say. There is one answer on this wire."""
    losses = Losses()
    response = cited(response, "anthropic", losses)
    candidate = response.candidates[0] if response.candidates else Candidate()
    for number in range(1, len(response.candidates)):
        losses.drop(f"candidates[{number}]", "meaning")
    path = "candidates[0].parts"
    blocks = [encode_part(part, f"{path}[{index}]", losses) for index, part in enumerate(candidate.parts)]
    body: JSONObject = {
        "id": response.id,
        "type": "message",
        "role": "assistant",
        "model": response.model,
        "content": [block for block in blocks if block is not None],
        **encode_stop(candidate, losses, calls=any(isinstance(part, ToolCall) for part in candidate.parts)),
        "usage": encode_usage(response.usage, losses),
        **own_fields(response.provider_fields),
    }
    if response.created is not None:
        losses.drop("created")
    losses.extend(foreign_response_fields(response, "anthropic"))
    return Encoded(body, losses.found())


def encode_part(part: Part, path: str, losses: Losses) -> JSONObject | None:
    """A part of an answer as a block; None where there is none."""
    match part:
        case Reasoning():
            return _encode_thought(part, path, losses)
        case Blob() | Uri() | File() | ToolResult():
            losses.drop(path, "meaning")
            return None
        case Text() | Refusal() | ToolCall() | Opaque():
            return encode_block(part, path, losses)
        case _:
            assert_never(part)


def _encode_thought(part: Reasoning, path: str, losses: Losses) -> JSONObject | None:
    """Another provider's thoughts can be shown, unsigned; what only it can read is left out."""
    if part.issuer == "anthropic" and (part.signature or part.redacted is not None):
        return thinking_block(part)
    if not part.text:
        losses.drop(path)
        return None
    for name in ("signature", "redacted"):
        if getattr(part, name) is not None:
            losses.drop(f"{path}.{name}")
    return {"type": "thinking", "thinking": part.text, "signature": "", **own_fields(part.provider_fields)}


def encode_stop(candidate: Candidate, losses: Losses, *, calls: bool) -> JSONObject:
    """stop_reason, stop_sequence and stop_details."""
    finish = candidate.finish_reason
    if calls and finish in ("stop", "other"):
        finish = "tool_calls"
    details = own_fields(candidate.provider_fields).get("stop_details")
    stop: JSONObject = {
        "stop_reason": STOP[finish] if finish else None,
        "stop_sequence": candidate.stop_sequence,
        "stop_details": details or (_FILTERED if finish in ("content_filter", "guardrail") else None),
    }
    if finish_of(stop, calls=calls) != candidate.finish_reason:
        losses.approximate("candidates[0].finish_reason", "meaning" if finish == "malformed" else "tuning")
    if candidate.logprobs is not None:
        losses.drop("candidates[0].logprobs")
    return stop


def encode_usage(usage: Usage | None, losses: Losses) -> JSONObject:
    """Both totals are mandatory here; a null is a count nobody gave."""
    if usage is None:
        losses.approximate("usage")
        return {"input_tokens": 0, "output_tokens": 0}
    counts: JSONObject = {"input_tokens": _fresh(usage, losses), "output_tokens": usage.output_tokens or 0}
    if usage.output_tokens is None:
        losses.approximate("usage.output_tokens")
    if usage.cache_read_tokens is not None:
        counts["cache_read_input_tokens"] = usage.cache_read_tokens
    if usage.cache_creation_tokens is not None:
        counts["cache_creation_input_tokens"] = usage.cache_creation_tokens
    if usage.reasoning_tokens is not None:
        counts["output_tokens_details"] = {"thinking_tokens": usage.reasoning_tokens}
    _put_split(usage, counts, losses)
    for name in ("input_audio_tokens", "output_audio_tokens"):
        if getattr(usage, name) is not None:
            losses.drop(f"usage.{name}")
    return {**counts, **own_fields(usage.provider_fields)}


def _fresh(usage: Usage, losses: Losses) -> int:
    cached = (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
    fresh = (usage.input_tokens or 0) - cached
    if usage.input_tokens is None or fresh < 0:
        losses.approximate("usage.input_tokens")
    return max(0, fresh)


def _put_split(usage: Usage, counts: JSONObject, losses: Losses) -> None:
    split = {
        "ephemeral_5m_input_tokens": usage.cache_creation_5m_tokens,
        "ephemeral_1h_input_tokens": usage.cache_creation_1h_tokens,
    }
    if all(count is None for count in split.values()):
        return
    for name, count in split.items():
        if count is None:
            losses.approximate(f"usage.cache_creation_{name[10:12]}_tokens")
    counts["cache_creation"] = {name: count or 0 for name, count in split.items()}
