"""NullSpend's own names, over this engine."""

from __future__ import annotations

import pytest

from spaturzu.nullspend import (
    CostBreakdown,
    calculate_anthropic_cost_event,
    calculate_openai_cost_event,
    cost_component,
    get_model_pricing,
    is_known_model,
)

OPENAI = """gpt-5.4 gpt-5.4-mini gpt-5.4-nano gpt-5.4-pro
gpt-5.2 gpt-5.2-pro gpt-5.1 gpt-5 gpt-5-mini gpt-5-nano gpt-5-pro
o3-deep-research o4-mini-deep-research computer-use-preview o3 o3-pro o3-mini o4-mini o1 o1-pro o1-mini gpt-4o
gpt-4o-mini gpt-4.1 gpt-4.1-mini gpt-4.1-nano"""
ANTHROPIC = """claude-opus-4-6 claude-opus-4-6-20260205 claude-sonnet-4-6 claude-sonnet-4-6-20260217 claude-opus-4-5
claude-opus-4-5-20251101 claude-sonnet-4-5 claude-sonnet-4-5-20250929 claude-haiku-4-5 claude-haiku-4-5-20251001
claude-opus-4-1 claude-opus-4-1-20250805 claude-opus-4-20250514 claude-sonnet-4-20250514 claude-opus-4-0
claude-sonnet-4-0 claude-opus-4 claude-sonnet-4 claude-3-5-haiku-20241022 claude-3-haiku-20240307 claude-haiku-3.5
claude-haiku-3"""
GOOGLE = """gemini-2.5-pro gemini-2.5-flash gemini-2.5-flash-lite gemini-2.0-flash gemini-2.0-flash-lite
gemini-3-flash-preview gemini-3.1-pro-preview gemini-3.1-flash-lite-preview"""
PROMISED = [
    (provider, model)
    for provider, models in (("openai", OPENAI), ("anthropic", ANTHROPIC), ("google", GOOGLE))
    for model in models.split()
]


def test_there_are_fifty_six_promised_models():
    assert len(PROMISED) == 56


@pytest.mark.parametrize(("provider", "model"), PROMISED)
def test_every_promised_model_is_known_and_priced(provider, model):
    figures = get_model_pricing(provider, model)
    assert is_known_model(provider, model)
    assert figures["outputPerMTok"] >= figures["inputPerMTok"] >= figures["cachedInputPerMTok"] > 0
    if provider == "anthropic":
        assert figures["cacheWrite1hPerMTok"] == 2 * figures["inputPerMTok"]
        assert figures["inputPerMTok"] < figures["cacheWrite5mPerMTok"] < figures["cacheWrite1hPerMTok"]


def test_figures_are_in_dollars_per_million():
    assert get_model_pricing("openai", "gpt-4o") == {
        "inputPerMTok": 2.5,
        "cachedInputPerMTok": 1.25,
        "outputPerMTok": 10.0,
    }


@pytest.mark.parametrize(("provider", "model"), [("openai", "no-such-model"), ("no-such-provider", "gpt-4o")])
def test_unknown_model_has_no_figures(provider, model):
    assert get_model_pricing(provider, model) is None
    assert not is_known_model(provider, model)


def test_event_of_an_openai_answer():
    usage = {
        "prompt_tokens": 1000,
        "completion_tokens": 2000,
        "prompt_tokens_details": {"cached_tokens": 512},
        "completion_tokens_details": {"reasoning_tokens": 1500},
    }
    metadata = {"sessionId": "s1", "traceId": "a" * 32, "tags": {"team": "x"}, "customer": "acme"}
    event = calculate_openai_cost_event("o3", usage, 1200, metadata)
    assert (event.provider, event.model, event.event_type, event.source) == ("openai", "o3", "llm", "sdk")
    assert (event.input_tokens, event.cached_input_tokens, event.output_tokens) == (1000, 512, 2000)
    assert event.cost_microdollars == 17_232
    assert event.cost_breakdown == CostBreakdown(input=976, output=16_000, cached=256, reasoning=12_000)
    assert (event.duration_ms, event.session_id, event.customer, event.tags) == (1200, "s1", "acme", {"team": "x"})


@pytest.mark.parametrize(
    ("detail", "microdollars"),
    [
        (None, 10_500),
        ({"cache_creation_tokens": 200}, 11_250),
        ({"ephemeral_5m_input_tokens": 200}, 11_250),
        ({"ephemeral_1h_input_tokens": 200}, 11_700),
        ({"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 100}, 11_475),
    ],
)
def test_cache_creation_detail_says_how_long_it_is_kept(detail, microdollars):
    usage = {"input_tokens": 1000, "output_tokens": 500}
    event = calculate_anthropic_cost_event("claude-sonnet-4-6", usage, cache_creation_detail=detail)
    assert event.cost_microdollars == microdollars
    assert event.input_tokens == 1000 + sum((detail or {}).values())


def test_split_inside_the_usage_counts_too():
    usage = {
        "input_tokens": 1000,
        "output_tokens": 500,
        "cache_read_input_tokens": 10_000,
        "cache_creation_input_tokens": 2000,
        "cache_creation": {"ephemeral_5m_input_tokens": 1500, "ephemeral_1h_input_tokens": 500},
    }
    event = calculate_anthropic_cost_event("claude-sonnet-4-6", usage)
    assert (event.cost_microdollars, event.input_tokens) == (22_125, 13_000)
    parts = event.cost_breakdown
    assert parts.input + parts.output + parts.cached == event.cost_microdollars


def test_unpriced_model_costs_nothing_and_says_that_it_is_no_price():
    event = calculate_openai_cost_event("who-knows", {"prompt_tokens": 1}, metadata={"tags": {"team": "x"}})
    assert event.cost_microdollars == 0
    assert event.tags == {"team": "x", "_ns_unpriced": "true"}
    assert event.cost_breakdown is None


def test_component_is_microdollars():
    assert cost_component(500, get_model_pricing("openai", "gpt-4o")["inputPerMTok"]) == 1250
