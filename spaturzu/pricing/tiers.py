"""Service tiers and what else makes a call dearer or cheaper, in the price list's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import cast

from spaturzu_translators.messages import NOTHING, Provider
from spaturzu_translators.responses import Usage

STANDARD = frozenset({"", "auto", "default", "on_demand", "standard", "standard_only", "unspecified"})
"""What providers call the tier that their list prices are for, in lower case. Source: providers.md, 2026-11-22."""

_DEARER = frozenset({"speed", "inference_geo", "performanceConfig"})
_NAMES = ("service_tier", "serviceTier", "trafficType")


def context_of(provider: Provider, usage: Usage, tier: str | None) -> tuple[tuple[str, str], ...]:
    """What the price depends on beside the tokens, in genai-prices' words; () for list prices.

    Each pair is one demand; what the usage says of tier, speed and region counts where `tier` is not given.
    """
    own = usage.provider_fields.get(provider, NOTHING)
    if not own and (tier is None or tier in STANDARD):
        return ()
    named = tier if tier is not None else _said(own)
    found = [_pair(named)] if named and named not in STANDARD and named.lower() not in STANDARD else []
    if not _DEARER.isdisjoint(own):
        found += _beside(own)
    return tuple(found)


def _pair(tier: str) -> tuple[str, str]:
    name = tier.lower().removeprefix("on_demand_")
    return ("processing", "batch") if name == "batch" else ("service_tier", name)


def _said(own: Mapping[str, object]) -> str | None:
    for name in _NAMES:
        value = own.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, Mapping):
            return str(cast("Mapping[str, object]", value).get("type", ""))
    return None


def _beside(own: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Anthropic's fast mode and US-only inference, Bedrock's optimised latency: each has a price of its own."""
    if own.get("speed") == "fast":
        yield "speed", "fast"
    if own.get("inference_geo") == "us":
        yield "inference_geo", "us"
    performance = own.get("performanceConfig")
    if isinstance(performance, Mapping) and cast("Mapping[str, object]", performance).get("latency") == "optimized":
        yield "latency", "optimized"
