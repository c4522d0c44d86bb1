"""A record as the gateway's protocol has it: camelCase JSON, what is not known is left out.

`entry` is the published protocol's (`POST /v1/logs`, spaturzu 0.1.7, read 2026-11-22). `full_entry` adds what only the
batch form carries. Token counts are as each provider counts: OpenAI's, Gemini's and Mistral's prompts include what the
cache served, Anthropic's and Bedrock's do not.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from spaturzu_translators.responses import Usage

from .record import Record

_EXCLUSIVE = frozenset({"anthropic", "bedrock"})
"""Whose prompt tokens leave out what the cache served and took."""


def entry(record: Record) -> dict[str, Any]:
    """One entry of `POST /v1/logs`."""
    said: dict[str, Any] = {
        "id": record.id,
        "provider": record.provider,
        "model": record.response_model or record.request_model or "unknown",
    }
    if record.status is not None:
        said["status"] = record.status
    said["latencyMs"] = record.latency_ms
    if record.run_id is not None:
        said["runId"], said["agentName"] = record.run_id, record.agent_name
        said["agentPath"] = list(record.agent_path)
        if record.parent_request_id is not None:
            said["parentRequestId"] = record.parent_request_id
    if record.tags or record.hop:
        said["tags"] = _tags(record)
    if record.customer_id is not None:
        said["userId"] = record.customer_id
    if record.session_id is not None:
        said["sessionId"] = record.session_id
    if record.usage is not None:
        _put_tokens(said, record, record.usage)
    return said


def full_entry(record: Record) -> dict[str, Any]:
    """One entry of `POST /v1/logs/batch`: the same, and what of the rest is not as in most records (MOSTLY)."""
    said = entry(record)
    if record.call_id != record.id:
        said["callId"] = record.call_id
    if record.request_model != said["model"]:
        said["requestModel"] = record.request_model
    for name, value, mostly in zip(_NAMES, _rest_of(record), _MOSTLY, strict=True):
        if value != mostly:
            said[name] = value
    if record.usage is not None and (more := _more_usage(record.usage)):
        said["usage"] = more
    return said


MOSTLY: dict[str, tuple[str, Any]] = {
    "hop": ("hop", 0),
    "operation": ("operation", "chat"),
    "responseId": ("response_id", None),
    "outcome": ("outcome", "served"),
    "errorKind": ("kind", None),
    "errorCode": ("code", None),
    "attempts": ("attempts", 1),
    "firstTokenMs": ("first_token_ms", None),
    "streamed": ("streamed", False),
    "stitched": ("stitched", False),
    "customer": ("customer_id", None),
    "serviceTier": ("service_tier", None),
    "losses": ("losses", ()),
    "hosted": ("hosted", {}),
}
"""Name in a batch, field of a Record, and the value that is left out because it is that of most."""
_NAMES = tuple(MOSTLY)
_rest_of = attrgetter(*(field for field, _ in MOSTLY.values()))
_MOSTLY = tuple(value for _, value in MOSTLY.values())


def _tags(record: Record) -> dict[str, str]:
    """A hop after the first says so, as the published client's do."""
    return {**record.tags, "via": "fallback"} if record.hop else dict(record.tags)


def _put_tokens(said: dict[str, Any], record: Record, usage: Usage) -> None:
    prompt = usage.input_tokens
    if prompt is not None:
        if record.provider in _EXCLUSIVE:
            prompt -= (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
        said["promptTokens"] = prompt
    if usage.output_tokens is not None:
        said["completionTokens"] = usage.output_tokens
    if usage.cache_read_tokens is not None:
        said["cachedInputTokens"] = usage.cache_read_tokens
    if record.usage_source is not None:
        said["usageSource"] = record.usage_source


_DETAILS = {
    "cacheCreationTokens": "cache_creation_tokens",
    "cacheCreation5mTokens": "cache_creation_5m_tokens",
    "cacheCreation1hTokens": "cache_creation_1h_tokens",
    "reasoningTokens": "reasoning_tokens",
    "inputAudioTokens": "input_audio_tokens",
    "outputAudioTokens": "output_audio_tokens",
}
"""Counts that only batches carry."""
_details_of = attrgetter(*_DETAILS.values())


def _more_usage(usage: Usage) -> dict[str, int]:
    return {name: count for name, count in zip(_DETAILS, _details_of(usage), strict=True) if count}
