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
    assert [plan.provider for plan in planned] == list(targets)
    assert all(plan.body and plan.body["messages"] and plan.skipped is None for plan in planned)
    assert sum(house.asked(provider) for provider in house.sandbox.wires) == 0


def test_it_tells_which_target_would_be_skipped_and_why(house: House) -> None:
    client = house.drop_in("openai", options={"fallback": [house.target("anthropic"), house.target("mistral")]})
    anthropic, mistral = client.spaturzu.explain(**CALLS["openai"], n=2, seed=7)
    assert anthropic.skipped == "it cannot carry candidate_count"
    assert "anthropic/" in str(anthropic)
    assert mistral.skipped is None
    assert [loss.path for loss in mistral.losses] == []


def test_async_clients_have_aexplain(house: House) -> None:
    client = house.drop_in("openai", as_async=True, options={"fallback": [house.target("gemini")]})
    (planned,) = house.run(client.spaturzu.aexplain(**CALLS["openai"]))
    assert planned.provider == "gemini"
    assert planned.body is not None


def test_a_client_without_a_chain_says_so(house: House) -> None:
    with pytest.raises(ValueError, match="no 'fallback' to explain"):
        house.drop_in("openai").spaturzu.explain(**CALLS["openai"])
