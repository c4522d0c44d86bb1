"""Mistakes that another translator of these wires is known to make (a study of 2026-11-22), each held against ours."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.events import fold
from spaturzu_translators.requests import ReasoningOptions, Request, WireRequest
from spaturzu_translators.responses import Response

from .test_laws import ASKED

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
MODELS: dict[Wire, str] = {
    "openai": "gpt-4.1",
    "openai_responses": "gpt-4.1",
    "anthropic": "claude-opus-5-5",
    "bedrock": "anthropic.claude-opus-5-5-v1:0",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-large-latest",
}


def read(wire: Wire, frames: list[dict[str, Any]]) -> Response:
    decoder = codec(wire).stream_decoder("m")
    return fold([event for frame in frames for event in decoder.feed(frame)] + decoder.close())


def asked(**more: Any) -> Request:
    """An OpenAI caller's request."""
    body = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}], "max_completion_tokens": 500, **more}
    return codec("openai").decode_request(WireRequest(body=body, model="gpt-4.1"))


def sent(target: Wire, request: Request) -> dict[str, Any]:
    return codec(target).encode_request(replace(request, model=MODELS[target])).value.body


def chunk(*parts: dict[str, Any], finish: str | None = None, **usage: int) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m", "responseId": "r"}


GEMINI = [
    chunk({"text": "Hello"}, promptTokenCount=10, candidatesTokenCount=1, thoughtsTokenCount=5),
    chunk({"text": ","}, promptTokenCount=10, candidatesTokenCount=2, thoughtsTokenCount=5),
    chunk({"text": " world"}, finish="STOP", promptTokenCount=10, candidatesTokenCount=3, thoughtsTokenCount=5),
]


@pytest.mark.parametrize("caller", [wire for wire in WIRES if wire != "gemini"])
def test_the_text_of_geminis_last_chunk_reaches_every_caller(caller: Wire) -> None:
    decoder, encoder = codec("gemini").stream_decoder("m"), codec(caller).stream_encoder(ASKED)
    events = [event for frame in GEMINI for event in decoder.feed(frame)] + decoder.close()
    frames = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    assert read(caller, frames).candidates[0].parts[0].text == "Hello, world"  # type: ignore[union-attr]


def test_cumulative_usage_of_a_gemini_stream_is_not_summed() -> None:
    usage = read("gemini", GEMINI).usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens, usage.reasoning_tokens) == (10, 8, 5)


def test_usage_at_both_ends_of_an_anthropic_stream_is_not_summed() -> None:
    begun = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": begun}
    ended = {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 7}
    frames = [
        {"type": "message_start", "message": message},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": ended},
        {"type": "message_stop"},
    ]
    usage = read("anthropic", frames).usage
    assert usage is not None
    assert (usage.input_tokens, usage.cache_read_tokens, usage.output_tokens) == (110, 100, 7)


def test_a_json_schema_reaches_every_target_in_its_own_form() -> None:
    schema = {"name": "number", "strict": True, "schema": SCHEMA}
    request = asked(response_format={"type": "json_schema", "json_schema": schema})
    assert sent("anthropic", request)["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}
    generation = sent("gemini", request)["generationConfig"]
    assert (generation["responseMimeType"], generation["responseJsonSchema"]) == ("application/json", SCHEMA)
    assert sent("openai_responses", request)["text"]["format"] == {"type": "json_schema", **schema}
    assert "json_schema" not in sent("openai_responses", request)["text"]
    assert sent("bedrock", request)["outputConfig"]["textFormat"]["type"] == "json_schema"
    assert sent("mistral", request)["response_format"]["json_schema"]["schema"] == SCHEMA


def test_a_strict_tool_stays_strict() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMA, "strict": True}}
    (function,) = sent("openai_responses", asked(tools=[tool]))["tools"]
    assert function["strict"] is True


def test_a_forced_tool_and_thinking_never_meet_at_anthropic() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
    forced = {"type": "function", "function": {"name": "f"}}
    body = sent("anthropic", asked(tools=[tool], tool_choice=forced, reasoning_effort="high"))
    assert body["tool_choice"]["type"] == "tool"
    assert "thinking" not in body


def test_a_call_from_gemini_finishes_as_a_call_and_its_thoughts_are_counted() -> None:
    call = {"functionCall": {"name": "f", "args": {"n": 1}}}
    body = chunk(call, finish="STOP", promptTokenCount=10, candidatesTokenCount=3, thoughtsTokenCount=5)
    answer = codec("openai").encode_response(codec("gemini").decode_response(body, "m"), ASKED).value
    assert answer["choices"][0]["finish_reason"] == "tool_calls"
    assert answer["usage"]["completion_tokens"] == 8
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] == 5


def test_cached_tokens_of_anthropic_are_inside_the_prompt_of_an_openai_caller() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 100, "output_tokens": 5}
    body = {"id": "m", "type": "message", "role": "assistant", "model": "c", "content": [], "usage": usage}
    answer = codec("anthropic").decode_response({**body, "stop_reason": "end_turn"}, "c")
    told = codec("openai").encode_response(answer, ASKED).value["usage"]
    assert (told["prompt_tokens"], told["prompt_tokens_details"]["cached_tokens"]) == (110, 100)


def test_a_nullable_type_goes_to_gemini_where_any_json_schema_may_stand() -> None:
    nullable = {"type": "object", "properties": {"n": {"type": ["integer", "null"]}}}
    tool = {"type": "function", "function": {"name": "f", "parameters": nullable}}
    (declared,) = sent("gemini", asked(tools=[tool]))["tools"][0]["functionDeclarations"]
    assert "parameters" not in declared
    assert declared["parametersJsonSchema"]["properties"]["n"]["type"] == ["integer", "null"]


def test_a_budget_stays_below_the_limit_and_takes_no_temperature_along() -> None:
    for model in ("claude-sonnet-4-5", "claude-opus-4-6"):
        request = replace(
            asked(temperature=0.2, max_completion_tokens=2000), reasoning=ReasoningOptions(budget_tokens=4096)
        )
        body = codec("anthropic").encode_request(replace(request, model=model)).value.body
        assert "temperature" not in body
        assert 1024 <= body["thinking"]["budget_tokens"] < body["max_tokens"] == 2000


def test_a_forced_choice_reaches_mistral() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
    forced = {"type": "function", "function": {"name": "f"}}
    assert sent("mistral", asked(tools=[tool], tool_choice=forced))["tool_choice"] == forced
