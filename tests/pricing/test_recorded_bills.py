"""Recorded answers, plain and streamed: the usage is the provider's, and the cost is the price page's times it.

What the provider reported is read here by a second, plain reader, and the cost by plain sums of figures.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from botocore.eventstream import EventStreamBuffer

from spaturzu.pricing import Price, price
from spaturzu.router.hosted import Hosted, hosted, hosted_in_stream
from spaturzu.router.kept import Kept
from spaturzu.router.reported import Reported
from spaturzu_translators.events import fold
from spaturzu_translators.responses import Response, Usage
from tests.translators.corpus import ALL, WHY_SKIPPED, Record, events_of, every

from .figures import AUDIO, AUDIO_HOUR, FIGURES, SEARCH, SEARCHES, UNPRICED

if not ALL:
    pytest.skip(WHY_SKIPPED, allow_module_level=True)

AT = datetime(2026, 11, 25, tzinfo=UTC)
BROKEN = {"anthropic-messages-058", "openai-chat-045"}
"""Streams that the provider broke off with an error."""

NAMES = ("input", "output", "read", "written", "five_minutes", "hour", "reasoning", "audio_in", "audio_out")

finished = every(lambda record: record.status == 200 and record.id not in BROKEN)


def payloads(record: Record) -> Iterator[dict[str, Any]]:
    """The JSON objects of an answer: one, or a stream's."""
    answered = record.raw["response"]
    if not record.is_streamed:
        yield answered["body"]
    elif "sse" in answered:
        lines = "\n".join(answered["sse"]).splitlines()
        data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
        yield from (json.loads(text) for text in data if text.startswith("{"))
    else:
        buffer = EventStreamBuffer()
        buffer.add_data(record.stream)
        yield from (json.loads(message.payload) for message in buffer if message.payload)


def reported(record: Record) -> dict[str, Any]:
    """The usage of an answer: Gemini's last one stands whole, of others later fields stand over earlier ones."""
    if record.provider == "gemini":
        return [payload["usageMetadata"] for payload in payloads(record) if "usageMetadata" in payload][-1]
    merged: dict[str, Any] = {}
    for payload in payloads(record):
        for holder in (payload, payload.get("message"), payload.get("response")):
            if isinstance(holder, dict):
                said = holder.get("usage") or {}
                merged |= {name: value for name, value in said.items() if value is not None}
    return merged


def openai(said: dict[str, Any]) -> tuple[int, ...]:
    told = said.get("prompt_tokens_details") or said.get("input_tokens_details") or {}
    got = said.get("completion_tokens_details") or said.get("output_tokens_details") or {}
    return (
        said.get("prompt_tokens", said.get("input_tokens", 0)),
        said.get("completion_tokens", said.get("output_tokens", 0)),
        told.get("cached_tokens") or 0,
        told.get("cache_write_tokens") or 0,
        *(0, 0),
        got.get("reasoning_tokens") or 0,
        told.get("audio_tokens") or 0,
        got.get("audio_tokens") or 0,
    )


def anthropic(said: dict[str, Any]) -> tuple[int, ...]:
    read, written = said.get("cache_read_input_tokens", 0), said.get("cache_creation_input_tokens", 0)
    split = said.get("cache_creation", {})
    return (
        said["input_tokens"] + read + written,
        said["output_tokens"],
        read,
        written,
        split.get("ephemeral_5m_input_tokens", 0),
        split.get("ephemeral_1h_input_tokens", 0),
        said.get("output_tokens_details", {}).get("thinking_tokens", 0),
        *(0, 0),
    )


def bedrock(said: dict[str, Any]) -> tuple[int, ...]:
    read, written = said.get("cacheReadInputTokens", 0), said.get("cacheWriteInputTokens", 0)
    kept = Counter[str]()
    for detail in said.get("cacheDetails", []):
        kept[detail["ttl"]] += detail["inputTokens"]
    total = said["inputTokens"] + read + written
    return (total, said["outputTokens"], read, written, kept["5m"], kept["1h"], 0, 0, 0)


def gemini(said: dict[str, Any]) -> tuple[int, ...]:
    thoughts = said.get("thoughtsTokenCount", 0)

    def audio(name: str) -> int:
        return sum(detail["tokenCount"] for detail in said.get(name, []) if detail["modality"] == "AUDIO")

    return (
        said.get("promptTokenCount", 0) + said.get("toolUsePromptTokenCount", 0),
        said.get("candidatesTokenCount", 0) + thoughts,
        said.get("cachedContentTokenCount", 0),
        *(0, 0, 0),
        thoughts,
        audio("promptTokensDetails"),
        audio("candidatesTokensDetails"),
    )


def mistral(said: dict[str, Any]) -> tuple[int, ...]:
    told = said.get("prompt_tokens_details") or said.get("prompt_token_details") or {}
    audio, read = told.get("audio_tokens") or 0, told.get("cached_tokens") or said.get("num_cached_tokens") or 0
    return (said["prompt_tokens"] + audio, said.get("completion_tokens", 0), read, 0, 0, 0, 0, audio, 0)


READERS = {
    "openai": openai,
    "openai_responses": openai,
    "anthropic": anthropic,
    "bedrock": bedrock,
    "gemini": gemini,
    "mistral": mistral,
}


def answer(record: Record) -> Response:
    if record.is_streamed:
        return fold(events_of(record.codec, [record.stream], record.model))
    return record.codec.decode_response(record.answer, record.model)


def counts(usage: Usage) -> tuple[int, ...]:
    return (
        usage.input_tokens or 0,
        usage.output_tokens or 0,
        usage.cache_read_tokens or 0,
        usage.cache_creation_tokens or 0,
        usage.cache_creation_5m_tokens or 0,
        usage.cache_creation_1h_tokens or 0,
        usage.reasoning_tokens or 0,
        usage.input_audio_tokens or 0,
        usage.output_audio_tokens or 0,
    )


def plain(name: str) -> str:
    """Without an ARN's head."""
    return name.replace("arn:aws:bedrock:us-east-1:000000000000:inference-profile/", "")


def ran(record: Record) -> Hosted:
    """As the meter counts it."""
    wire = record.codec.wire
    return (
        hosted_in_stream(wire, Kept(record.codec, [record.stream]))
        if record.is_streamed
        else hosted(wire, record.answer)
    )


def searches(record: Record, said: dict[str, Any]) -> int:
    """What the provider searched, by a second, plain reader."""
    if "search-preview" in record.model:
        return 1
    if record.spoken == "gemini":
        told = [c for p in payloads(record) for c in p.get("candidates", []) if c.get("groundingMetadata")]
        queries = [q for c in told[-1:] for q in c["groundingMetadata"].get("webSearchQueries", []) if q]
        return min(1, len(queries)) if "2.5" in record.model else len(queries)
    if record.spoken == "openai_responses":
        last = list(payloads(record))[-1]
        body = last.get("response", last)
        if "tool_usage" in body:
            return body["tool_usage"]["web_search"]["num_requests"]
        return sum(item["type"] == "web_search_call" for item in body["output"])
    return said.get("server_tool_use", {}).get("web_search_requests", 0)


def files(record: Record) -> int:
    """Searches of stored files."""
    if record.spoken != "openai_responses":
        return 0
    last = list(payloads(record))[-1]
    return sum(item["type"] == "file_search_call" for item in last.get("response", last)["output"])


def priced(record: Record, response: Response) -> Price | None:
    return price(record.provider, response.model, response.usage, hosted=ran(record), request_model=record.model, at=AT)


def by_hand(key: str, said: dict[str, Any], counted: dict[str, int], searched: int, searched_files: int) -> int:
    """Nanodollars, from figures and plain sums."""
    fresh, cached, short, hour, out = (Fraction(figure) for figure in FIGURES[key].split())
    heard, spoken = (Fraction(figure) for figure in AUDIO.get(key, f"{fresh} {out}").split())
    seconds = said.get("prompt_audio_seconds", 0)
    audio_price = 0 if key in AUDIO_HOUR else heard
    read, written = counted["read"], counted["written"]
    millions = (
        (counted["input"] - read - written - counted["audio_in"]) * fresh
        + counted["audio_in"] * audio_price
        + read * cached
        + (written - counted["hour"]) * short
        + counted["hour"] * hour
        + (counted["output"] - counted["audio_out"]) * out
        + counted["audio_out"] * spoken
    )
    apart = (
        searched_files * Fraction("2.5") / 1000
        + seconds * Fraction(AUDIO_HOUR.get(key, "0")) / 3600
        + searched * Fraction(SEARCHES.get(key, SEARCH)) / 1000
    )
    return round((millions / 10**6 + apart) * 10**9)


@finished
def test_usage_is_what_the_provider_reported(record: Record) -> None:
    usage, said = answer(record).usage, reported(record)
    assert (usage is None) == (not said)
    if usage is not None:
        assert counts(usage) == READERS[record.spoken](said)


@finished
def test_cost_is_the_price_pages_figures_times_what_was_reported(record: Record) -> None:
    response, said = answer(record), reported(record)
    found = priced(record, response)
    names = [f"{record.provider} {model}" for model in (response.model, record.model)]
    counted = dict(zip(NAMES, READERS[record.spoken](said), strict=True)) if said else {}
    if not said or not (counted["input"] or counted["output"]):
        assert found is None or found.nanodollars == 0
    elif names[0] in UNPRICED or "code_sessions" in ran(record):
        assert found is None
    else:
        key = next(name for name in map(plain, names) if name in FIGURES)
        assert found is not None
        assert found.nanodollars == by_hand(key, said, counted, searches(record, said), files(record))


def test_most_recorded_answers_have_a_cost() -> None:
    """The rest say no usage, or no list has their model."""
    costs = [priced(record, answer(record)) for record in finished.args[1]]
    assert sum(cost is not None for cost in costs) >= 0.9 * len(costs)


@finished
def test_the_meter_reads_what_the_provider_reported(record: Record) -> None:
    """The meter reads a plain answer's usage object, and of a stream what it kept of its events."""
    said, codec = reported(record), record.codec
    if record.is_streamed:
        pieces = [bytes(raw) for raw in codec.scanner().split(record.stream)]
        read = [Kept(codec, pieces).usage(record.model), Kept(codec, [record.stream]).usage(record.model)]
    else:
        read = [Reported(codec.wire, record.answer.get(codec.usage_key))()]
    for usage in read:
        assert (usage is None) == (not said)
        assert usage is None or counts(usage) == READERS[record.spoken](said)
