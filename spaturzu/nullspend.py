"""What NullSpend's Python users import to price a call themselves, over spaturzu's own engine.

    event = calculate_openai_cost_event("gpt-4o", {"prompt_tokens": 500, "completion_tokens": 150})
    event.cost_microdollars  # 2750

Where NullSpend 0.4.0's code and its documentation part, this is what the documentation says: `get_model_pricing` is in
dollars, and `cache_creation_detail` takes a plain count too (as five-minute writes) and either half of the split alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, cast

from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Usage

from .pricing import Price, microdollars, price, quote
from .pricing.units import Unit

__all__ = [
    "UNPRICED",
    "CostBreakdown",
    "CostEventInput",
    "calculate_anthropic_cost_event",
    "calculate_openai_cost_event",
    "cost_component",
    "get_model_pricing",
    "is_known_model",
]

UNPRICED = "_ns_unpriced"
"""The tag, "true", of an event whose model has no known price; its cost of 0 is not a price."""

EventType: TypeAlias = Literal["llm", "tool", "custom"]

_PROVIDERS: dict[str, Provider] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "google": "gemini",
    "gemini": "gemini",
    "bedrock": "bedrock",
    "mistral": "mistral",
}
_RATES: dict[str, Unit] = {
    "inputPerMTok": "input",
    "cachedInputPerMTok": "cache_read",
    "cacheWrite5mPerMTok": "cache_write",
    "cacheWrite1hPerMTok": "cache_write_1h",
    "outputPerMTok": "output",
}
_METADATA = {"session_id": "sessionId", "trace_id": "traceId", "tags": "tags", "customer": "customer"}


@dataclass(slots=True)
class CostBreakdown:
    """Whole microdollars. `reasoning` is inside `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int | None = None


@dataclass(slots=True)
class CostEventInput:
    """What NullSpend records of one call. `input_tokens` includes the cached ones."""

    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cost_microdollars: int
    cached_input_tokens: int = 0
    reasoning_tokens: int = 0
    cost_breakdown: CostBreakdown | None = None
    duration_ms: int | None = None
    session_id: str | None = None
    trace_id: str | None = None
    event_type: EventType | None = None
    tool_name: str | None = None
    tool_server: str | None = None
    tags: dict[str, str] | None = None
    customer: str | None = None
    source: str | None = None


def calculate_openai_cost_event(
    model: str, usage: Mapping[str, Any], duration_ms: int | None = None, metadata: Mapping[str, Any] | None = None
) -> CostEventInput:
    """The event of an OpenAI answer, from its `usage` as a mapping (Chat Completions' names).

    A model without a known price costs 0 and carries the tag `_ns_unpriced`. `metadata`: sessionId, traceId, tags,
    customer.
    """
    told, said = _mapping(usage, "prompt_tokens_details"), _mapping(usage, "completion_tokens_details")
    counted = Usage(
        input_tokens=_count(usage, "prompt_tokens"),
        output_tokens=_count(usage, "completion_tokens"),
        cache_read_tokens=_count(told, "cached_tokens"),
        cache_creation_tokens=_count(told, "cache_write_tokens"),
        reasoning_tokens=_count(said, "reasoning_tokens"),
        input_audio_tokens=_count(told, "audio_tokens"),
        output_audio_tokens=_count(said, "audio_tokens"),
    )
    return _event("openai", model, counted, duration_ms, metadata)


def calculate_anthropic_cost_event(
    model: str,
    usage: Mapping[str, Any],
    cache_creation_detail: Mapping[str, Any] | None = None,
    duration_ms: int | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> CostEventInput:
    """The event of an Anthropic answer, from its `usage` as a mapping.

    How long cache writes are kept: from `cache_creation_detail`, else from `usage["cache_creation"]`, else five
    minutes. A model without a known price costs 0 and carries the tag `_ns_unpriced`.
    """
    split = _mapping(usage, "cache_creation") if cache_creation_detail is None else cache_creation_detail
    read, hour = _count(usage, "cache_read_input_tokens"), _count(split, "ephemeral_1h_input_tokens")
    short = _count(split, "ephemeral_5m_input_tokens") + _count(split, "cache_creation_tokens")
    written = max(_count(usage, "cache_creation_input_tokens"), short + hour)
    counted = Usage(
        input_tokens=_count(usage, "input_tokens") + read + written,
        output_tokens=_count(usage, "output_tokens"),
        cache_read_tokens=read,
        cache_creation_tokens=written,
        cache_creation_1h_tokens=hour,
        reasoning_tokens=_count(_mapping(usage, "output_tokens_details"), "thinking_tokens"),
    )
    return _event("anthropic", model, counted, duration_ms, metadata)


def get_model_pricing(provider: str, model: str) -> dict[str, float] | None:
    """US dollars per million tokens, below any long-context tier: `{"inputPerMTok": 2.5, "outputPerMTok": 10.0, ...}`.

    None for a model without a known price.
    """
    named = _PROVIDERS.get(provider)
    found = quote(named, model) if named else None
    if found is None:
        return None
    shown = found.own | ({"cache_read"} & found.figures.keys())
    return {name: float(found.figures[unit].base) for name, unit in _RATES.items() if unit in shown}


def is_known_model(provider: str, model: str) -> bool:
    """Has the model a known price?"""
    return get_model_pricing(provider, model) is not None


def cost_component(tokens: int, rate_per_mtok: float) -> float:
    """Microdollars, not rounded, of so many tokens at a rate of `get_model_pricing` (dollars per million)."""
    return tokens * rate_per_mtok


def _event(
    provider: Literal["openai", "anthropic"],
    model: str,
    usage: Usage,
    duration_ms: int | None,
    metadata: Mapping[str, Any] | None,
) -> CostEventInput:
    paid = price(provider, model, usage)
    beside = metadata or {}
    event = CostEventInput(
        provider=provider,
        model=model,
        input_tokens=usage.input_tokens or 0,
        output_tokens=usage.output_tokens or 0,
        cost_microdollars=0 if paid is None else microdollars(paid.nanodollars),
        cached_input_tokens=usage.cache_read_tokens or 0,
        reasoning_tokens=usage.reasoning_tokens or 0,
        duration_ms=duration_ms,
        event_type="llm",
        source="sdk",
        **{name: beside.get(wire) for name, wire in _METADATA.items()},
    )
    if paid is None:
        return replace(event, tags={**(event.tags or {}), UNPRICED: "true"})
    return replace(event, cost_breakdown=_breakdown(paid, event))


def _breakdown(paid: Price, event: CostEventInput) -> CostBreakdown:
    """Cache writes are input here; each part is rounded alone, and the largest takes what that leaves."""
    parts = paid.breakdown
    exact = {
        "input": parts.input + parts.cache_creation + parts.tools,
        "output": parts.output,
        "cached": parts.cached,
    }
    rounded = {name: microdollars(amount) for name, amount in exact.items()}
    rounded[max(exact, key=lambda name: exact[name])] += event.cost_microdollars - sum(rounded.values())
    reasoning = microdollars(parts.reasoning) if event.reasoning_tokens else None
    return CostBreakdown(**rounded, reasoning=reasoning)


def _mapping(source: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = source.get(name)
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def _count(source: Mapping[str, Any], name: str) -> int:
    value = source.get(name)
    return value if type(value) is int and value > 0 else 0
