"""What a provider ran itself is counted as it bills it."""

from __future__ import annotations

from typing import Any

import pytest

from spaturzu.pricing import Overrides, price
from spaturzu.router.hosted import Hosted, hosted
from spaturzu_translators.messages import Wire
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
    "another provider's": ("mistral", {"choices": []}, {}),
}


@pytest.mark.parametrize("case", CASES)
def test_it_counts(case: str) -> None:
    wire, body, expected = CASES[case]
    assert hosted(wire, body) == expected


def test_what_has_no_price_makes_the_cost_unknown_until_the_user_gives_one() -> None:
    usage = Usage(input_tokens=1000, output_tokens=0)
    assert price("openai", "gpt-4.1", usage, hosted={"code_sessions": 1}) is None
    ours = Overrides.read({"openai": {"gpt-4.1": {"input": 2, "output": 8, "code_sessions": 30}}})
    found = price("openai", "gpt-4.1", usage, hosted={"code_sessions": 1}, overrides=ours)
    assert found is not None
    assert (found.nanodollars, found.breakdown.tools) == (32_000_000, 30_000_000)
