"""Mistral's codec against mistralai's own models and client. Provider facts: providers.md section 5, 2026-11-22."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import httpx2
import pytest
from hypothesis import given
from mistralai.client import Mistral, errors, models

from spaturzu_translators import codec
from spaturzu_translators.codec import BadWire
from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartStarted,
    Started,
    StreamFailed,
    TextDelta,
    UsageReported,
    fold,
    unfold,
)
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import (
    Blob,
    File,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from spaturzu_translators.requests import (
    OpaqueTool,
    ReasoningOptions,
    Request,
    ResponseFormat,
    Tool,
    ToolChoice,
    WireRequest,
)
from spaturzu_translators.responses import Candidate, FinishReason, Response, Usage

from .laws import unexplained
from .strategies import requests, responses

MISTRAL = codec("mistral")
HELLO = Message(role="user", parts=(Text(text="hi"),))
ASKED = Request(model="mistral-large-latest", messages=(HELLO,))
CALL = ToolCall(id="abcDEF123", name="add", arguments='{"a":1}')
PDF = base64.b64encode(b"%PDF-1.4").decode()


def decoded(**body: Any) -> Request:
    return MISTRAL.decode_request(WireRequest(body={"model": "m", **body}, model="m"))


def encoded(request: Request) -> dict[str, Any]:
    return MISTRAL.encode_request(request).value.body


def losses(request: Request) -> dict[str, Loss]:
    return {loss.path: loss for loss in MISTRAL.encode_request(request).losses}


def lawful(request: Request) -> dict[str, Any]:
    """The encoded body of a request, once the law of losses was found to hold for it."""
    result = MISTRAL.encode_request(request)
    assert not (wrong := unexplained(request, MISTRAL.decode_request(result.value), result.losses)), wrong
    return result.value.body


def said(*parts: Any, role: Any = "user") -> Request:
    return replace(ASKED, messages=(Message(role=role, parts=parts),))


@given(request=requests())
def test_every_encoded_request_is_valid_to_the_sdk_and_to_the_rules_of_the_api(request: Request) -> None:
    body = encoded(request)
    parsed = models.ChatCompletionRequest.model_validate(body)
    assert "UNKNOWN" not in parsed.model_dump_json()
    roles = [message["role"] for message in body["messages"]]
    assert ("tool", "user") not in list(pairwise(roles))
    ids = [call["id"] for message in body["messages"] for call in message.get("tool_calls", ())]
    assert all(re.fullmatch("[a-zA-Z0-9]{9}", call_id) for call_id in ids)
    assert {message["tool_call_id"] for message in body["messages"] if message["role"] == "tool"} <= set(ids)


@given(response=responses())
def test_every_encoded_answer_is_valid_to_the_sdk(response: Response) -> None:
    body = MISTRAL.encode_response(response, ASKED).value
    parsed = models.ChatCompletionResponse.model_validate(body)
    assert [choice.finish_reason for choice in parsed.choices] == [c["finish_reason"] for c in body["choices"]]


@given(response=responses())
def test_every_encoded_chunk_is_valid_to_the_sdk(response: Response) -> None:
    for frame in frames_of(unfold(response)):
        models.CompletionChunk.model_validate(frame)
        assert all("finish_reason" in choice for choice in frame["choices"])


def test_what_the_caller_said_is_what_is_encoded_again() -> None:
    body: dict[str, Any] = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "be brief"},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "file", "file_id": "f1"}]},
            {
                "role": "assistant",
                "content": [
                    {
                        "type": "thinking",
                        "thinking": [{"type": "text", "text": "hm"}],
                        "closed": True,
                        "signature": "s",
                    },
                    {"type": "reference", "reference_ids": [0]},
                ],
                "tool_calls": [{"id": "abcDEF123", "type": "function", "function": {"name": "add", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "abcDEF123", "name": "add", "content": "42"},
            {"role": "assistant", "content": "so", "prefix": True},
        ],
        "stream": True,
        "temperature": 0.3,
        "random_seed": 7,
        "n": 2,
        "stop": ["x"],
        "tools": [
            {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}, "strict": True}},
            {"type": "image_generation"},
        ],
        "tool_choice": {"type": "function", "function": {"name": "add"}},
        "response_format": {"type": "json_schema", "json_schema": {"name": "r", "schema": {"type": "object"}}},
        "reasoning_effort": "high",
        "safe_prompt": True,
        "guardrails": [{"block_on_error": True}],
        "prediction": {"type": "content", "content": "y"},
        "metadata": {"team": 7},
        "service_tier": "standard_only",
    }
    result = MISTRAL.encode_request(MISTRAL.decode_request(WireRequest(body=body, model="m", stream=True)))
    assert result.value.body == body
    assert result.losses == ()


def test_a_missing_or_null_call_id_is_made_up_once_and_pairs_with_its_result() -> None:
    messages: list[Any] = [
        {"role": "user", "content": "go"},
        {
            "role": "assistant",
            "tool_calls": [
                {"id": "null", "function": {"name": "a", "arguments": {"x": 1}}},
                {"function": {"name": "b", "arguments": "{}"}},
            ],
        },
        {"role": "tool", "name": "b", "content": "B"},
        {"role": "tool", "content": "A"},
    ]
    request = decoded(messages=messages)
    first, second = request.messages[1].parts
    assert isinstance(first, ToolCall)
    assert isinstance(second, ToolCall)
    assert first.arguments == '{"x": 1}'
    results = [part for part in request.messages[2].parts if isinstance(part, ToolResult)]
    assert [(result.call_id, result.name) for result in results] == [(second.id, "b"), (first.id, "a")]
    assert re.fullmatch("[a-zA-Z0-9]{9}", first.id)
    assert first.id != second.id
    assert decoded(messages=messages) == request


def test_a_user_who_says_nothing_after_tool_results_needs_no_bridge() -> None:
    history = (
        HELLO,
        Message(role="assistant", parts=(CALL,)),
        Message(role="user", parts=(ToolResult(call_id=CALL.id, content=(Text(text="1"),)), Text(text=""))),
        Message(role="assistant", parts=(Reasoning(text="hm", issuer="openai"),)),
    )
    roles = [message["role"] for message in lawful(replace(ASKED, messages=history))["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant"]


def test_a_user_who_speaks_after_tool_results_is_bridged_and_reported() -> None:
    request = replace(
        ASKED,
        messages=(
            HELLO,
            Message(role="assistant", parts=(CALL,)),
            Message(role="user", parts=(ToolResult(call_id=CALL.id, content=(Text(text="1"),)), Text(text="and?"))),
        ),
    )
    roles = [message["role"] for message in lawful(request)["messages"]]
    assert roles == ["user", "assistant", "tool", "assistant", "user"]
    assert losses(request)["messages[2]"] == Loss(path="messages[2]", kind="emulated", matters="tuning")


def test_a_grave_loss_inside_a_bridged_turn_stays_grave() -> None:
    video = Blob(modality="video", media_type="video/mp4", data="aGk=")
    parts = (ToolResult(call_id=CALL.id, content=(Text(text="1"),)), Text(text="and?"), video)
    request = replace(
        ASKED, messages=(HELLO, Message(role="assistant", parts=(CALL,)), Message(role="user", parts=parts))
    )
    found = losses(request)
    assert {path for path, loss in found.items() if loss.matters == "meaning"} == {"messages[2].parts[2]"}
    assert found["messages[2]"] == Loss(path="messages[2]", kind="emulated", matters="tuning")


def test_a_streams_losses_so_far_do_not_hide_a_later_grave_one() -> None:
    encoder = MISTRAL.stream_encoder(ASKED)
    first, second = Text(text="a"), Text(text="b")
    events = unfold(Response(id="r", model="m", candidates=(Candidate(parts=(first, second)),)))
    for event in list(events)[:-1]:
        encoder.feed(event)
    assert [(loss.path, loss.matters) for loss in encoder.losses] == [("candidates[0].parts", "tuning")]
    encoder.feed(PartStarted(index=2, part=Opaque(issuer="openai", value={})))
    assert [(loss.path, loss.matters) for loss in encoder.losses] == [("candidates[0].parts", "meaning")]


def test_results_without_further_words_need_no_bridge() -> None:
    result = ToolResult(call_id=CALL.id, content=(Text(text="1"),))
    turns = (HELLO, Message(role="assistant", parts=(CALL,)), Message(role="user", parts=(result,)))
    assert MISTRAL.encode_request(replace(ASKED, messages=turns)).losses == ()


def test_a_failed_tool_says_so_in_words() -> None:
    failed = ToolResult(call_id=CALL.id, content=(Text(text="no disk"),), is_error=True)
    turns = (HELLO, Message(role="assistant", parts=(CALL,)), Message(role="user", parts=(failed,)))
    assert lawful(replace(ASKED, messages=turns))["messages"][2]["content"] == "Error: no disk"
    empty = replace(failed, content=())
    assert lawful(replace(ASKED, messages=(*turns[:2], Message(role="user", parts=(empty,)))))["messages"][2]["content"]


def test_a_last_turn_of_the_assistant_is_a_prefix() -> None:
    request = replace(ASKED, messages=(HELLO, Message(role="assistant", parts=(Text(text="so"),))))
    assert lawful(request)["messages"][1]["prefix"] is True
    assert losses(request) == {}


def test_an_assistant_turn_of_foreign_thoughts_alone_does_not_become_empty() -> None:
    thought = Reasoning(text="hm", signature="sig", issuer="anthropic")
    request = replace(ASKED, messages=(HELLO, Message(role="assistant", parts=(thought,)), HELLO))
    assert lawful(request)["messages"][1]["content"]


@pytest.mark.parametrize(
    ("part", "path", "kind", "matters"),
    [
        (Reasoning(text="hm", signature="s", issuer="anthropic"), "", "dropped", "tuning"),
        (Reasoning(text="hm"), "", "dropped", "tuning"),
        (Refusal(text="no"), "", "emulated", "tuning"),
        (Opaque(issuer="openai", value={}), "", "dropped", "meaning"),
        (File(modality="document", file_id="f", issuer="openai"), "", "dropped", "meaning"),
        (Blob(modality="video", media_type="video/mp4", data="aGk="), "", "dropped", "meaning"),
        (Blob(modality="document", media_type="application/msword", data="aGk="), "", "dropped", "meaning"),
        (Blob(modality="document", media_type="text/plain", data="aGk="), "", "emulated", "tuning"),
        (Blob(modality="document", media_type="text/plain", data="/w=="), "", "dropped", "meaning"),
        (Blob(modality="audio", media_type="audio/aac", data="aGk="), ".media_type", "approximated", "tuning"),
        (Uri(modality="image", uri="gs://b/a.png"), "", "dropped", "meaning"),
        (Uri(modality="image", uri="https://e.org/a", media_type="image/png"), ".media_type", "dropped", "tuning"),
        (Uri(modality="image", uri="https://e.org/a", name="a"), ".name", "dropped", "tuning"),
        (Text(text="t", cache="5m"), ".cache", "dropped", "tuning"),
    ],
)
def test_a_part_that_cannot_be_said_is_reported(part: Any, path: str, kind: Any, matters: Any) -> None:
    request = said(Text(text="look"), part)
    lawful(request)
    place = f"messages[0].parts[1]{path}"
    assert losses(request) == {place: Loss(path=place, kind=kind, matters=matters)}


@pytest.mark.parametrize(
    ("part", "chunk"),
    [
        (
            Blob(modality="image", media_type="image/png", data="aGk="),
            {"type": "image_url", "image_url": "data:image/png;base64,aGk="},
        ),
        (Uri(modality="image", uri="https://e.org/a"), {"type": "image_url", "image_url": "https://e.org/a"}),
        (
            Blob(modality="document", media_type="application/pdf", data=PDF, name="a.pdf"),
            {
                "type": "document_url",
                "document_url": f"data:application/pdf;base64,{PDF}",
                "document_name": "a.pdf",
            },
        ),
        (Uri(modality="document", uri="https://e.org/d"), {"type": "document_url", "document_url": "https://e.org/d"}),
        (
            Blob(modality="audio", media_type="audio/wav", data="UklGRg=="),
            {"type": "input_audio", "input_audio": "UklGRg=="},
        ),
        (Uri(modality="audio", uri="https://e.org/s"), {"type": "input_audio", "input_audio": "https://e.org/s"}),
        (File(modality="document", file_id="f", issuer="mistral"), {"type": "file", "file_id": "f"}),
        (
            Opaque(
                issuer="mistral",
                value={
                    "type": "resource",
                    "uri": "u",
                    "content": {"type": "image_url", "image_url": "https://x.org/a.png"},
                },
            ),
            {"type": "resource", "uri": "u", "content": {"type": "image_url", "image_url": "https://x.org/a.png"}},
        ),
        (
            Reasoning(text="hm", signature="s", issuer="mistral"),
            {
                "type": "thinking",
                "thinking": [{"type": "text", "text": "hm"}],
                "closed": True,
                "signature": "s",
            },
        ),
    ],
)
def test_a_part_and_its_chunk(part: Any, chunk: dict[str, Any]) -> None:
    request = said(Text(text="look"), part, role="user")
    assert lawful(request)["messages"][0]["content"][1] == chunk
    assert losses(request) == {}


def test_an_image_with_detail_keeps_it() -> None:
    chunk = {"type": "image_url", "image_url": {"url": "https://e.org/a", "detail": "low"}}
    request = decoded(messages=[{"role": "user", "content": [chunk]}])
    assert encoded(request)["messages"][0]["content"] == [chunk]


def test_a_data_url_that_is_not_base64_stays_opaque() -> None:
    chunk = {"type": "image_url", "image_url": "data:image/svg+xml,%3Csvg/%3E"}
    request = decoded(messages=[{"role": "user", "content": [chunk]}])
    assert request.messages[0].parts == (Opaque(issuer="mistral", value=chunk),)


def test_tools_without_parameters_get_the_empty_object() -> None:
    body = lawful(replace(ASKED, tools=(Tool(name="now"),)))
    assert body["tools"][0]["function"] == {"name": "now", "parameters": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(mode="auto"), "auto"),
        (ToolChoice(mode="none"), "none"),
        (ToolChoice(mode="required"), "any"),
        (ToolChoice(mode="required", names=("a",)), {"type": "function", "function": {"name": "a"}}),
    ],
)
def test_tool_choices(choice: ToolChoice, wire: Any) -> None:
    request = replace(ASKED, tools=(Tool(name="a"), Tool(name="b")), tool_choice=choice)
    assert lawful(request)["tool_choice"] == wire
    assert losses(request) == {}


def test_a_choice_among_some_tools_offers_only_those() -> None:
    tools = (Tool(name="a"), Tool(name="b"), Tool(name="c"))
    request = replace(ASKED, tools=tools, tool_choice=ToolChoice(mode="required", names=("a", "c")))
    body = lawful(request)
    assert [tool["function"]["name"] for tool in body["tools"]] == ["a", "c"]
    assert body["tool_choice"] == "any"
    assert set(losses(request)) == {"tools[1]", "tool_choice.names"}


def test_long_and_odd_tool_names_are_renamed_everywhere_and_can_be_named_back() -> None:
    long, odd = "x" * 80, "ns.tool"
    call = replace(CALL, name=odd)
    request = replace(
        ASKED,
        tools=(Tool(name=long), Tool(name=odd), Tool(name="ns_tool")),
        tool_choice=ToolChoice(mode="required", names=(odd,)),
        messages=(
            HELLO,
            Message(role="assistant", parts=(call,)),
            Message(role="user", parts=(ToolResult(call_id=call.id, name=odd, content=(Text(text="1"),)),)),
        ),
    )
    body, wire = lawful(request), MISTRAL.encode_request(request).value
    names = [tool["function"]["name"] for tool in body["tools"]]
    assert all(re.fullmatch("[a-zA-Z0-9_-]{1,64}", name) for name in names)
    assert len(set(names)) == 3
    assert [wire.renamed_tools.get(name, name) for name in names] == [long, odd, "ns_tool"]
    assert body["tool_choice"]["function"]["name"] == body["messages"][1]["tool_calls"][0]["function"]["name"]
    assert body["messages"][2]["name"] == names[1]


def test_foreign_tools_and_fields_are_reported_by_what_they_mean() -> None:
    request = replace(
        ASKED,
        tools=(OpaqueTool(issuer="openai", value={"type": "web_search"}),),
        provider_fields={"openai": {"nobody_knows_this": 1}},
    )
    found = losses(request)
    assert found["tools[0]"].matters == "meaning"
    assert found["provider_fields.openai.nobody_knows_this"].matters == "meaning"


@pytest.mark.parametrize(
    ("changes", "path", "key", "value"),
    [
        ({"temperature": 1.7}, "temperature", "temperature", 1.0),
        ({"temperature": 1.0}, None, "temperature", 1.0),
        ({"user": "u"}, None, "metadata", {"user_id": "u"}),
        ({"service_tier": "default"}, "service_tier", "service_tier", None),
        ({"service_tier": "auto"}, None, "service_tier", "auto"),
        ({"seed": 3}, None, "random_seed", 3),
        ({"candidate_count": 2}, None, "n", 2),
        ({"reasoning": ReasoningOptions(effort="max")}, None, "reasoning_effort", "max"),
        ({"reasoning": ReasoningOptions(budget_tokens=4096)}, "reasoning", "reasoning_effort", "medium"),
        ({"reasoning": ReasoningOptions(budget_tokens=0)}, "reasoning", "reasoning_effort", "none"),
        ({"reasoning": ReasoningOptions(include_text=True)}, "reasoning", "reasoning_effort", None),
        (
            {"reasoning": ReasoningOptions(effort="low", include_text=True)},
            "reasoning.include_text",
            "reasoning_effort",
            "low",
        ),
        (
            {"response_format": ResponseFormat(type="json_schema", schema={"type": "object"})},
            None,
            "response_format",
            {"type": "json_schema", "json_schema": {"name": "response", "schema": {"type": "object"}}},
        ),
        ({"metadata": {"a": "b"}}, None, "metadata", {"a": "b"}),
    ],
)
def test_a_setting_and_its_wire(changes: dict[str, Any], path: str | None, key: str, value: Any) -> None:
    request = replace(ASKED, **changes)
    assert lawful(request).get(key) == value
    assert list(losses(request)) == ([path] if path else [])


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({}, "mistral request.messages: expected a JSON array"),
        ({"messages": 3}, "mistral request.messages"),
        ({"messages": ["hi"]}, "messages[0]: expected a JSON object"),
        ({"messages": [{"role": "developer", "content": "x"}]}, "messages[0].role must be"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content must be a string or a list of chunks"),
        ({"messages": [{"role": "user", "content": [3]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "content[0].text must be a string"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "content[0].type must be a string"),
        ({"messages": [{"role": "user", "content": [{"type": "thinking"}]}]}, "content[0].thinking"),
        ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "content[0].image_url"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "x"}]}]}, "function.name must be a string"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": 3}}]}]},
            "arguments must be a string or an object, found int",
        ),
        ({"messages": [], "temperature": "hot"}, "temperature must be a number, found str"),
        ({"messages": [], "max_tokens": True}, "max_tokens must be a whole number, found bool"),
        ({"messages": [], "tools": {}}, "tools"),
        ({"messages": [], "tools": [{"type": "function"}]}, "tools[0].function"),
        ({"messages": [], "tool_choice": 3}, "tool_choice must be"),
        ({"messages": [], "response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"messages": [], "stop": [1]}, "stop must be"),
        ({"messages": [], "metadata": []}, "metadata"),
    ],
)
def test_a_malformed_request_says_where(body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadWire, match=re.escape(sentence)):
        MISTRAL.decode_request(WireRequest(body=body, model="m"))


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("model_length", "context_window"),
        ("tool_calls", "tool_calls"),
        ("error", "malformed"),
        ("something_new", "other"),
    ],
)
def test_finish_reasons_in_and_back_out(wire: str, reason: FinishReason) -> None:
    body = answer(content="x", finish_reason=wire)
    response = MISTRAL.decode_response(body, "m")
    assert response.candidates[0].finish_reason == reason
    assert MISTRAL.encode_response(response, ASKED).value == body


@pytest.mark.parametrize(
    ("reason", "plain", "streamed"),
    [
        ("stop_sequence", "stop", "stop"),
        ("context_window", "model_length", "length"),
        ("content_filter", "error", "error"),
        ("guardrail", "error", "error"),
        ("refusal", "stop", "stop"),
        ("pause", "stop", "stop"),
        ("other", "stop", "stop"),
        (None, "stop", "stop"),
    ],
)
def test_finish_reasons_of_others(reason: FinishReason | None, plain: str, streamed: str) -> None:
    response = Response(id="r", model="m", candidates=(Candidate(parts=(Text(text="x"),), finish_reason=reason),))
    result = MISTRAL.encode_response(response, ASKED)
    assert result.value["choices"][0]["finish_reason"] == plain
    assert not unexplained(response, MISTRAL.decode_response(result.value, "m"), result.losses)
    assert frames_of(unfold(response))[-1]["choices"][0]["finish_reason"] == streamed


def test_an_answer_with_calls_finishes_with_tool_calls_whatever_the_wire_says() -> None:
    body = answer(content="", finish_reason="stop", tool_calls=[wire_call("abcDEF123")])
    assert MISTRAL.decode_response(body, "m").candidates[0].finish_reason == "tool_calls"
    response = Response(id="r", model="m", candidates=(Candidate(parts=(CALL,), finish_reason="stop"),))
    assert MISTRAL.encode_response(response, ASKED).value["choices"][0]["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("wire", "usage"),
    [
        (
            {"prompt_tokens": 34, "completion_tokens": 31, "prompt_tokens_details": {"cached_tokens": 8}},
            Usage(input_tokens=34, output_tokens=31, cache_read_tokens=8),
        ),
        (
            {
                "prompt_tokens": 11,
                "completion_tokens": 15,
                "prompt_tokens_details": {"audio_tokens": 375, "cached_tokens": 9},
            },
            Usage(input_tokens=386, output_tokens=15, cache_read_tokens=9, input_audio_tokens=375),
        ),
        (
            {"prompt_tokens": 9, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 2}},
            Usage(input_tokens=9, output_tokens=5, reasoning_tokens=2),
        ),
        ({}, None),
    ],
)
def test_usage_in_and_back_out(wire: dict[str, Any], usage: Usage | None) -> None:
    total = {} if usage is None else {"total_tokens": usage.input_tokens + usage.output_tokens}  # type: ignore[operator]
    body = answer(content="x") | {"usage": {**wire, **total}}
    response = MISTRAL.decode_response(body, "m")
    assert response.usage == usage
    assert MISTRAL.encode_response(response, ASKED).value == body


@pytest.mark.parametrize("extra", [{"num_cached_tokens": 4}, {"prompt_token_details": {"cached_tokens": 4}}])
def test_other_spellings_of_cached_tokens_count(extra: dict[str, Any]) -> None:
    body = answer(content="x") | {"usage": {"prompt_tokens": 9, "completion_tokens": 1, **extra}}
    usage = MISTRAL.decode_response(body, "m").usage
    assert usage == Usage(input_tokens=9, output_tokens=1, cache_read_tokens=4)


def test_what_usage_has_of_its_own_is_kept() -> None:
    wire = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, "service_tier": "standard"}
    body = answer(content="x") | {"usage": {**wire, "prompt_audio_seconds": 5}}
    assert MISTRAL.encode_response(MISTRAL.decode_response(body, "m"), ASKED).value == body


def test_a_foreign_signature_is_never_shown() -> None:
    thought = Reasoning(text="hm", signature="secret", issuer="anthropic")
    response = Response(id="r", model="m", candidates=(Candidate(parts=(thought, Text(text="x"))),))
    assert "secret" not in json.dumps(MISTRAL.encode_response(response, ASKED).value)
    assert "secret" not in json.dumps(frames_of(unfold(response)))


def test_log_probabilities_are_mistrals_own_or_said_not_to_be() -> None:
    token = {"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": []}
    own = {"content": [{**token, "token_id": 3}]}
    unnumbered, chosen = {"content": [token]}, {"chosenCandidates": [{"token": "x", "logProbability": -0.1}]}
    for value, told, kind in (
        (own, own, None),
        (unnumbered, {"content": [{**token, "token_id": -1}]}, "approximated"),
        (chosen, {"content": [{**token, "token_id": -1}]}, "approximated"),
        (
            {"content": [{**token, "bytes": None, "token_id": None}]},
            {"content": [{**token, "token_id": -1}]},
            "approximated",
        ),
        ([1], None, "dropped"),
        ({"content": [1]}, None, "dropped"),
        ({"chosenCandidates": [{"token": "x"}]}, None, "dropped"),
    ):
        response = Response(
            id="r", model="m", candidates=(Candidate(parts=(Text(text="x"),), finish_reason="stop", logprobs=value),)
        )
        result = MISTRAL.encode_response(response, ASKED)
        assert result.value["choices"][0].get("logprobs") == told
        assert [(loss.path, loss.kind) for loss in result.losses] == (
            [("candidates[0].logprobs", kind)] if kind else []
        )


@pytest.mark.parametrize("body", [{}, {"choices": {}}, {"choices": [{"message": 3}]}, {"choices": [], "usage": 3}])
def test_a_malformed_answer_says_where(body: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="mistral response"):
        MISTRAL.decode_response(body, "m")


def test_a_stream_of_text_thoughts_and_calls() -> None:
    events = list(
        events_of(
            [
                chunk({"role": "assistant", "content": ""}),
                chunk({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "h"}]}]}),
                chunk(
                    {
                        "content": [
                            {"type": "thinking", "thinking": [{"type": "text", "text": "m"}], "closed": True},
                            {"type": "text", "text": "1"},
                        ]
                    }
                ),
                chunk({"content": "44"}),
                chunk({"tool_calls": [wire_call("abcDEF123"), wire_call("null", index=1)]}, "tool_calls")
                | {"usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
            ]
        )
    )
    assert isinstance(events[0], Started)
    assert [event.index for event in events if isinstance(event, PartStarted)] == [0, 1, 2, 3]
    response = fold(events)
    thought, text, first, second = response.candidates[0].parts
    assert thought == Reasoning(text="hm", issuer="mistral")
    assert text == Text(text="144")
    assert first == ToolCall(id="abcDEF123", name="add", arguments='{"a": 1}')
    assert isinstance(second, ToolCall)
    assert re.fullmatch("[a-zA-Z0-9]{9}", second.id)
    assert response.usage == Usage(input_tokens=3, output_tokens=2)


def test_text_on_the_last_chunk_is_not_lost() -> None:
    response = fold(events_of([chunk({"content": "a"}), chunk({"content": "b"}, "stop")]))
    assert response.candidates[0] == Candidate(parts=(Text(text="ab"),), finish_reason="stop")


def test_a_streams_call_without_an_id_has_the_id_of_the_plain_answer() -> None:
    plain = MISTRAL.decode_response(answer(content="", tool_calls=[wire_call("null")]), "m")
    streamed = fold(events_of([chunk({"tool_calls": [wire_call("null")]}, "tool_calls")]))
    assert streamed.candidates[0].parts == plain.candidates[0].parts


def test_a_cut_stream_has_no_finish() -> None:
    events = list(events_of([chunk({"content": "a"})]))
    assert not any(isinstance(event, Finished) for event in events)
    assert not MISTRAL.terminal.search(b"".join(map(MISTRAL.frame, [chunk({"content": '"finish_reason":"stop"'})])))


def test_pieces_of_a_call_are_joined() -> None:
    pieces = [
        chunk({"tool_calls": [{"id": "abcDEF123", "function": {"name": "add", "arguments": '{"a"'}}]}),
        chunk({"tool_calls": [{"function": {"name": "", "arguments": ": 1}"}}]}, "tool_calls"),
    ]
    assert fold(events_of(pieces)).candidates[0].parts == (replace(CALL, arguments='{"a": 1}'),)


def test_arguments_wait_until_the_call_is_whole_and_usage_rides_on_the_last_chunk() -> None:
    encoder = MISTRAL.stream_encoder(ASKED)
    encoder.feed(Started(id="r", model="m"))
    assert encoder.feed(PartStarted(index=0, part=replace(CALL, arguments=""))) == []
    assert encoder.feed(ArgumentsDelta(index=0, arguments='{"a"')) == []
    frames = frames_of(
        unfold(
            Response(
                id="r",
                model="m",
                candidates=(Candidate(parts=(CALL,), finish_reason="tool_calls"),) * 2,
                usage=Usage(input_tokens=3, output_tokens=2),
            )
        )
    )
    calls = [frame for frame in frames if frame["choices"][0]["delta"].get("tool_calls")]
    assert [frame["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"] for frame in calls] == [
        '{"a":1}'
    ] * 2
    assert ["usage" in frame for frame in frames] == [False] * (len(frames) - 1) + [True]


def test_usage_that_comes_first_is_still_on_the_last_chunk_once() -> None:
    events: list[Event] = [
        Started(id="r", model="m"),
        UsageReported(usage=Usage(input_tokens=3)),
        PartStarted(index=0, part=Text(text="")),
        TextDelta(index=0, text="x"),
        UsageReported(usage=Usage(output_tokens=2)),
        Finished(finish_reason="stop"),
    ]
    frames = frames_of(events)
    assert [frame["usage"]["total_tokens"] for frame in frames if "usage" in frame] == [5]


def test_texts_that_a_stream_joins_are_reported() -> None:
    response = Response(
        id="r",
        model="m",
        candidates=(Candidate(parts=(Text(text="a"), Text(text="b"), Refusal(text="c")), finish_reason="stop"),),
    )
    encoder = MISTRAL.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert not unexplained(response, fold(events_of(frames)), encoder.losses)


@pytest.mark.parametrize(
    "frame", [{"id": "x"}, {"choices": 3}, {"choices": [{"delta": {"content": 3}}]}, {"choices": [{"delta": "x"}]}]
)
def test_a_malformed_frame_says_so(frame: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="mistral stream"):
        MISTRAL.stream_decoder("m").feed(frame)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            429,
            {"object": "error", "message": "Rate limit exceeded", "type": "rate_limited", "code": "1300"},
            "rate_limit",
        ),
        (429, {"message": "Requests rate limit exceeded"}, "rate_limit"),
        (429, {"message": "Service tier capacity exceeded for this model.", "code": "3505"}, "overloaded"),
        (503, {"message": "Service tier capacity exceeded for this model."}, "overloaded"),
        (402, {"detail": "Payment required"}, "quota_exhausted"),
        (429, {"message": "You have reached your monthly usage limit"}, "quota_exhausted"),
        (500, {"object": "error", "message": "Service unavailable.", "code": "1000"}, "server"),
        (502, "<html>Bad gateway</html>", "server"),
        (504, None, "timeout"),
        (
            400,
            {"message": "... too large for model with 131072 maximum context length", "code": "3051"},
            "context_overflow",
        ),
        (400, {"message": "Invalid model: x", "type": "invalid_model", "code": "1500"}, "not_found"),
        (
            400,
            {"message": "Not the same number ...", "type": "invalid_request_message_order", "code": 3230},
            "bad_request",
        ),
        (403, {"message": "Blocked by guardrail", "type": "guardrail_violation"}, "content_policy"),
        (403, {"detail": "Forbidden"}, "permission"),
        (401, {"detail": "Unauthorized"}, "auth"),
        (404, {"message": "no Route matched with those values"}, "not_found"),
        (422, {"detail": [{"type": "string_type", "loc": ["body"], "msg": "bad"}]}, "bad_request"),
        (422, {"message": {"detail": [{"msg": "bad"}]}}, "bad_request"),
        (400, [1, 2], "bad_request"),
        (200, {"object": "error", "message": "x", "type": "rate_limited"}, "rate_limit"),
        (200, {"object": "error", "message": "x", "raw_status_code": 503}, "overloaded"),
        (200, {"object": "error", "message": "x"}, "server"),
    ],
)
def test_errors_by_kind(status: int, body: Any, kind: FailureKind) -> None:
    failure = MISTRAL.decode_error(ErrorReply(status=status, headers={"retry-after": "3"}, body=body))
    assert failure.kind == kind
    assert failure.retry_after_s == 3


KINDS: tuple[FailureKind, ...] = (
    "rate_limit",
    "quota_exhausted",
    "overloaded",
    "server",
    "timeout",
    "context_overflow",
    "content_policy",
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "cancelled",
)


@pytest.mark.parametrize("kind", KINDS)
def test_an_encoded_error_is_read_as_what_it_was_and_says_nothing_of_the_others_text(kind: FailureKind) -> None:
    reply = MISTRAL.encode_error(Failure(kind=kind, code="sk-1", message="secret", retry_after_s=1.5))
    again = MISTRAL.decode_error(reply)
    assert (again.kind, again.retry_after_s) == (kind, 1.5)
    assert "secret" not in json.dumps(reply.body)
    with pytest.raises(errors.SDKError) as caught:
        ask(reply.status, json.dumps(reply.body).encode(), dict(reply.headers))
    assert caught.value.status_code == reply.status


def test_a_validation_failure_raises_the_sdks_validation_error() -> None:
    reply = MISTRAL.encode_error(Failure(kind="bad_request", status=422))
    with pytest.raises(errors.HTTPValidationError) as caught:
        ask(reply.status, json.dumps(reply.body).encode(), dict(reply.headers))
    assert caught.value.data.detail


def test_an_error_inside_a_stream_raises_the_sdks_class_and_fails_our_decoder() -> None:
    encoder = MISTRAL.stream_encoder(ASKED)
    frames = [*encoder.feed(Started(id="r", model="m")), *encoder.feed(Failed(failure=Failure(kind="overloaded")))]
    wire = b"".join(map(MISTRAL.frame, frames))
    with pytest.raises(errors.ResponseValidationError) as caught:
        stream(wire)
    assert caught.value.status_code == 200
    assert "capacity exceeded" in caught.value.body
    with pytest.raises(StreamFailed) as failed:
        fold(events_of(frames))
    assert failed.value.failure.kind == "overloaded"


def test_the_sdk_reads_our_plain_answer() -> None:
    response = Response(
        id="r",
        model="m",
        candidates=(Candidate(parts=(Text(text="hello"), CALL), finish_reason="tool_calls"),),
        usage=Usage(input_tokens=9, output_tokens=5, cache_read_tokens=4),
    )
    read = ask(200, json.dumps(MISTRAL.encode_response(response, ASKED).value).encode())
    assert read.choices[0].message.content == "hello"
    assert read.choices[0].message.tool_calls[0].function.name == "add"
    assert read.usage.model_extra["prompt_tokens_details"] == {"cached_tokens": 4}


def test_the_sdk_reads_our_stream() -> None:
    response = Response(
        id="r",
        model="m",
        candidates=(
            Candidate(parts=(Reasoning(text="hm"), Text(text="hello"), CALL, CALL), finish_reason="tool_calls"),
        ),
        usage=Usage(input_tokens=9, output_tokens=5),
    )
    read = stream(b"".join(map(MISTRAL.frame, frames_of(unfold(response)))) + MISTRAL.end)
    texts = [c.choices[0].delta.content for c in read if isinstance(c.choices[0].delta.content, str)]
    calls = [call for c in read for call in c.choices[0].delta.tool_calls or ()]
    assert "".join(texts) == "hello"
    assert [(call.function.arguments, call.index) for call in calls] == [('{"a":1}', 0), ('{"a":1}', 1)]
    assert read[-1].usage.total_tokens == 14
    assert read[-1].choices[0].finish_reason == "tool_calls"


def answer(*, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    message = {"role": "assistant", "tool_calls": None, **message}
    return {
        "id": "r",
        "object": "chat.completion",
        "created": 1_787_150_181,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": finish_reason}],
        "usage": {},
    }


def chunk(delta: dict[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {"id": "r", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], "p": "abc"}


def wire_call(call_id: str, index: int = 0) -> dict[str, Any]:
    function = {"name": "add", "arguments": '{"a": 1}'}
    return {"id": call_id, "type": "function", "function": function, "index": index}


def events_of(frames: Any) -> Iterator[Event]:
    decoder = MISTRAL.stream_decoder("m")
    for frame in frames:
        yield from decoder.feed(frame)
    yield from decoder.close()


def frames_of(events: Any) -> list[dict[str, Any]]:
    encoder = MISTRAL.stream_encoder(ASKED)
    return [frame for event in events for frame in encoder.feed(event)] + encoder.close()


def served(status: int, content: bytes, headers: dict[str, str]) -> Mistral:
    def respond(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, content=content, headers=headers)

    return Mistral(api_key="key", client=httpx2.Client(transport=httpx2.MockTransport(respond)))


def ask(status: int, content: bytes, headers: dict[str, str] | None = None) -> Any:
    client = served(status, content, headers or {"content-type": "application/json"})
    return client.chat.complete(model="m", messages=[{"role": "user", "content": "hi"}])


def stream(content: bytes) -> list[Any]:
    client = served(200, content, {"content-type": MISTRAL.stream_content_type})
    return [event.data for event in client.chat.stream(model="m", messages=[{"role": "user", "content": "hi"}])]


def test_the_older_form_of_reasoning_is_a_high_effort_to_others_and_itself_at_home() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "prompt_mode": "reasoning", "stream": False}
    request = MISTRAL.decode_request(WireRequest(body=body, model="m"))
    assert request.reasoning == ReasoningOptions(effort="high")
    home = MISTRAL.encode_request(request)
    assert (home.value.body, home.losses) == (body, ())
    told = codec("openai").encode_request(replace(request, model="gpt-6.2"))
    assert (told.value.body["reasoning_effort"], told.losses) == ("high", ())
