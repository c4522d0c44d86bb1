"""`client.spaturzu.explain(...)`: what an outage would do to a call, without one."""

from __future__ import annotations

from typing import Any

import pytest

from spaturzu_translators.messages import Provider

from .chains import House, each_primary

CALLS: dict[Provider, dict[str, Any]] = {
    "openai": {"model": "gpt-6", "messages": [{"role": "user", "content": "hi"}]},
    "anthropic": {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
    "bedrock": {"modelId": "claude", "messages": [{"role": "user", "content": [{"text": "hi"}]}]},
    "gemini": {"model": "gemini", "contents": "hi"},
    "mistral": {"model": "mistral", "messages": [{"role": "user", "content": "hi"}]},
}


@each_primary
def test_it_tells_what_each_target_would_be_sent_and_sends_nothing(house: House, primary: Provider) -> None:
    targets: tuple[Provider, ...] = ("anthropic", "mistral")
    client = house.drop_in(primary, options={"fallback": [house.target(target) for target in targets]})
    planned = client.spaturzu.explain(**CALLS[primary])
    assert [plan.provider for plan in planned] == [primary, *targets]
    assert all(plan.body and plan.body["messages"] and plan.skipped is None for plan in planned[1:])
    assert planned[0].body is not None
    assert sum(house.asked(provider) for provider in house.sandbox.wires) == 0


def test_it_tells_which_target_would_be_skipped_and_why(house: House) -> None:
    client = house.drop_in("openai", options={"fallback": [house.target("anthropic"), house.target("mistral")]})
    _, anthropic, mistral = client.spaturzu.explain(**CALLS["openai"], n=2, seed=7)
    assert anthropic.skipped == "it cannot carry candidate_count"
    assert "anthropic/" in str(anthropic)
    assert mistral.skipped is None
    assert [loss.path for loss in mistral.losses] == []


def test_async_clients_have_aexplain(house: House) -> None:
    client = house.drop_in("openai", as_async=True, options={"fallback": [house.target("gemini")]})
    _, planned = house.run(client.spaturzu.aexplain(**CALLS["openai"]))
    assert planned.provider == "gemini"
    assert planned.body is not None


def test_a_client_without_a_chain_says_so(house: House) -> None:
    with pytest.raises(ValueError, match="no 'fallback' to explain"):
        house.drop_in("openai").spaturzu.explain(**CALLS["openai"])


def test_it_tells_what_each_hop_costs_at_most(house: House) -> None:
    target = house.target("anthropic", model="claude-sonnet-4-5")
    client = house.drop_in("openai", options={"fallback": [target]})
    ask = {"model": "gpt-4o", "messages": [{"role": "user", "content": "word " * 1000}]}

    unlimited, limited_by_default = client.spaturzu.explain(**ask)
    primary, sonnet = client.spaturzu.explain(**ask, max_completion_tokens=1000)

    assert unlimited.most_nanodollars is None
    assert "an unknown sum" in str(unlimited)
    assert limited_by_default.most_nanodollars is not None
    assert (
        10_000_000 < (primary.most_nanodollars or 0) < 16_000_000
    )  # 1,000 tokens out at $10, about as many in at $2.50
    assert 15_000_000 < (sonnet.most_nanodollars or 0) < 22_000_000  # $15 and $3


def test_a_model_without_a_price_costs_an_unknown_sum(house: House) -> None:
    client = house.drop_in("openai", options={"fallback": [house.target("mistral", model="my-own-tune")]})
    planned = client.spaturzu.explain(**CALLS["openai"], max_tokens=5)[1]
    assert planned.most_nanodollars is None
