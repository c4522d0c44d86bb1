"""Gemini answers: `{candidates, promptFeedback, usageMetadata, modelVersion, responseId, createTime}`.

A call of a tool finishes with STOP; a blocked prompt has no candidates at all. Source: providers.md 4.6, 6.1 and 6.2,
2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import assert_never, cast

from ..citations import of_candidate
from ..ids import short_hash
from ..loss import Encoded, Losses, foreign_response_fields
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    File,
    JSONObject,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from ..requests import Request
from ..responses import Candidate, FinishReason, Response, Usage
from ..sound import heard
from .detail import is_by_itself
from .fields import fields, integer, items, own, put_own, string
from .history import sign
from .model_facts import wants_signatures
from .parts import decode_part, drop_caches, encode_call, encode_media, encode_refusal, encode_text, encode_thought

WHO = "gemini response"
FINISH_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "LANGUAGE": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "MODEL_ARMOR": "guardrail",
    "CONTINUATION": "pause",
    "MALFORMED_FUNCTION_CALL": "malformed",
    "MALFORMED_RESPONSE": "malformed",
    "UNEXPECTED_TOOL_CALL": "malformed",
    "TOO_MANY_TOOL_CALLS": "malformed",
    "MISSING_THOUGHT_SIGNATURE": "malformed",
    "OTHER": "other",
    "IMAGE_OTHER": "other",
    "NO_IMAGE": "other",
    "FINISH_REASON_UNSPECIFIED": "other",
}
FINISH_NAMES: dict[FinishReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "tool_calls": "STOP",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "guardrail": "MODEL_ARMOR",
    "refusal": "SAFETY",
    "pause": "CONTINUATION",
    "malformed": "MALFORMED_RESPONSE",
    "other": "OTHER",
}
"""Without a `continuationToken` google-genai 3.4.0 does not go on by itself after CONTINUATION."""

_ROOT = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})
_CANDIDATE = frozenset({"content", "finishReason", "index", "logprobsResult"})
_COUNTS = frozenset(
    {"promptTokenCount", "cachedContentTokenCount", "candidatesTokenCount", "thoughtsTokenCount", "totalTokenCount"}
)


def decode_response(body: JSONObject, model: str) -> Response:
    """The canonical response of a body; `model` was asked for. Raises BadWire on another format."""
    answer = fields(body, WHO)
    listed = items(answer.get("candidates", []), f"{WHO}: candidates")
    prefix = call_prefix(answer)
    candidates = tuple(_decode_candidate(value, number, prefix) for number, value in enumerate(listed))
    if not candidates and block_reason(answer) is not None:
        candidates = (Candidate(finish_reason="content_filter"),)
    created, kept = created_at(answer)
    kept.update({name: value for name, value in answer.items() if name not in _ROOT})
    return Response(
        id=string(answer.get("responseId", ""), f"{WHO}: responseId"),
        model=string(answer.get("modelVersion", model), f"{WHO}: modelVersion"),
        created=created,
        candidates=candidates,
        usage=decode_usage(answer["usageMetadata"]) if "usageMetadata" in answer else None,
        provider_fields=own(kept),
    )


def call_prefix(answer: JSONObject) -> str:
    """The start of the ids of this answer's calls, where Gemini gives none: one answer's differ from another's."""
    said = answer.get("responseId") or repr(answer.get("candidates"))
    return f"call_{short_hash(str(said))}"


def block_reason(answer: JSONObject) -> str | None:
    """Why the prompt was blocked, if it was."""
    feedback = fields(answer.get("promptFeedback", {}), f"{WHO}: promptFeedback")
    return cast("str | None", feedback.get("blockReason"))


def created_at(answer: JSONObject) -> tuple[int | None, JSONObject]:
    """`createTime` as Unix seconds, and the time itself as an own field where it is finer than that."""
    if "createTime" not in answer:
        return None, {}
    text = string(answer["createTime"], f"{WHO}: createTime")
    try:
        created = int(datetime.fromisoformat(text).timestamp())
    except (ValueError, OverflowError):
        return None, {"createTime": text}
    return created, {} if text == timestamp(created) else {"createTime": text}


def timestamp(created: int) -> str:
    """Unix seconds as proto JSON writes a time."""
    return (_EPOCH + timedelta(seconds=created)).strftime("%Y-%m-%dT%H:%M:%SZ")


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _decode_candidate(value: JSON, number: int, prefix: str) -> Candidate:
    who = f"{WHO}: candidates[{number}]"
    candidate = fields(value, who)
    parts = decode_parts(candidate, f"{prefix}_{number}", 0, who)
    reason, kept = finish(candidate, called=any(isinstance(part, ToolCall) for part in parts))
    return Candidate(
        parts=parts,
        finish_reason=reason,
        logprobs=candidate.get("logprobsResult"),
        provider_fields=own(candidate_fields(candidate) | kept),
    )


def decode_parts(candidate: JSONObject, prefix: str, calls: int, who: str) -> tuple[Part, ...]:
    """The parts of a candidate's content; `calls` were seen before."""
    content = fields(candidate.get("content", {}), f"{who}.content")
    parts: list[Part] = []
    for index, value in enumerate(items(content.get("parts", []), f"{who}.content.parts")):
        part = decode_part(value, f"{who}.content.parts[{index}]")
        if isinstance(part, ToolCall):
            part = part if part.id else replace(part, id=f"{prefix}_{calls}")
            calls += 1
        parts.append(part)
    return tuple(parts)


def finish(candidate: JSONObject, *, called: bool) -> tuple[FinishReason | None, JSONObject]:
    """The finish reason, and Gemini's own word where the canonical one does not lead back to it."""
    if "finishReason" not in candidate:
        return None, {}
    word = string(candidate["finishReason"], f"{WHO}: finishReason")
    reason = FINISH_REASONS.get(word, "other")
    if reason == "stop" and called:
        reason = "tool_calls"
    return reason, {} if FINISH_NAMES[reason] == word else {"finishReason": word}


def candidate_fields(candidate: JSONObject) -> JSONObject:
    """What a candidate says without a canonical name (safety ratings, citations, grounding)."""
    return {name: value for name, value in candidate.items() if name not in _CANDIDATE}


def decode_usage(value: JSON) -> Usage:
    """Gemini counts thoughts beside candidates, and the tokens of built-in tools' results beside the prompt."""
    said = fields(value, f"{WHO}: usageMetadata")
    prompt, candidates, thoughts = (
        _count(said, "promptTokenCount"),
        _count(said, "candidatesTokenCount"),
        _count(said, "thoughtsTokenCount"),
    )
    total = _sum(prompt, _count(said, "toolUsePromptTokenCount"))
    output = _sum(candidates, thoughts)
    return Usage(
        input_tokens=total,
        output_tokens=output,
        cache_read_tokens=_count(said, "cachedContentTokenCount"),
        reasoning_tokens=thoughts,
        input_audio_tokens=_audio(said, "promptTokensDetails"),
        output_audio_tokens=_audio(said, "candidatesTokensDetails"),
        provider_fields=own(_usage_fields(said, (total or 0) + (output or 0))),
    )


def _count(said: Mapping[str, JSON], name: str) -> int | None:
    return integer(said[name], f"{WHO}: usageMetadata.{name}") if name in said else None


def _sum(one: int | None, other: int | None) -> int | None:
    return one if other is None else other + (one or 0)


def _audio(said: JSONObject, name: str) -> int | None:
    """The audio tokens of a list of `{modality, tokenCount}`."""
    for detail in _details(said, name):
        if detail.get("modality") == "AUDIO":
            return _count(detail, "tokenCount")
    return None


def _details(said: JSONObject, name: str) -> list[JSONObject]:
    who = f"{WHO}: usageMetadata.{name}"
    return [fields(item, who) for item in items(said.get(name, []), who)]


def _usage_fields(said: JSONObject, total: int) -> JSONObject:
    """Beside the counts: a total that is not the sum, and details that say more than how much is audio."""
    kept = {name: value for name, value in said.items() if name not in _COUNTS}
    for name in ("promptTokensDetails", "candidatesTokensDetails"):
        if name in kept and all(detail.get("modality") == "AUDIO" for detail in _details(said, name)):
            del kept[name]
    if said.get("totalTokenCount", total) != total:
        kept["totalTokenCount"] = said["totalTokenCount"]
    return kept


def encode_response(response: Response, request: Request) -> Encoded[JSONObject]:
    """The body that answers `request`, and what it could not say."""
    losses = Losses()
    losses.extend(foreign_response_fields(response, "gemini"))
    body = encode_head(response.id, response.model, response.created)
    if response.created is not None and "createTime" not in body:
        losses.drop("created")
    if not _was_blocked(response):
        body["candidates"] = [
            _encode_candidate(candidate, number, request, losses)
            for number, candidate in enumerate(response.candidates)
        ]
    if response.usage is not None:
        body["usageMetadata"] = encode_usage(response.usage, losses)
    return Encoded(put_own(body, response.provider_fields), losses.found())


_LAST_SECOND = 253_402_300_799
"""The last that proto JSON can write: of the year 9999."""


def encode_head(response_id: str, model: str, created: int | None) -> JSONObject:
    """What every chunk of an answer repeats."""
    head: JSONObject = {"responseId": response_id, "modelVersion": model}
    if created is not None and 0 <= created <= _LAST_SECOND:
        head["createTime"] = timestamp(created)
    return head if response_id else {name: value for name, value in head.items() if name != "responseId"}


def _was_blocked(response: Response) -> bool:
    """Gemini's own answer to a blocked prompt, which the decoder gave its one candidate."""
    feedback = response.provider_fields.get("gemini", NOTHING).get("promptFeedback")
    return response.candidates == (Candidate(finish_reason="content_filter"),) and (
        isinstance(feedback, dict) and block_reason({"promptFeedback": feedback}) is not None
    )


def _encode_candidate(candidate: Candidate, number: int, request: Request, losses: Losses) -> JSONObject:
    path = f"candidates[{number}]"
    encoded = [encode_answer_part(part, f"{path}.parts[{index}]", losses) for index, part in enumerate(candidate.parts)]
    parts = [part for part in encoded if part is not None]
    if wants_signatures(request.model):
        sign(parts)
    wire: JSONObject = {"content": {"parts": parts, "role": "model"} if parts else {"role": "model"}, "index": number}
    return (
        wire
        | encode_citations(candidate, path, losses)
        | encode_finish(
            candidate.finish_reason,
            path,
            losses,
            called=any(isinstance(part, ToolCall) for part in candidate.parts),
            stop_sequence=candidate.stop_sequence,
            logprobs=candidate.logprobs,
            provider_fields=candidate.provider_fields,
        )
    )


def encode_answer_part(part: Part, path: str, losses: Losses) -> JSONObject | None:
    """One part of an answer; None where it is lost."""
    match part:
        case Text():
            drop_caches([part], path, losses)
            return encode_text(part.text, part.provider_fields)
        case Reasoning():
            return _encode_reasoning(part, path, losses)
        case Refusal():
            return encode_refusal(part, path, losses)
        case ToolCall():
            return encode_call(part, path, losses)
        case Blob() | Uri() | File():
            if part.detail is not None and not is_by_itself(part):
                losses.drop(f"{path}.detail")
            return encode_media(part, path, losses)
        case Opaque():
            if (sound := heard(part)) is not None:
                losses.approximate(path)
                return encode_media(sound, path, losses)
            return encode_media(part, path, losses)
        case ToolResult():
            return losses.drop(path, "meaning")
        case _:
            assert_never(part)


def _encode_reasoning(part: Reasoning, path: str, losses: Losses) -> JSONObject | None:
    """Another's thoughts show their text; their signature stays behind."""
    own_thought = part.issuer == "gemini"
    if not part.text and not (own_thought and part.signature is not None):
        return losses.drop(path)
    if not own_thought and part.signature is not None:
        losses.drop(f"{path}.signature")
    if part.redacted is not None:
        losses.drop(f"{path}.redacted")
    return encode_thought(part)


def encode_citations(candidate: Candidate, path: str, losses: Losses) -> JSONObject:
    """Other providers' citations as Gemini's, beside the answer; its own stay as they are."""
    if "citationMetadata" in candidate.provider_fields.get("gemini", NOTHING):
        return {}
    citations = of_candidate(candidate, path, "gemini", losses)
    return {"citationMetadata": {"citations": citations}} if citations else {}


def encode_finish(
    reason: FinishReason | None,
    path: str,
    losses: Losses,
    *,
    called: bool,
    stop_sequence: str | None,
    logprobs: JSON,
    provider_fields: ProviderFields,
) -> JSONObject:
    """The end of a candidate: its reason, log probabilities, and own fields."""
    wire: JSONObject = {}
    if stop_sequence is not None:
        losses.drop(f"{path}.stop_sequence")
    if reason is not None:
        wire["finishReason"] = FINISH_NAMES[reason]
    if logprobs is not None:
        wire |= _encode_logprobs(logprobs, path, losses)
    wire = put_own(wire, provider_fields)
    if finish(wire, called=called)[0] != reason:
        losses.approximate(f"{path}.finish_reason")
    return wire


def _encode_logprobs(logprobs: JSON, path: str, losses: Losses) -> JSONObject:
    """Gemini's own pass; OpenAI's `{content: [{token, logprob, top_logprobs}]}` is respelt; others are dropped."""
    known = cast(JSONObject, logprobs) if isinstance(logprobs, dict) else {}
    if known.keys() & {"chosenCandidates", "topCandidates"}:
        return {"logprobsResult": known}
    content = known.get("content")
    if not isinstance(content, list):
        losses.drop(f"{path}.logprobs")
        return {}
    losses.approximate(f"{path}.logprobs")
    tokens = [cast(JSONObject, token) for token in cast("list[JSON]", content) if isinstance(token, dict)]
    result: JSONObject = {"chosenCandidates": [_logprob(token) for token in tokens]}
    if any(token.get("top_logprobs") for token in tokens):
        result["topCandidates"] = [
            {"candidates": [_logprob(top) for top in token.get("top_logprobs") or ()]} for token in tokens
        ]
    return {"logprobsResult": result}


def _logprob(token: JSONObject) -> JSONObject:
    return {"token": token.get("token", ""), "logProbability": token.get("logprob")}


_ADDED = ("promptTokenCount", "candidatesTokenCount", "thoughtsTokenCount")
_NO_PLACE = ("cache_creation_tokens", "cache_creation_5m_tokens", "cache_creation_1h_tokens")


def encode_usage(usage: Usage, losses: Losses) -> JSONObject:
    """Inclusive totals taken apart again. Gemini bills nothing for writing a cache here, so has no count of it."""
    kept = usage.provider_fields.get("gemini", NOTHING)
    thoughts, tool_use = usage.reasoning_tokens, _count(kept, "toolUsePromptTokenCount")
    said = {
        "promptTokenCount": _less(usage.input_tokens, tool_use, "usage.input_tokens", losses),
        "cachedContentTokenCount": usage.cache_read_tokens,
        "candidatesTokenCount": _less(usage.output_tokens, thoughts, "usage.output_tokens", losses),
        "thoughtsTokenCount": thoughts,
    }
    wire: JSONObject = {name: count for name, count in said.items() if count is not None}
    counted = [wire[name] for name in _ADDED if name in wire]
    if counted:
        wire["totalTokenCount"] = sum(counted) + (tool_use or 0)
    wire |= _encode_audio("promptTokensDetails", usage.input_audio_tokens)
    wire |= _encode_audio("candidatesTokensDetails", usage.output_audio_tokens)
    for name, value in zip(_NO_PLACE, _cache_writes(usage), strict=True):
        if value is not None:
            losses.drop(f"usage.{name}")
    return put_own(wire, usage.provider_fields)


def _cache_writes(usage: Usage) -> Sequence[int | None]:
    return usage.cache_creation_tokens, usage.cache_creation_5m_tokens, usage.cache_creation_1h_tokens


def _less(total: int | None, part: int | None, path: str, losses: Losses) -> int | None:
    """A total without the part that Gemini counts beside it."""
    if part is not None and (total is None or part > total):
        losses.approximate(path)
        return None
    return None if total is None else total - (part or 0)


def _encode_audio(name: str, tokens: int | None) -> JSONObject:
    return {} if tokens is None else {name: [{"modality": "AUDIO", "tokenCount": tokens}]}
