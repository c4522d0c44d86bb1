"""The engine: rates, tiers, names, what is not known, and exactness."""

from __future__ import annotations

import subprocess
import sys
import timeit
from datetime import UTC, datetime

import pytest

from spaturzu.pricing import Overrides, dollars, microdollars, price
from spaturzu_translators.responses import Usage

PLAIN = Usage(input_tokens=500, output_tokens=150)
LATER = datetime(2026, 11, 25, tzinfo=UTC)


def paid(provider, model, usage, **options):
    found = price(provider, model, usage, **{"at": LATER, **options})
    return found and found.nanodollars


def test_list_price_is_exact_and_says_where_it_is_from():
    found = price("openai", "gpt-4o", PLAIN, at=LATER)
    assert found.nanodollars == 2_750_000
    assert found.source == "genai-prices"
    assert found.origin.startswith("genai-prices ")
    assert found.assumptions == ()


def test_unknown_model_has_no_price_rather_than_none_to_pay():
    assert price("openai", "not-a-model", PLAIN, at=LATER) is None


@pytest.mark.parametrize("usage", [None, Usage(), Usage(cache_read_tokens=4)])
def test_unknown_usage_has_no_price(usage):
    assert price("openai", "gpt-4o", usage, at=LATER) is None


def test_parts_add_up_to_the_total_and_reasoning_is_inside_output():
    usage = Usage(input_tokens=1001, output_tokens=777, cache_read_tokens=333, reasoning_tokens=701)
    found = price("openai", "gpt-5-nano", usage, at=LATER)
    parts = found.breakdown
    assert parts.input + parts.cached + parts.cache_creation + parts.output + parts.tools == found.nanodollars
    assert 0 < parts.reasoning < parts.output


def test_half_a_nanodollar_is_rounded_to_even_once():
    prices = Overrides.read({"openai": {"m": {"input": "0.0005", "output": "0.0005"}}})
    for tokens, expected in ((1, 0), (2, 1), (3, 2), (5, 2)):
        assert paid("openai", "m", Usage(input_tokens=tokens, output_tokens=0), overrides=prices) == expected
    assert paid("openai", "m", Usage(input_tokens=1, output_tokens=1), overrides=prices) == 1


def test_answers_model_is_priced_before_the_requests():
    assert paid("openai", "gpt-4o-mini-2024-07-18", PLAIN, request_model="gpt-4o") == 165_000


def test_price_by_the_requests_name_says_so():
    found = price("openai", "our-deployment", PLAIN, request_model="gpt-4o", at=LATER)
    assert found.nanodollars == 2_750_000
    assert found.provenance.endswith("our-deployment is not in the list, priced as gpt-4o")


def test_claude_through_anthropics_sdk_on_bedrock_is_billed_by_bedrock():
    regional = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    bare = price("anthropic", "claude-sonnet-4-5-20250929", PLAIN, request_model=regional, at=LATER)
    assert bare.nanodollars == paid("bedrock", regional, PLAIN) == (500 * 3_300 + 150 * 16_500)
    assert bare.assumptions == ()


@pytest.mark.parametrize(
    ("provider", "model", "same"),
    [
        ("bedrock", "arn:aws:bedrock:us-east-1:1:inference-profile/us.amazon.nova-pro-v1:0", "us.amazon.nova-pro-v1:0"),
        ("bedrock", "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("anthropic", "claude-haiku-4-5@20251001", "claude-haiku-4-5-20251001"),
        ("anthropic", "publishers/anthropic/models/claude-haiku-4-5@20251001", "claude-haiku-4-5"),
        ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini", "projects/p/locations/us/publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini", "gemini-2.5-pro@default", "gemini-2.5-pro"),
        ("mistral", "mistral-large@2411", "mistral-large-2411"),
    ],
)
def test_a_models_long_name_is_priced_like_its_short_one(provider, model, same):
    assert paid(provider, model, PLAIN) == paid(provider, same, PLAIN) is not None


def test_opaque_inference_profile_is_priced_once_the_user_says_what_it_is():
    arn = "arn:aws:bedrock:us-east-1:1:application-inference-profile/abcdef"
    assert paid("bedrock", arn, PLAIN) is None
    prices = Overrides.read({"bedrock": {arn: {"like": "us.amazon.nova-pro-v1:0"}}})
    assert paid("bedrock", arn, PLAIN, overrides=prices) == paid("bedrock", "us.amazon.nova-pro-v1:0", PLAIN)


def test_tier_is_a_cliff_at_one_token_more():
    at, above = (Usage(input_tokens=count, output_tokens=100) for count in (200_000, 200_001))
    assert paid("gemini", "gemini-2.5-pro", at) == 200_000 * 1_250 + 100 * 10_000
    assert paid("gemini", "gemini-2.5-pro", above) == 200_001 * 2_500 + 100 * 15_000


def test_price_depends_on_the_day():
    usage = Usage(input_tokens=250_000, output_tokens=1_000)
    before = price("anthropic", "claude-sonnet-4-6", usage, at=datetime(2026, 3, 12, tzinfo=UTC))
    since = price("anthropic", "claude-sonnet-4-6", usage, at=datetime(2026, 3, 13, tzinfo=UTC))
    assert (before.nanodollars, since.nanodollars) == (1_522_500_000, 765_000_000)


def test_naive_time_is_utc_and_seconds_are_the_same_moment():
    usage = Usage(input_tokens=250_000, output_tokens=1_000)
    moment = datetime(2026, 3, 13, tzinfo=UTC)
    for at in (moment, moment.replace(tzinfo=None), moment.timestamp()):
        assert paid("anthropic", "claude-sonnet-4-6", usage, at=at) == 765_000_000


def test_tier_with_a_price_is_charged_at_it():
    assert paid("openai", "gpt-5.4", PLAIN, service_tier="flex") == 500 * 1_250 + 150 * 7_500
    assert paid("openai", "gpt-5.4", PLAIN, service_tier="priority") == 500 * 5_000 + 150 * 30_000
    assert paid("anthropic", "claude-sonnet-4-6", PLAIN, service_tier="batch") == 500 * 1_500 + 150 * 7_500


@pytest.mark.parametrize("tier", ["default", "auto", "standard", "ON_DEMAND", None])
def test_standard_tier_assumes_nothing(tier):
    assert price("openai", "gpt-5.4", PLAIN, service_tier=tier, at=LATER).assumptions == ()


@pytest.mark.parametrize("traffic", ["ON_DEMAND_FLEX", "ON_DEMAND_PRIORITY"])
def test_googles_traffic_types_are_its_tiers(traffic: str):
    used = Usage(input_tokens=500, output_tokens=150, provider_fields={"gemini": {"trafficType": traffic}})
    tier = traffic.removeprefix("ON_DEMAND_").lower()
    assert price("gemini", "gemini-2.5-flash", used, at=LATER) == price(
        "gemini", "gemini-2.5-flash", PLAIN, service_tier=tier, at=LATER
    )


def test_tier_without_a_price_is_charged_as_standard_and_flagged():
    found = price("openai", "gpt-4o", PLAIN, service_tier="scale", at=LATER)
    assert found.nanodollars == 2_750_000
    assert found.assumptions == ("no price for service_tier=scale, standard rates",)


def test_tier_that_the_list_does_not_know_on_that_day_is_flagged():
    found = price("openai", "gpt-5.4", PLAIN, service_tier="flex", at=datetime(2026, 9, 1, tzinfo=UTC))
    assert found.assumptions


def test_usage_tells_of_fast_mode_and_of_the_region():
    fast = Usage(input_tokens=500, output_tokens=150, provider_fields={"anthropic": {"speed": "fast"}})
    assert paid("anthropic", "claude-opus-4-8", fast) == 500 * 10_000 + 150 * 50_000
    us = Usage(input_tokens=500, output_tokens=150, provider_fields={"anthropic": {"inference_geo": "us"}})
    assert price("anthropic", "claude-opus-4-8", us, at=LATER).assumptions == (
        "no price for inference_geo=us, standard rates",
    )


def test_searches_that_anthropic_ran_are_on_the_bill():
    searched = {"anthropic": {"server_tool_use": {"web_search_requests": 3}}}
    found = price(
        "anthropic",
        "claude-sonnet-4-6",
        Usage(input_tokens=500, output_tokens=150, provider_fields=searched),
        at=LATER,
    )
    assert found.breakdown.tools == 30_000_000
    assert found.nanodollars == 30_000_000 + 500 * 3_000 + 150 * 15_000


def test_hour_long_write_without_a_price_is_flagged():
    usage = Usage(input_tokens=100, output_tokens=1, cache_creation_tokens=50, cache_creation_1h_tokens=50)
    found = price("bedrock", "us.anthropic.claude-3-5-haiku-20241022-v1:0", usage, at=LATER)
    assert found.assumptions == ("no price for 1 h cache writes, 5 m rate",)


def test_audio_without_a_price_is_not_text():
    heard = Usage(input_tokens=100, output_tokens=1, input_audio_tokens=50)
    assert price("openai", "gpt-4o", heard, at=LATER) is None
    assert paid("openai", "gpt-4o", Usage(input_tokens=100, output_tokens=1)) == 260_000


def test_figure_that_the_list_lacks_is_supplemented_and_says_where_it_was_read():
    heard = Usage(input_tokens=100, output_tokens=1, input_audio_tokens=50)
    found = price("openai", "gpt-4o-audio-preview", heard, at=LATER)
    assert found.nanodollars == 50 * 2_500 + 50 * 40_000 + 10_000
    assert found.origin.endswith("OpenAI's page of the model, 2026-11-25")


def test_cached_audio_is_told_from_cached_text():
    fields = {"gemini": {"cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 30}]}}
    usage = Usage(input_tokens=70, output_tokens=0, cache_read_tokens=40, input_audio_tokens=50, provider_fields=fields)
    assert paid("gemini", "gemini-2.5-flash", usage) == 10 * 300 + 20 * 1_000 + 10 * 30 + 30 * 100


def test_contradictory_counts_never_make_a_negative_part():
    found = price("openai", "gpt-4o", Usage(input_tokens=10, output_tokens=0, cache_read_tokens=50), at=LATER)
    assert found.nanodollars == found.breakdown.cached == 62_500


def test_list_that_the_program_updates_itself_is_used_and_named():
    from genai_prices.data_snapshot import DataSnapshot, get_snapshot, set_custom_snapshot

    bundled = get_snapshot()
    without_mistral = [provider for provider in bundled.providers if provider.id != "mistral"]
    assert paid("mistral", "mistral-small-latest", PLAIN) is not None
    try:
        set_custom_snapshot(DataSnapshot(providers=without_mistral, from_auto_update=True))
        assert paid("mistral", "mistral-small-latest", PLAIN) is None
        assert price("openai", "gpt-4o", PLAIN, at=LATER).origin.startswith("genai-prices updated 20")
    finally:
        set_custom_snapshot(None)
    assert paid("mistral", "mistral-small-latest", PLAIN) is not None


@pytest.mark.parametrize(
    ("provider", "said"),
    [("bedrock", {"serviceTier": {"type": "priority"}}), ("anthropic", {"service_tier": "priority"})],
)
def test_tier_that_only_the_usage_tells_counts(provider, said):
    model = {"bedrock": "amazon.nova-lite-v1:0", "anthropic": "claude-sonnet-4-6"}[provider]
    usage = Usage(input_tokens=500, output_tokens=150, provider_fields={provider: said})
    assert price(provider, model, usage, at=LATER).assumptions == (
        "no price for service_tier=priority, standard rates",
    )


def test_edges_of_the_two_protocols():
    assert [microdollars(nano) for nano in (0, 499, 500, 501, 1500, 2500)] == [0, 0, 0, 1, 2, 2]
    assert dollars(435_000) == "0.0004350000"
    assert dollars(12_000_000_001) == "12.0000000010"


def test_loading_the_engine_loads_no_price_list_and_no_http_library():
    code = (
        "import sys, spaturzu.pricing; "
        "print([name for name in ('genai_prices', 'tiktoken', 'httpx', 'httpx2', 'pydantic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_pricing_a_record_costs_a_fraction_of_asking_the_list_each_time():
    import genai_prices

    asked = genai_prices.Usage(input_tokens=500, output_tokens=150)
    ours = timeit.repeat(lambda: price("openai", "gpt-4o", PLAIN, at=1.79e9), number=200, repeat=5)
    theirs = timeit.repeat(lambda: genai_prices.calc_price(asked, "gpt-4o", provider_id="openai"), number=200, repeat=5)
    assert min(ours) < min(theirs) / 3


def test_what_rounding_leaves_goes_to_the_largest_part():
    prices = Overrides.read({"openai": {"m": {"input": "0.0005", "cache_read": "0.0004", "output": "0.0003"}}})
    usage = Usage(input_tokens=2, cache_read_tokens=1, output_tokens=1)
    parts = price("openai", "m", usage, overrides=prices).breakdown
    assert (parts.input, parts.cached, parts.output) == (1, 0, 0)
