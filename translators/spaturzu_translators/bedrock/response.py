"""Converse answers. The body has no id, no model and no time: the router knows them.

Source: providers.md sections 3.6, 6.1 and 6.2, 2026-11-22.
"""

from __future__ import annotations

from typing import Any

from ..citations import cited
from ..codec import as_object
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import NOTHING, JSONObject, Part, ProviderFields, ToolCall
from ..requests import Request
from ..responses import Candidate, FinishReason, Response, Usage
from .content import Reading, Writing, decode_blocks, encode_part
from .model_facts import facts_of
from .wire import OWN, a_text, an_object, integer_at, keep, list_at, object_at, own_fields, rest, text_at

WHO = "bedrock response"
MORE = "additionalModelResponseFields"
_KNOWN = frozenset({"output", "stopReason", "usage", "metrics", MORE, "ResponseMetadata"})
_USAGE = frozenset(
    {
        "inputTokens",
        "outputTokens",
        "totalTokens",
        "cacheReadInputTokens",
        "cacheWriteInputTokens",
        "cacheDetails",
        "cacheReadInputTokenCount",
        "cacheWriteInputTokenCount",
    }
)

FINISH_REASONS: dict[str, FinishReason] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "guardrail",
    "content_filtered": "content_filter",
    "malformed_model_output": "malformed",
    "malformed_tool_use": "malformed",
    "model_context_window_exceeded": "context_window",
}
STOP_REASONS: dict[FinishReason | None, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "content_filtered",
    "guardrail": "guardrail_intervened",
    "refusal": "content_filtered",
    "pause": "end_turn",
    "malformed": "malformed_model_output",
    "other": "end_turn",
    None: "end_turn",
}
_CALLING: frozenset[FinishReason | None] = frozenset({"stop", "other", "pause", None})


def decode_response(body: JSONObject, model: str) -> Response:
    """A Converse body as a canonical response with the id ""; `model` is the one that was asked for.

    Raises BadWire where it is none.
    """
    found = as_object(body, WHO)
    message = an_object(an_object(found, "output", WHO), "message", f"{WHO}: output")
    reading = Reading(signer=facts_of(model).signer)
    parts = decode_blocks(list_at(message, "content", f"{WHO}: content"), f"{WHO}: content", reading)
    more = object_at(found, MORE, WHO)
    own = beside(found, _KNOWN)
    return Response(
        id="",
        model=served_model(found, model),
        candidates=(_candidate(tuple(parts), text_at(found, "stopReason", WHO), more),),
        usage=decode_usage(object_at(found, "usage", WHO)),
        provider_fields=keep(own) if own else NOTHING,
    )


def beside(found: JSONObject, known: frozenset[str]) -> JSONObject:
    """What a body, or a stream's metadata, says beside what is `known`.

    No latency is 0 ms: that is what an encoder writes for a botocore that demands a number.
    """
    metrics = object_at(found, "metrics", WHO)
    told = {"metrics": metrics} if metrics and metrics != {"latencyMs": 0} else {}
    return {**rest(found, known), **told}


def served_model(found: JSONObject, model: str) -> str:
    """The model that a prompt router chose, else the one that was asked for."""
    match found.get("trace"):
        case {"promptRouter": {"invokedModelId": str(invoked)}}:
            return invoked
        case _:
            return model


def _candidate(parts: tuple[Part, ...], stop_reason: str | None, more: JSONObject | None) -> Candidate:
    calls = any(isinstance(part, ToolCall) for part in parts)
    reason, stop_sequence, own = finish(stop_reason, more, calls=calls)
    return Candidate(parts=parts, finish_reason=reason, stop_sequence=stop_sequence, provider_fields=own)


def finish(
    stop_reason: str | None, more: JSONObject | None, *, calls: bool
) -> tuple[FinishReason | None, str | None, ProviderFields]:
    """Finish reason, stop sequence and own fields. What the answer holds outweighs what it says of its end."""
    reason = None if stop_reason is None else FINISH_REASONS.get(stop_reason, "other")
    own: JSONObject = {}
    if stop_reason is not None and STOP_REASONS[reason] != stop_reason:
        own["stopReason"] = stop_reason
    if calls and reason in _CALLING:
        reason = "tool_calls"
    stop_sequence = None
    if more:
        value = more.get("stop_sequence")
        stop_sequence = value if isinstance(value, str) else None
        if kept := {name: item for name, item in more.items() if name != "stop_sequence" or stop_sequence is None}:
            own[MORE] = kept
    return reason, stop_sequence, keep(own) if own else NOTHING


def decode_usage(usage: JSONObject | None) -> Usage | None:
    """Bedrock's input excludes what the cache served and took; the canonical one includes it."""
    if usage is None:
        return None
    where = f"{WHO}: usage"
    uncached = integer_at(usage, "inputTokens", where)
    read = integer_at(usage, "cacheReadInputTokens", where)
    written = integer_at(usage, "cacheWriteInputTokens", where)
    own = {name: value for name, value in rest(usage, _USAGE).items() if value != {}}
    return Usage(
        input_tokens=None if uncached is None else uncached + (read or 0) + (written or 0),
        output_tokens=integer_at(usage, "outputTokens", where),
        cache_read_tokens=read,
        cache_creation_tokens=written,
        **_by_ttl(usage, where),
        provider_fields=keep(own) if own else NOTHING,
    )


def _by_ttl(usage: JSONObject, where: str) -> dict[str, Any]:
    if not usage.get("cacheDetails"):
        return {}
    tokens: dict[str, int] = {}
    for detail in list_at(usage, "cacheDetails", where):
        found = as_object(detail, f"{where}.cacheDetails")
        ttl = a_text(found, "ttl", f"{where}.cacheDetails")
        tokens[ttl] = tokens.get(ttl, 0) + (integer_at(found, "inputTokens", f"{where}.cacheDetails") or 0)
    return {"cache_creation_5m_tokens": tokens.get("5m"), "cache_creation_1h_tokens": tokens.get("1h")}


def encode_response(response: Response, request: Request) -> Encoded[JSONObject]:
    """The Converse body that answers `request`, and what it could not say."""
    losses = Losses()
    response = cited(response, OWN, losses)
    losses.extend(foreign_response_fields(response, OWN))
    report_head(response.id, response.created, losses)
    candidate = _only(response.candidates, losses)
    path = "candidates[0]"
    writing = Writing(losses=losses, facts=facts_of(request.model), replaying=False)
    content: list[JSONObject] = []
    for index, part in enumerate(candidate.parts):
        content += encode_part(part, f"{path}.parts[{index}]", writing)
    calls = any(isinstance(part, ToolCall) for part in candidate.parts)
    body: JSONObject = {
        "output": {"message": {"role": "assistant", "content": content}},
        **encode_finish(candidate, calls=calls, losses=losses),
        **encode_usage(response.usage, losses),
        **own_fields(response.provider_fields),
    }
    return Encoded(body, losses.found())


def report_head(response_id: str, created: int | None, losses: Losses) -> None:
    """The body has no place for an id or a time; the id that botocore's caller finds is its transport's."""
    if response_id:
        losses.approximate("id")
    if created is not None:
        losses.drop("created")


def _only(candidates: tuple[Candidate, ...], losses: Losses) -> Candidate:
    """Converse gives one answer; where there is none, it was blocked."""
    if not candidates:
        losses.approximate("candidates")
        return Candidate(finish_reason="content_filter")
    for number in range(1, len(candidates)):
        losses.drop(f"candidates[{number}]", "meaning")
    return candidates[0]


def encode_finish(candidate: Candidate, *, calls: bool, losses: Losses) -> JSONObject:
    """`stopReason`, always one that botocore's model knows, and the stop sequence where a caller would look for it."""
    path = "candidates[0]"
    own = own_fields(candidate.provider_fields)
    reason = "tool_calls" if calls and candidate.finish_reason in _CALLING else candidate.finish_reason
    stop_reason = STOP_REASONS[reason]
    if FINISH_REASONS[stop_reason] != candidate.finish_reason and "stopReason" not in own:
        losses.approximate(f"{path}.finish_reason")
    if candidate.logprobs is not None:
        losses.drop(f"{path}.logprobs")
    finish: JSONObject = {"stopReason": stop_reason, **own}
    if candidate.stop_sequence is not None:
        finish[MORE] = {**own.get(MORE, {}), "stop_sequence": candidate.stop_sequence}
    return finish


def encode_usage(usage: Usage | None, losses: Losses) -> JSONObject:
    """`usage` and `metrics`: botocore's model demands both, so an unknown count stands as 0."""
    if usage is None:
        losses.approximate("usage")
        usage = Usage()
        counted: JSONObject = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    else:
        counted = _counted(usage, losses)
    counted.update(own_fields(usage.provider_fields))
    return {"usage": counted, "metrics": {"latencyMs": 0}}


def timed(seconds: float) -> ProviderFields:
    """`metrics` of an answer that another provider gave in so many seconds (providers.md 11.3: measured by us)."""
    return keep({"metrics": {"latencyMs": round(seconds * 1000)}})


def _counted(usage: Usage, losses: Losses) -> JSONObject:
    read, written = usage.cache_read_tokens or 0, _written(usage)
    uncached = (usage.input_tokens or 0) - read - (written or 0)
    if uncached < 0 or usage.input_tokens is None:
        losses.approximate("usage.input_tokens")
    if usage.output_tokens is None:
        losses.approximate("usage.output_tokens")
    if written != usage.cache_creation_tokens:
        losses.approximate("usage.cache_creation_tokens")
    for name in ("reasoning_tokens", "input_audio_tokens", "output_audio_tokens"):
        if getattr(usage, name) is not None:
            losses.drop(f"usage.{name}")
    return _usage_members(usage, max(uncached, 0), written)


def _written(usage: Usage) -> int | None:
    known = usage.cache_creation_tokens
    if known is None and (usage.cache_creation_5m_tokens or usage.cache_creation_1h_tokens):
        return (usage.cache_creation_5m_tokens or 0) + (usage.cache_creation_1h_tokens or 0)
    return known


def _usage_members(usage: Usage, uncached: int, written: int | None) -> JSONObject:
    read, output = usage.cache_read_tokens, usage.output_tokens or 0
    members: JSONObject = {
        "inputTokens": uncached,
        "outputTokens": output,
        "totalTokens": uncached + (read or 0) + (written or 0) + output,
    }
    if read is not None:
        members["cacheReadInputTokens"] = read
    if written is not None:
        members["cacheWriteInputTokens"] = written
    by_ttl = (("1h", usage.cache_creation_1h_tokens), ("5m", usage.cache_creation_5m_tokens))
    if details := [{"ttl": ttl, "inputTokens": tokens} for ttl, tokens in by_ttl if tokens is not None]:
        members["cacheDetails"] = details
    return members
