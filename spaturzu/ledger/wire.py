"""A record as the gateway's protocol has it: camelCase JSON, what is not known is left out.

`entry` is the published protocol's (`POST /v1/logs`, spaturzu 0.1.7, read 2026-11-22). `full_entry` adds what only the
batch form carries. Token counts are as each provider counts: OpenAI's, Gemini's and Mistral's prompts include what the
cache served, Anthropic's and Bedrock's do not.
"""

from __future__ import annotations

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
        "status": record.status,
        "latencyMs": record.latency_ms,
        "runId": record.run_id,
        "parentRequestId": record.parent_request_id,
        "agentName": record.agent_name,
        "agentPath": list(record.agent_path),
        "tags": _tags(record),
        "userId": record.customer_id,
        "sessionId": record.session_id,
        **_tokens(record),
    }
    return _known(said)


def full_entry(record: Record) -> dict[str, Any]:
    """One entry of `POST /v1/logs/batch`: the same, and the rest of the record."""
    usage = record.usage
    more: dict[str, Any] = {
        "callId": record.call_id,
        "hop": record.hop,
        "operation": record.operation,
        "requestModel": record.request_model,
        "responseId": record.response_id,
        "outcome": record.outcome,
        "errorKind": record.kind,
        "errorCode": record.code,
        "attempts": record.attempts,
        "startedAt": round(record.started_at * 1000),
        "firstTokenMs": record.first_token_ms,
        "streamed": record.streamed,
        "stitched": record.stitched,
        "customer": record.customer_id,
        "serviceTier": record.service_tier,
        "losses": list(record.losses),
        "usage": None if usage is None else _usage(usage),
    }
    return entry(record) | _known(more)


def _tags(record: Record) -> dict[str, str]:
    """A hop after the first says so, as the published client's do."""
    return {**record.tags, "via": "fallback"} if record.hop else dict(record.tags)


def _tokens(record: Record) -> dict[str, Any]:
    usage = record.usage
    if usage is None:
        return {}
    prompt = usage.input_tokens
    if prompt is not None and record.provider in _EXCLUSIVE:
        prompt -= (usage.cache_read_tokens or 0) + (usage.cache_creation_tokens or 0)
    return {
        "promptTokens": prompt,
        "completionTokens": usage.output_tokens,
        "cachedInputTokens": usage.cache_read_tokens,
        "usageSource": record.usage_source,
    }


def _usage(usage: Usage) -> dict[str, Any]:
    """All canonical counts: totals that include the cache, writes by how long they are kept."""
    return _known(
        {
            "inputTokens": usage.input_tokens,
            "outputTokens": usage.output_tokens,
            "cacheReadTokens": usage.cache_read_tokens,
            "cacheCreationTokens": usage.cache_creation_tokens,
            "cacheCreation5mTokens": usage.cache_creation_5m_tokens,
            "cacheCreation1hTokens": usage.cache_creation_1h_tokens,
            "reasoningTokens": usage.reasoning_tokens,
            "inputAudioTokens": usage.input_audio_tokens,
            "outputAudioTokens": usage.output_audio_tokens,
        }
    )


def _known(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None and value != [] and value != {}}
