"""Canonical usage taken apart into what is billed apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias, cast

from spaturzu_translators.messages import NOTHING, Provider
from spaturzu_translators.responses import Usage

from .units import NOTHING_RUN, HostedTool, Unit

Counts: TypeAlias = dict[Unit, int]


def count(provider: Provider, usage: Usage, hosted: Mapping[HostedTool, int] = NOTHING_RUN) -> Counts:
    """What is billed, without zeros; no token stands in two units. `hosted`: what the answer tells beside its usage.

    Counts that contradict each other (more cached than input) are taken at their word and what would be negative is 0.
    Cached tokens are text unless the provider says how many are audio.
    """
    own = usage.provider_fields.get(provider, NOTHING)
    counts = _input(usage, _audio_from_cache(provider, own) if own else 0)
    _output(usage, counts)
    if own:
        _add_own(provider, own, usage, counts)
    _run(hosted, counts)
    return {unit: number for unit, number in counts.items() if number > 0}


def hosted_in_usage(usage: Usage) -> dict[HostedTool, int]:
    """What a usage itself counts of what the provider ran: Anthropic's web searches."""
    own = usage.provider_fields.get("anthropic", NOTHING)
    searches = _number(_mapping(own.get("server_tool_use")).get("web_search_requests"))
    return {"web_searches": searches} if searches else {}


def _run(hosted: Mapping[HostedTool, int], counts: Counts) -> None:
    for tool, number in hosted.items():
        counts[tool] = number


def _input(usage: Usage, heard_from_cache: int) -> Counts:
    read = usage.cache_read_tokens or 0
    heard_from_cache = min(heard_from_cache, read)
    hour = usage.cache_creation_1h_tokens or 0
    written = max(usage.cache_creation_tokens or 0, hour + (usage.cache_creation_5m_tokens or 0))
    fresh = max(0, (usage.input_tokens or 0) - read - written)
    audio = min(max(0, (usage.input_audio_tokens or 0) - heard_from_cache), fresh)
    return {
        "input": fresh - audio,
        "input_audio": audio,
        "cache_read": read - heard_from_cache,
        "cache_read_audio": heard_from_cache,
        "cache_write": written - hour,
        "cache_write_1h": hour,
    }


def _output(usage: Usage, counts: Counts) -> None:
    output = usage.output_tokens or 0
    audio = min(usage.output_audio_tokens or 0, output)
    reasoning = min(usage.reasoning_tokens or 0, output - audio)
    counts |= {"output": output - audio - reasoning, "output_audio": audio, "reasoning": reasoning}


def _audio_from_cache(provider: Provider, own: Mapping[str, object]) -> int:
    """The audio among the cached tokens, where the provider says so."""
    if provider == "gemini":
        return _modality(own, "cacheTokensDetails", "AUDIO")
    details = _mapping(_mapping(own.get("prompt_tokens_details")).get("cached_tokens_details"))
    return _number(details.get("audio_tokens"))


def _add_own(provider: Provider, own: Mapping[str, object], usage: Usage, counts: Counts) -> None:
    """What only this provider counts, read from the fields its codec kept."""
    match provider:
        case "anthropic":
            _run(hosted_in_usage(usage), counts)
        case "mistral":
            _hear(_number(own.get("prompt_audio_seconds")), counts)
        case "gemini":
            _move(_modality(own, "candidatesTokensDetails", "IMAGE"), "output", "output_image", counts)
            _move(_modality(own, "promptTokensDetails", "IMAGE"), "input", "input_image", counts)
            _move(_modality(own, "promptTokensDetails", "VIDEO"), "input", "input_video", counts)
        case "openai" | "bedrock":
            pass


def _move(tokens: int, source: Unit, target: Unit, counts: Counts) -> None:
    moved = min(tokens, counts[source])
    counts[source] -= moved
    counts[target] = counts.get(target, 0) + moved


def _hear(seconds: int, counts: Counts) -> None:
    """Audio that is billed by its length is not billed by its tokens too."""
    if seconds:
        counts["audio_seconds"], counts["input_audio"] = seconds, 0


def _modality(own: Mapping[str, object], name: str, modality: str) -> int:
    details = own.get(name)
    if not isinstance(details, list):
        return 0
    found = [_mapping(detail) for detail in cast("list[object]", details)]
    return sum(_number(detail.get("tokenCount")) for detail in found if detail.get("modality") == modality)


def _mapping(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else NOTHING


def _number(value: object) -> int:
    return value if type(value) is int else 0
