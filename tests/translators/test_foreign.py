"""Requests are stripped of what only another provider thought, and are otherwise left as they are."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given

from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.foreign import may_be_foreign
from spaturzu_translators.messages import Reasoning
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Response

from .strategies import requests, responses
from .test_laws import ASKED, stream_bytes

SKIP = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="
OURS: dict[Wire, dict[str, Any]] = {
    "openai": {"messages": [{"role": "assistant", "content": "yes", "reasoning_content": "hm"}]},
    "openai_responses": {
        "input": [
            {"type": "reasoning", "id": "rs_spaturzu_1_0", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "message", "id": "msg_spaturzu_1_1", "role": "assistant", "content": "yes"},
        ]
    },
    "anthropic": {
        "messages": [
            {
                "role": "assistant",
                "content": [{"type": "thinking", "thinking": "hm", "signature": ""}, {"type": "text", "text": "yes"}],
            }
        ]
    },
    "bedrock": {
        "messages": [
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": ""}}},
                    {"text": "yes"},
                ],
            }
        ]
    },
    "gemini": {
        "contents": [
            {"role": "model", "parts": [{"text": "hm", "thought": True, "thoughtSignature": SKIP}, {"text": "yes"}]}
        ]
    },
    "mistral": {
        "messages": [
            {
                "role": "assistant",
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}], "signature": ""},
                    {"type": "text", "text": "yes"},
                ],
            }
        ]
    },
}
every_wire = pytest.mark.parametrize("wire_name", WIRES)


@every_wire
@pytest.mark.parametrize("spaces", [(",", ":"), (", ", ": ")], ids=["compact", "spaced"])
def test_a_foreign_thought_is_found_and_left_out(wire_name: Wire, spaces: tuple[str, str]) -> None:
    body = OURS[wire_name]
    assert may_be_foreign(wire_name, json.dumps(body, separators=spaces).encode())
    kept, places = codec(wire_name).strip(body, "gpt-6-astra")
    assert "hm" not in json.dumps(kept)
    assert "yes" in json.dumps(kept)
    assert "_spaturzu_" not in json.dumps(kept)
    assert places


@every_wire
def test_a_turn_of_nothing_but_foreign_thoughts_goes_as_a_whole(wire_name: Wire) -> None:
    ((turns, [turn, *_]),) = OURS[wire_name].items()
    for blocks in ("content", "parts"):
        if isinstance(turn.get(blocks), list):
            alone = {turns: [{**turn, blocks: turn[blocks][:1]}]}
            assert codec(wire_name).strip(alone, "m")[0] == {turns: []}


def test_compatible_servers_that_show_thoughts_get_theirs_back() -> None:
    body = OURS["openai"]
    assert codec("openai").strip(body, "deepseek-reasoner") == (body, [])


@every_wire
@given(request=requests())
def test_what_an_encoder_sends_has_nothing_to_strip(wire_name: Wire, request: Request) -> None:
    """A translated history holds the provider's own thoughts only; a compatible server's have no seal to tell."""
    body = codec(wire_name).encode_request(request).value.body
    kept, places = codec(wire_name).strip(body, request.model)
    assert (kept, places) == (body, [])


@every_wire
@given(response=responses())
def test_foreign_thoughts_of_an_answer_bear_a_mark(wire_name: Wire, response: Response) -> None:
    """The bytes that callers keep are found again; what the provider itself said needs no mark."""
    c = codec(wire_name)
    foreign = [
        part
        for candidate in response.candidates[:1]
        for part in candidate.parts
        if isinstance(part, Reasoning) and part.text and part.issuer not in (c.provider, None)
    ]
    plain = json.dumps(c.encode_response(response, ASKED).value).encode()
    if foreign:
        assert may_be_foreign(wire_name, plain)
        assert wire_name == "bedrock" or may_be_foreign(wire_name, stream_bytes(c, response))


@every_wire
def test_a_body_of_any_shape_is_stripped_or_left(wire_name: Wire) -> None:
    for turns in (None, "hi", 5, [], [None, 3, "x", {}, {"content": None}, {"content": [None, {"type": 5}]}]):
        body = {"messages": turns, "contents": turns, "input": turns}
        assert codec(wire_name).strip(body, "m") == (body, [])


THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "s"}
USE = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "42"}]}
ASKING = {"role": "user", "content": "hi"}
CALLED = {"role": "assistant", "content": [USE]}
BUDGET = {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize(
    ("turns", "thinks"),
    [
        ([ASKING, CALLED, RESULT], False),
        ([ASKING, {**CALLED, "content": [THOUGHT, USE]}, RESULT], True),
        ([ASKING, {**CALLED, "content": [{**THOUGHT, "signature": ""}, USE]}, RESULT], False),
        (
            [ASKING, {**CALLED, "content": [THOUGHT, USE]}, RESULT, CALLED, RESULT],
            True,
        ),  # one answer, begun by a thought
        ([ASKING, CALLED, RESULT, {**CALLED, "content": [THOUGHT, USE]}, RESULT], False),
        ([ASKING, CALLED, RESULT, {"role": "assistant", "content": "yes"}, ASKING], True),  # that answer is over
        ([ASKING], True),
    ],
)
def test_a_claude_thinks_within_no_budget_after_calls_that_nobody_thought_about(turns: list[Any], thinks: bool) -> None:
    body = {"model": "claude-sonnet-4-5", "max_tokens": 4000, "thinking": BUDGET, "messages": turns}
    assert may_be_foreign("anthropic", json.dumps(body).encode())
    kept, places = codec("anthropic").strip(body, body["model"])
    assert ("thinking" in kept, "thinking" in places) == (thinks, not thinks)
    newer, _ = codec("anthropic").strip(body, "claude-sonnet-4-6")
    assert newer["thinking"] == (BUDGET if thinks else {"type": "adaptive"})


def converse(turn: dict[str, Any]) -> dict[str, Any]:
    """A turn of these tests as Converse has it."""
    if isinstance(turn["content"], str):
        return {**turn, "content": [{"text": turn["content"]}]}
    blocks: dict[str, dict[str, Any]] = {
        "thinking": {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
        "tool_use": {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}},
        "tool_result": {"toolResult": {"toolUseId": "t1", "content": [{"text": "42"}]}},
    }
    return {**turn, "content": [blocks[block["type"]] for block in turn["content"]]}


@pytest.mark.parametrize("first", [[USE], [THOUGHT, USE]], ids=["unthought", "thought"])
def test_nor_behind_bedrock(first: list[Any]) -> None:
    turns = [converse(turn) for turn in (ASKING, {**CALLED, "content": first}, RESULT)]
    body = {"messages": turns, "additionalModelRequestFields": {"thinking": BUDGET, "top_k": 5}}
    kept, places = codec("bedrock").strip(body, "anthropic.claude-sonnet-4-5-20250929-v1:0")
    unthought = first == [USE]
    assert ("thinking" not in kept["additionalModelRequestFields"]) == unthought
    assert kept["additionalModelRequestFields"]["top_k"] == 5
    assert places == (["additionalModelRequestFields.thinking"] if unthought else [])
    assert codec("bedrock").strip(body, "moonshot.kimi-k2") == (body, [])
