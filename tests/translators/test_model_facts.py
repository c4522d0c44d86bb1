"""What a model refuses is not sent to it, as the dated tables say; a model that no row knows gets the API's default."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from spaturzu_translators import WIRES, Provider, codec
from spaturzu_translators.messages import Message, Reasoning, Text, ToolCall, ToolResult
from spaturzu_translators.prefill import CONTINUE
from spaturzu_translators.requests import ReasoningOptions, Request, Tool, WireRequest


def sent(provider: Provider, model: str, losses: list[str], **asked: Any) -> dict[str, Any]:
    said = (Message(role="user", parts=(Text(text="hi"),)),)
    request = Request(model=model, **{"messages": said, "max_tokens": 9000, **asked})
    encoded = codec(provider).encode_request(request)
    losses += [loss.path for loss in encoded.losses]
    return encoded.value.body


def test_a_budget_is_an_effort_for_a_claude_that_knows_no_budgets() -> None:
    for model in ("claude-opus-4-7", "claude-sonnet-5", "claude-opus-5-5", "model-a"):
        losses: list[str] = []
        body = sent("anthropic", model, losses, reasoning=ReasoningOptions(budget_tokens=4000))
        assert (body["thinking"], body["output_config"]) == ({"type": "adaptive"}, {"effort": "medium"})
        assert losses == ["reasoning"]
    for model in ("claude-sonnet-4-5", "claude-opus-4-6", "claude-mythos-preview"):
        body = sent("anthropic", model, [], reasoning=ReasoningOptions(budget_tokens=4000))
        assert body["thinking"] == {"type": "enabled", "budget_tokens": 4000}


def test_a_claude_that_always_thinks_is_asked_to_think_little() -> None:
    losses: list[str] = []
    body = sent("anthropic", "claude-opus-5-5", losses, reasoning=ReasoningOptions(effort="none"))
    assert (body["thinking"], body["output_config"], losses) == ({"type": "adaptive"}, {"effort": "low"}, ["reasoning"])
    body = sent("anthropic", "claude-opus-5", [], reasoning=ReasoningOptions(effort="none"))
    assert body["thinking"] == {"type": "disabled"}


def test_bedrock_asks_the_same_claudes_alike() -> None:
    losses: list[str] = []
    new, old = "anthropic.claude-opus-4-7-v1:0", "anthropic.claude-sonnet-4-5-20250929-v1:0"
    body = sent("bedrock", new, losses, reasoning=ReasoningOptions(budget_tokens=4000))
    assert body["outputConfig"]["effort"] == "medium"
    assert "additionalModelRequestFields" not in body
    assert losses == ["reasoning.effort", "reasoning.budget_tokens"]
    body = sent("bedrock", old, [], reasoning=ReasoningOptions(budget_tokens=4000))
    assert body["additionalModelRequestFields"]["thinking"] == {"type": "enabled", "budget_tokens": 4000}


@pytest.mark.parametrize(
    ("model", "asked", "config"),
    [
        ("gemini-3-pro-preview", ReasoningOptions(effort="medium"), {"thinkingLevel": "HIGH"}),
        ("gemini-3.8-flash", ReasoningOptions(effort="medium"), {"thinkingLevel": "MEDIUM"}),
        ("gemini-3.8-flash", ReasoningOptions(effort="minimal"), {"thinkingLevel": "LOW"}),
        ("gemini-3.6-flash", ReasoningOptions(effort="minimal"), {"thinkingLevel": "MINIMAL"}),
        ("gemini-2.5-pro", ReasoningOptions(effort="none"), {"thinkingBudget": 128}),
        ("gemini-2.5-flash", ReasoningOptions(effort="none"), {"thinkingBudget": 0}),
        ("gemini-2.5-flash-lite", ReasoningOptions(budget_tokens=100), {"thinkingBudget": 512}),
    ],
)
def test_gemini_is_told_in_levels_or_within_its_budget(
    model: str, asked: ReasoningOptions, config: dict[str, Any]
) -> None:
    body = sent("gemini", model, [], reasoning=asked)
    assert body["generationConfig"]["thinkingConfig"] == config


BEGUN = (Message(role="user", parts=(Text(text="hi"),)), Message(role="assistant", parts=(Text(text="The "),)))


@pytest.mark.parametrize(
    ("provider", "model", "lost"),
    [
        ("anthropic", "claude-sonnet-4-5", "messages[1].parts[0]"),
        ("anthropic", "claude-sonnet-4-6", "messages[1]"),
        ("anthropic", "model-a", "messages[1]"),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", "messages[1].parts[0]"),
        ("bedrock", "anthropic.claude-opus-5-5-v1:0", "messages[1]"),
        ("bedrock", "amazon.nova-pro-v1:0", "messages[1]"),
        ("openai", "gpt-4.1", "messages[1]"),
        ("openai", "model-a", "messages[1]"),
        ("gemini", "gemini-3.8-flash", "messages[1]"),
    ],
)
def test_an_old_claude_goes_on_with_what_the_caller_began(provider: Provider, model: str, lost: str) -> None:
    losses: list[str] = []
    body = sent(provider, model, losses, messages=BEGUN)
    turns = body["contents" if provider == "gemini" else "messages"]
    assert losses == [lost]
    if lost == "messages[1]":
        assert CONTINUE in str(turns[-1])
    else:
        assert str(turns[-1]["content"]) in ("The", "[{'text': 'The'}]")  # it refuses white space at the end


CALLED = (
    Message(role="user", parts=(Text(text="hi"),)),
    Message(role="assistant", parts=(ToolCall(id="toolu_1", name="f", arguments="{}"),)),
    Message(role="user", parts=(ToolResult(call_id="toolu_1", name="f", content=(Text(text="42"),)),)),
)
"""Calls that another provider made, so without a thought of Claude's."""


@pytest.mark.parametrize(
    ("provider", "model", "asked", "lost"),
    [
        ("anthropic", "claude-sonnet-4-5", ReasoningOptions(budget_tokens=4000), ["reasoning"]),
        ("anthropic", "claude-sonnet-4-5", ReasoningOptions(effort="high"), ["reasoning"]),
        ("bedrock", "anthropic.claude-sonnet-4-5-20250929-v1:0", ReasoningOptions(budget_tokens=4000), ["reasoning"]),
    ],
)
def test_an_old_claude_does_not_think_after_calls_that_nobody_thought_about(
    provider: Provider, model: str, asked: ReasoningOptions, lost: list[str]
) -> None:
    losses: list[str] = []
    tool = Tool(name="f", parameters={"type": "object", "properties": {}})
    body = sent(provider, model, losses, messages=CALLED, tools=(tool,), reasoning=asked)
    assert "thinking" not in str(body)
    assert losses == lost
    thought = Reasoning(text="hm", signature="s", issuer="anthropic")
    thoughtful = (CALLED[0], Message(role="assistant", parts=(thought, *CALLED[1].parts)), CALLED[2])
    body = sent(provider, model, losses, messages=thoughtful, tools=(tool,), reasoning=asked)
    assert "budget_tokens" in str(body)


@pytest.mark.parametrize(
    ("provider", "model"), [("anthropic", "claude-opus-4-6"), ("bedrock", "anthropic.claude-opus-4-6-v1")]
)
def test_one_that_knows_efforts_thinks_by_them_instead(provider: Provider, model: str) -> None:
    losses: list[str] = []
    tool = Tool(name="f", parameters={"type": "object", "properties": {}})
    asked = ReasoningOptions(budget_tokens=4000)
    body = sent(provider, model, losses, messages=CALLED, tools=(tool,), reasoning=asked)
    assert body["output_config" if provider == "anthropic" else "outputConfig"]["effort"] == "medium"
    assert "budget_tokens" not in str(body)
    assert losses[0].startswith("reasoning")


def test_no_fact_of_a_model_is_from_memory() -> None:
    for wire in WIRES:
        found = Path(str(import_module(f"spaturzu_translators.{wire}").__file__)).with_name("model_facts.py")
        assert not found.exists() or "unverified" not in found.read_text("utf-8"), wire


@pytest.mark.parametrize(
    ("model", "takes"),
    [
        ("anthropic.claude-3-7-sonnet-20250219-v1:0", True),
        ("anthropic.claude-3-5-haiku-20241022-v1:0", True),
        ("anthropic.claude-3-5-sonnet-20241022-v2:0", False),
        ("amazon.nova-pro-v1:0", False),
    ],
)
def test_a_search_result_is_a_block_where_botocore_says_so(model: str, takes: bool) -> None:
    block = {"type": "search_result", "source": "s", "title": "t", "content": [{"type": "text", "text": "x"}]}
    body = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": [block]}]}
    request = codec("anthropic").decode_request(WireRequest(body=body, model="m"))
    encoded = codec("bedrock").encode_request(replace(request, model=model)).value.body
    assert ("searchResult" in encoded["messages"][0]["content"][0]) is takes
