"""What a provider ran itself is counted as it bills it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spaturzu.pricing import Overrides, price
from spaturzu.pricing.units import HostedTool
from spaturzu.router.hosted import Hosted, hosted, hosted_in_stream
from spaturzu.router.kept import Kept
from spaturzu_translators.codec import codec
from spaturzu_translators.messages import Provider, Wire
from spaturzu_translators.responses import Usage

SEARCH: dict[str, Any] = {"type": "web_search_call", "action": {"type": "search", "query": "x"}}
OPENED: dict[str, Any] = {"type": "web_search_call", "action": {"type": "open_page", "url": "x"}}
CODE: dict[str, Any] = {"type": "code_interpreter_call", "container_id": "cntr_1"}
TOLD: dict[str, Any] = {"web_search": {"num_requests": 3}}
MAPS: dict[str, Any] = {"groundingChunks": [{"maps": {"uri": "x"}}, {"web": {"uri": "y"}}]}


def grounded(*metadata: dict[str, Any], model: str) -> dict[str, Any]:
    return {"modelVersion": model, "candidates": [{"groundingMetadata": one} for one in metadata]}


CASES: dict[str, tuple[Wire, dict[str, Any], Hosted]] = {
    "nothing": ("openai_responses", {"output": [{"type": "message"}]}, {}),
    "a page that is opened is no search": ("openai_responses", {"output": [SEARCH, OPENED]}, {"web_searches": 1}),
    "the count that is told": ("openai_responses", {"output": [SEARCH], "tool_usage": TOLD}, {"web_searches": 3}),
    "the older tool": (
        "openai_responses",
        {"output": [SEARCH], "tools": [{"type": "web_search_preview_2025_03_11"}]},
        {"preview_searches": 1},
    ),
    "a session is one, however often it is used": (
        "openai_responses",
        {"output": [CODE, CODE, {"type": "file_search_call"}]},
        {"code_sessions": 1, "file_searches": 1},
    ),
    "each query of Gemini 3's": (
        "gemini",
        grounded({"webSearchQueries": ["", "a", "b"]}, model="gemini-3-pro-preview"),
        {"web_searches": 2},
    ),
    "each answer of Gemini 2.5's": (
        "gemini",
        grounded({"webSearchQueries": ["a", "b"]}, {"webSearchQueries": ["c"]}, model="gemini-2.5-flash"),
        {"web_searches": 2},
    ),
    "a map": ("gemini", grounded(MAPS, model="gemini-2.5-flash"), {"map_searches": 1}),
    "a container that code ran in": (
        "anthropic",
        {"type": "message", "content": [], "container": {"id": "container_1"}},
        {"timed_sessions": 1},
    ),
    "an answer of a damaged kind": ("anthropic", {"type": ["message"], "container": 1}, {}),
    "no container": ("anthropic", {"type": "message", "content": [], "container": None}, {}),
    "another provider's": ("mistral", {"choices": []}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_counts(case: str) -> None:
    wire, body, expected = CASES[case]
    assert hosted(wire, body) == expected


def test_what_an_answer_shows_to_be_missing_from_the_sum_is_said() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0)
    told: dict[str, tuple[Provider, str, HostedTool]] = {
        "the time that code ran in a container is not included": ("anthropic", "claude-sonnet-4-5", "timed_sessions"),
        "the 8000 input tokens that a mini model is billed for each search are not included": (
            "openai",
            "gpt-4.1-mini-2025-04-14",
            "web_searches",
        ),
        "searches that are free each month are not deducted": ("gemini", "gemini-2.5-flash", "web_searches"),
    }
    for assumption, (provider, model, tool) in told.items():
        without, found = price(provider, model, usage), price(provider, model, usage, hosted={tool: 1})
        assert without is not None
        assert found is not None
        assert (without.assumptions, found.assumptions) == ((), (assumption,))
    whole = price("openai", "gpt-4.1", usage, hosted={"web_searches": 1})
    assert whole is not None
    assert whole.assumptions == ()


def test_a_stream_tells_of_its_container_at_its_end() -> None:
    delta = {"type": "message_delta", "delta": {"container": {"id": "container_1"}}, "usage": {"output_tokens": 1}}
    event = f"event: message_delta\ndata: {json.dumps(delta)}\n\n".encode()
    assert hosted_in_stream("anthropic", Kept(codec("anthropic"), [event])) == {"timed_sessions": 1}


def test_sessions_by_time_are_counted_where_the_user_gives_a_price() -> None:
    ours = Overrides.read({"anthropic": {"claude-x": {"input": 3, "output": 15, "timed_sessions": 50}}})
    found = price(
        "anthropic", "claude-x", Usage(input_tokens=0, output_tokens=0), hosted={"timed_sessions": 2}, overrides=ours
    )
    assert found is not None
    assert (found.nanodollars, found.assumptions) == (100_000_000, ())


def test_what_has_no_price_makes_the_cost_unknown_until_the_user_gives_one() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0)
    assert price("openai", "gpt-4.1", usage, hosted={"code_sessions": 1}) is None
    ours = Overrides.read({"openai": {"gpt-4.1": {"input": 2, "output": 8, "code_sessions": 30}}})
    found = price("openai", "gpt-4.1", usage, hosted={"code_sessions": 1}, overrides=ours)
    assert found is not None
    assert (found.nanodollars, found.breakdown.tools) == (32_000_000, 30_000_000)
