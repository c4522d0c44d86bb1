"""OpenAI chat completions: held against the real SDK, the provider's tables, and recorded traffic."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionContentPartParam,
    ChatCompletionMessageParam,
    ChatCompletionToolChoiceOptionParam,
    ChatCompletionToolUnionParam,
)
from pydantic import TypeAdapter

from spaturzu_translators import BadWire, Loss, codec
from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    TextDelta,
    UsageReported,
    fold,
    unfold,
)
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind
from spaturzu_translators.messages import (
    Blob,
    File,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from spaturzu_translators.openai import CODEC
from spaturzu_translators.openai.errors import decode_error, encode_error
from spaturzu_translators.openai.request import decode_request, encode_request
from spaturzu_translators.openai.response import decode_response, encode_response
from spaturzu_translators.openai.stream import StreamDecoder, StreamEncoder
from spaturzu_translators.requests import (
    OpaqueTool,
    ReasoningOptions,
    Request,
    Tool,
    ToolChoice,
    WireRequest,
)
from spaturzu_translators.responses import Candidate, FinishReason, Response, Usage

from .equal import EQUAL
from .laws import unexplained
from .native import check_frames
from .strategies import requests, responses

HELLO = (Message(role="user", parts=(Text(text="hi"),)),)
ASKED = Request(model="gpt-4o", messages=HELLO, stream=True)
WEATHER = Tool(name="weather", parameters={"type": "object", "properties": {}})
PDF = "data:application/pdf;base64,JVBERi0="


def wire(model: str = "gpt-4o", **body: Any) -> WireRequest:
    """A request body around `body`."""
    return WireRequest(body={"model": model, "messages": [{"role": "user", "content": "hi"}], **body}, model=model)


def again(request: WireRequest) -> dict[str, Any]:
    """The body after decoding and encoding, which must have lost nothing of meaning."""
    encoded = encode_request(decode_request(request))
    assert not [loss for loss in encoded.losses if loss.matters == "meaning"]
    return encoded.value.body


def law_holds(request: Request) -> tuple[Loss, ...]:
    """The losses of `request`, found to be exactly its differences."""
    encoded = encode_request(request)
    assert not (wrong := unexplained(request, decode_request(encoded.value), encoded.losses)), wrong
    return encoded.losses


def paths(losses: tuple[Loss, ...], matters: str | None = None) -> list[str]:
    return [loss.path for loss in losses if matters in (None, loss.matters)]


def said(*parts: Part, role: Any = "user") -> Request:
    """A request whose second turn is `parts`, by the assistant or after its words."""
    before = HELLO if role == "assistant" else (Message(role="assistant", parts=(Text(text="Hello"),)),)
    after = HELLO if role == "assistant" else ()
    return Request(model="gpt-4o", messages=(*before, Message(role=role, parts=parts), *after))


def sdk(reply: httpx2.Response) -> openai.OpenAI:
    """The real client, with `reply` for every call."""
    transport = httpx2.MockTransport(lambda _: reply)
    return openai.OpenAI(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def _known(part: dict[str, Any]) -> dict[str, Any]:
    """The part without a detail of the caller's own that the SDK does not know yet, and that goes through as it is."""
    image = part.get("image_url", {})
    return {**part, "image_url": {**image, "detail": "auto"}} if image.get("detail") == "future" else part


def valid_request(body: dict[str, Any]) -> None:
    """Is every message, part, tool and choice one of the SDK's own types?"""
    for message in body["messages"]:
        TypeAdapter(ChatCompletionMessageParam).validate_python(message)
        if message["role"] == "user" and isinstance(message["content"], list):
            for part in message["content"]:
                TypeAdapter(ChatCompletionContentPartParam).validate_python(_known(part))
    for tool in body.get("tools", ()):
        TypeAdapter(ChatCompletionToolUnionParam).validate_python(tool)
    if "tool_choice" in body:
        TypeAdapter(ChatCompletionToolChoiceOptionParam).validate_python(body["tool_choice"])


@given(request=requests())
def test_every_encoded_request_is_one_of_the_sdks(request: Request) -> None:
    valid_request(encode_request(request).value.body)


@given(response=responses())
def test_every_encoded_answer_passes_the_sdks_strict_model(response: Response) -> None:
    ChatCompletion.model_validate(encode_response(response, ASKED).value)


@given(response=responses())
def test_every_encoded_chunk_passes_the_sdks_strict_model(response: Response) -> None:
    check_frames("openai", list(chunks(response)))


@given(request=requests())
def test_an_openai_body_survives_decoding_and_encoding(request: Request) -> None:
    wire = encode_request(request).value
    again = encode_request(decode_request(wire)).value.body
    assert EQUAL["openai"](again) == EQUAL["openai"](json.loads(json.dumps(wire.body)))


@pytest.mark.parametrize(
    "part",
    [
        {"type": "text", "text": "x", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "12h"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.webp", "detail": "original"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,aGk="}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "mp3"}},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "flac"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF}},
        {"type": "file", "file": {"filename": "a.csv", "file_data": "data:text/csv;base64,aGk="}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "hologram", "hologram": {"depth": 3}},
    ],
    ids=lambda part: part["type"],
)
def test_a_content_part_comes_back_as_it_was(part: dict[str, Any]) -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "see"}, part]}
    assert again(wire("gpt-5.6", messages=[message]))["messages"] == [message]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tool_choice", {"type": "custom", "custom": {"name": "g"}}),
        ("tool_choice", {"type": "function", "function": {"name": "f"}}),
        (
            "tool_choice",
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
        ("logit_bias", {"50256": -100}),
        ("web_search_options", {}),
        ("audio", {"format": "opus", "voice": "alloy"}),
        ("verbosity", "low"),
        ("safety_identifier", "u1"),
        ("user", "u1"),
        ("metadata", {"a": "b"}),
        ("service_tier", "flex"),
        ("response_format", {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}),
        ("parallel_tool_calls", False),
        ("n", 2),
        ("top_logprobs", 5),
    ],
)
def test_a_parameter_comes_back_as_it_was(name: str, value: Any) -> None:
    tools = [
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}}},
        {"type": "custom", "custom": {"name": "g"}},
    ]
    body = again(wire(tools=tools, **{name: value}))
    assert body[name] == value
    assert body["tools"] == tools


def test_null_is_absent() -> None:
    assert decode_request(wire(temperature=None, tools=None, stop=None)) == decode_request(wire())


def test_a_tool_result_takes_its_name_from_the_call_and_leads_the_users_turn() -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "Sofia?"},
        {"role": "assistant", "content": None, "tool_calls": [call], "annotations": [], "refusal": None},
        {"role": "tool", "tool_call_id": "c1", "content": "12°"},
        {"role": "user", "content": "And tomorrow?"},
    ]
    turn = decode_request(wire(messages=messages)).messages[2]
    result = ToolResult(call_id="c1", name="weather", content=(Text(text="12°"),))
    assert turn == Message(role="user", parts=(result, Text(text="And tomorrow?")))


def test_leading_instructions_are_the_requests_and_later_ones_stay() -> None:
    roles = ("developer", "system", "user", "system")
    request = decode_request(wire(messages=[{"role": role, "content": role} for role in roles]))
    assert [text.text for text in request.system] == ["developer", "system"]
    assert [message.role for message in request.messages] == ["user", "system"]


def test_a_named_user_keeps_the_name() -> None:
    messages = [{"role": "user", "content": "a", "name": "ann"}, {"role": "user", "content": "b", "name": "bob"}]
    assert again(wire(messages=messages))["messages"] == messages


def test_deprecated_functions_become_tools_and_are_answered_in_their_form() -> None:
    called = {"name": "f", "arguments": '{"a":1}'}
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": None, "function_call": called},
        {"role": "function", "name": "f", "content": "2"},
    ]
    request = decode_request(wire(messages=messages, functions=[{"name": "f"}], function_call={"name": "f"}))
    call, result = request.messages[1].parts[0], request.messages[2].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (request.tools, request.tool_choice) == ((Tool(name="f"),), ToolChoice(mode="required", names=("f",)))
    assert (call.id, call.name, result.name) == (result.call_id, "f", "f")
    answer = Response(id="r", model="m", candidates=(Candidate(parts=(call,), finish_reason="tool_calls"),))
    choice = encode_response(answer, request).value["choices"][0]
    assert (choice["message"]["function_call"], choice["finish_reason"]) == (called, "function_call")
    streamed = list(chunks(answer, request))
    assert streamed[1]["choices"][0]["delta"] == {"function_call": {"name": "f", "arguments": ""}}
    assert streamed[-1]["choices"][0]["finish_reason"] == "function_call"


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"messages": 3}, "openai request: messages: expected a JSON array, found int"),
        ({"messages": [{"role": "user", "content": 3}]}, "messages[0].content must be a string or a list of parts"),
        ({"messages": [{"role": "poet", "content": "x"}]}, "messages[0].role must be one of user"),
        ({"messages": [{"role": ["user"]}]}, "messages[0].role must be one of user"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text must be"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content[0]: expected a JSON object"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id must be a string"),
        ({"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {}}]}]}, "function.name must be"),
        ({"temperature": "hot"}, "openai request: temperature must be a number, found str"),
        ({"n": True}, "openai request: n must be an integer, found bool"),
        ({"stop": [1]}, "openai request: stop must be a string, found int"),
        ({"tools": [{"type": "function"}]}, "openai request: tools[0].function: expected a JSON object"),
        ({"tools": {}}, "openai request: tools: expected a JSON array, found dict"),
        ({"tool_choice": "sometimes"}, "openai request: tool_choice must be none, auto, required or an object"),
        ({"response_format": "json"}, "openai request: response_format: expected a JSON object, found str"),
        ({"max_tokens": "many"}, "openai request: max_tokens must be an integer, found str"),
    ],
)
def test_a_malformed_request_is_named(body: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadWire) as raised:
        decode_request(wire(**body))
    assert sentence in str(raised.value)


@pytest.mark.parametrize(
    ("asking", "lost", "matters"),
    [
        (replace(ASKED, top_k=5), ["top_k"], "tuning"),
        (replace(ASKED, temperature=3.0), ["temperature"], "tuning"),
        (replace(ASKED, stop_sequences=("a", "b", "c", "d", "e")), ["stop_sequences[4]"], "meaning"),
        (replace(ASKED, service_tier="standard"), ["service_tier"], "tuning"),
        (replace(ASKED, metadata={"k" * 65: "v", "k": "v"}), [f"metadata.{'k' * 65}"], "tuning"),
        (replace(ASKED, model="o3", reasoning=ReasoningOptions(budget_tokens=4000)), ["reasoning"], "tuning"),
        (
            replace(ASKED, model="o3", reasoning=ReasoningOptions(effort="low", budget_tokens=9, include_text=True)),
            ["reasoning.budget_tokens", "reasoning.include_text"],
            "tuning",
        ),
        (replace(ASKED, tools=(OpaqueTool(issuer="anthropic", value={}),)), ["tools[0]"], "meaning"),
        (replace(ASKED, tools=(replace(WEATHER, cache="5m"),)), ["tools[0].cache"], "tuning"),
        (replace(ASKED, tool_choice=ToolChoice(mode="required")), ["tool_choice"], "tuning"),
        (said(Blob(modality="video", media_type="video/mp4", data="aGk=")), ["messages[1].parts[0]"], "meaning"),
        (said(Uri(modality="document", uri="https://x.org/a.pdf")), ["messages[1].parts[0]"], "meaning"),
        (said(Uri(modality="image", uri="gs://bucket/a.png")), ["messages[1].parts[0]"], "meaning"),
        (said(File(modality="document", file_id="f", issuer="anthropic")), ["messages[1].parts[0]"], "meaning"),
        (said(Opaque(issuer="gemini", value={})), ["messages[1].parts[0]"], "meaning"),
        (
            said(Blob(modality="document", media_type="text/csv", data="YSxi", name="t")),
            ["messages[1].parts[0]"],
            "tuning",
        ),
        (
            said(Blob(modality="document", media_type="application/pdf", data="YSxi")),
            ["messages[1].parts[0].name"],
            "tuning",
        ),
        (
            said(Reasoning(text="hm", signature="s", issuer="anthropic"), Text(text="x"), role="assistant"),
            ["messages[1].parts[0]"],
            "tuning",
        ),
        (said(ToolCall(id="c", name="f"), Text(text="after"), role="assistant"), ["messages[1]"], "tuning"),
        (said(Text(text="a", cache="1h")), ["messages[1].parts[0].cache"], "tuning"),
    ],
)
def test_what_cannot_be_said_is_reported(asking: Request, lost: list[str], matters: str) -> None:
    losses = law_holds(asking)
    assert paths(losses) == lost
    assert {loss.matters for loss in losses} == {matters}


def test_an_error_result_says_so_in_its_text() -> None:
    result = ToolResult(call_id="c", content=(Text(text="no such city"),), is_error=True)
    request = Request(model="gpt-4o", messages=(Message(role="user", parts=(result,)),))
    path = "messages[0].parts[0]"
    assert paths(law_holds(request)) == [f"{path}.is_error", f"{path}.content"]
    assert encode_request(request).value.body["messages"][0]["content"] == "Error: no such city"


def test_a_results_image_moves_to_the_users_words() -> None:
    image = Blob(modality="image", media_type="image/png", data="aGk=")
    result = ToolResult(call_id="c", content=(Text(text="see"), image))
    request = Request(model="gpt-4o", messages=(Message(role="user", parts=(result, Text(text="so?"))),))
    assert law_holds(request) == (Loss(path="messages[0]", kind="emulated", matters="tuning"),)
    body = encode_request(request).value.body
    valid_request(body)
    assert [message["role"] for message in body["messages"]] == ["tool", "user"]
    assert [part["type"] for part in body["messages"][1]["content"]] == ["image_url", "text"]


def test_a_lost_video_inside_a_result_still_skips_the_target() -> None:
    video = Blob(modality="video", media_type="video/mp4", data="aGk=")
    request = Request(
        model="gpt-4o", messages=(Message(role="user", parts=(ToolResult(call_id="c", content=(video,)),)),)
    )
    assert paths(encode_request(request).losses, "meaning") == ["messages[0].parts[0].content[0]"]


def test_long_and_illegal_tool_names_are_mapped_back() -> None:
    names = ("x" * 80, "x" * 79 + "y", "a.b", "a_b")
    call = ToolCall(id="c", name="a.b", arguments="{}")
    request = Request(
        model="gpt-4o",
        messages=(*HELLO, Message(role="assistant", parts=(call,))),
        tools=tuple(Tool(name=name) for name in names),
        tool_choice=ToolChoice(mode="required", names=("a.b",)),
    )
    assert law_holds(request) == ()
    encoded = encode_request(request).value
    sent = [tool["function"]["name"] for tool in encoded.body["tools"]]
    assert len(set(sent)) == 4
    assert all(len(name) <= 64 for name in sent)
    assert encoded.renamed_tools == {name: caller for name, caller in zip(sent, names, strict=True) if name != caller}


def test_long_call_ids_stay_paired_within_forty_characters() -> None:
    call = ToolCall(id="toolu_" + "x" * 60, name="f", arguments="{}")
    result = ToolResult(call_id=call.id, content=(Text(text="1"),))
    turns = (*HELLO, Message(role="assistant", parts=(call,)), Message(role="user", parts=(result,)))
    messages = encode_request(Request(model="gpt-4o", messages=turns)).value.body["messages"]
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]
    assert len(messages[2]["tool_call_id"]) <= 40


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4o", "max_completion_tokens"),
        ("gpt-6.2-mini", "max_completion_tokens"),
        ("o3", "max_completion_tokens"),
        ("chatgpt-4o-latest", "max_completion_tokens"),
        ("llama-3.3-70b", "max_tokens"),
    ],
)
def test_the_token_limit_is_spelled_as_the_model_needs(model: str, name: str) -> None:
    body = encode_request(replace(ASKED, model=model, max_tokens=7)).value.body
    assert body[name] == 7
    assert ("max_tokens" in body) == (name == "max_tokens")


def test_the_new_spelling_survives_on_a_server_that_would_get_the_old_one() -> None:
    body = again(wire("my-deployment", max_completion_tokens=7))
    assert body["max_completion_tokens"] == 7
    assert "max_tokens" not in body


@pytest.mark.parametrize("model", ["gpt-5", "gpt-5.4", "gpt-6.2", "o3", "o4-mini"])
def test_reasoning_models_keep_their_sampling(model: str) -> None:
    assert paths(law_holds(replace(ASKED, model=model, temperature=0.2, top_p=1.0))) == ["temperature"]
    assert paths(law_holds(replace(ASKED, model=model, stop_sequences=("x",))), "meaning") == ["stop_sequences"]


@pytest.mark.parametrize(
    ("model", "asked", "sent"),
    [
        ("gpt-6.2", None, "none"),
        ("gpt-5.6-mini", "high", "none"),
        ("gpt-5.4", "high", None),
        ("gpt-5.4", None, None),
        ("gpt-5", "high", "high"),
        ("gpt-4o", "high", None),
        ("some-model", "high", "high"),
    ],
)
def test_tools_and_reasoning_are_kept_apart_where_the_model_demands_it(
    model: str, asked: Any, sent: str | None
) -> None:
    reasoning = ReasoningOptions(effort=asked) if asked else None
    request = replace(ASKED, model=model, tools=(WEATHER,), reasoning=reasoning)
    assert paths(law_holds(request)) == ([] if asked == sent else ["reasoning"])
    assert encode_request(request).value.body.get("reasoning_effort") == sent


def test_cache_marks_are_breakpoints_on_models_that_have_them() -> None:
    request = replace(ASKED, model="gpt-5.6", system=(Text(text="long", cache="5m"),))
    assert paths(law_holds(request)) == ["system[0].cache"]
    part = encode_request(request).value.body["messages"][0]["content"][0]
    assert part["prompt_cache_breakpoint"] == {"mode": "explicit", "ttl": "30m"}


def test_a_compatible_servers_thoughts_go_back_to_it_and_not_to_openai() -> None:
    parts = (Reasoning(text="hm", issuer="openai"), Text(text="x"))
    turns = (*HELLO, Message(role="assistant", parts=parts), *HELLO)
    assert law_holds(Request(model="deepseek-v4", messages=turns)) == ()
    assert paths(law_holds(Request(model="gpt-5", messages=turns))) == ["messages[1].parts[0]"]


def test_a_target_is_always_asked_for_usage_and_the_caller_sees_it_only_if_it_asked() -> None:
    quiet = decode_request(wire(stream=True))
    assert encode_request(quiet).value.body["stream_options"] == {"include_usage": True}
    response = Response(id="r", model="m", candidates=(Candidate(),), usage=Usage(input_tokens=1, output_tokens=2))
    assert not any("usage" in frame for frame in chunks(response, quiet))
    asked = decode_request(wire(stream=True, stream_options={"include_usage": True, "include_obfuscation": False}))
    assert encode_request(asked).value.body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    last = list(chunks(response, asked))[-1]
    assert (last["choices"], last["usage"]["total_tokens"]) == ([], 3)


@pytest.mark.parametrize(
    ("reason", "parts", "sent", "lossy"),
    [
        ("stop", (), "stop", False),
        ("stop_sequence", (), "stop", True),
        ("length", (), "length", False),
        ("context_window", (), "length", True),
        ("tool_calls", (ToolCall(id="c", name="f"),), "tool_calls", False),
        ("stop", (ToolCall(id="c", name="f"),), "tool_calls", True),
        ("length", (ToolCall(id="c", name="f"),), "length", False),
        ("content_filter", (), "content_filter", False),
        ("guardrail", (), "content_filter", True),
        ("refusal", (Refusal(text="no"),), "stop", False),
        ("refusal", (), "content_filter", True),
        ("pause", (), "stop", True),
        ("malformed", (), "stop", True),
        ("other", (), "stop", True),
        (None, (), "stop", True),
    ],
)
def test_finish_reasons(reason: FinishReason | None, parts: tuple[Part, ...], sent: str, lossy: bool) -> None:
    response = Response(id="r", model="m", created=1, candidates=(Candidate(parts=parts, finish_reason=reason),))
    encoded = encode_response(response, ASKED)
    assert encoded.value["choices"][0]["finish_reason"] == sent
    assert paths(encoded.losses) == (["candidates[0].finish_reason"] if lossy else [])
    assert [f["choices"][0]["finish_reason"] for f in chunks(response)][-1] == sent


@pytest.mark.parametrize(
    ("reason", "message", "canonical"),
    [
        ("stop", {"content": "x"}, "stop"),
        ("stop", {"tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]}, "tool_calls"),
        ("stop", {"tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f"}}]}, "tool_calls"),
        ("function_call", {"function_call": {"name": "f", "arguments": "{}"}}, "tool_calls"),
        ("stop", {"refusal": "no"}, "refusal"),
        ("eos", {"content": "x"}, "other"),
        (None, {"content": "x"}, None),
    ],
)
def test_content_decides_the_reason_first(reason: Any, message: dict[str, Any], canonical: Any) -> None:
    body = {"id": "r", "created": 1, "choices": [{"index": 0, "finish_reason": reason, "message": message}]}
    candidate = decode_response(body, "m").candidates[0]
    assert candidate.finish_reason == canonical
    delta = {**message}
    for number, call in enumerate(delta.get("tool_calls", ())):
        call["index"] = number
    chunk = {"id": "r", "choices": [{"index": 0, "finish_reason": reason, "delta": delta}]}
    assert fold(StreamDecoder("m").feed(chunk)).candidates[0].finish_reason == canonical


def test_usage_totals_include_cache_and_reasoning() -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "total_tokens": 150,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 20, "audio_tokens": 3, "image_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 2, "accepted_prediction_tokens": 1},
    }
    body = {"id": "r", "created": 1, "model": "m", "choices": [], "usage": usage}
    response = decode_response(body, "m")
    assert response.usage == Usage(
        input_tokens=100,
        output_tokens=50,
        cache_read_tokens=60,
        cache_creation_tokens=20,
        reasoning_tokens=30,
        input_audio_tokens=3,
        output_audio_tokens=2,
        provider_fields={
            "openai": {
                "prompt_tokens_details": {"image_tokens": 4},
                "completion_tokens_details": {"accepted_prediction_tokens": 1},
            }
        },
    )
    assert encode_response(response, ASKED).value["usage"] == usage


def test_usage_in_the_callers_shape_is_complete_even_where_the_provider_was_silent() -> None:
    encoded = encode_response(Response(id="r", model="m", created=1, candidates=(), usage=Usage()), ASKED)
    parsed = ChatCompletion.model_validate(encoded.value)
    assert parsed.usage is not None
    assert parsed.usage.total_tokens == 0
    assert parsed.usage.prompt_tokens_details is not None
    assert paths(encoded.losses) == ["usage.input_tokens", "usage.output_tokens"]


def test_thoughts_ride_along_as_reasoning_content() -> None:
    thought = Reasoning(text="hm", signature="s", issuer="anthropic")
    response = Response(id="r", model="m", created=1, candidates=(Candidate(parts=(thought, Text(text="x"))),))
    encoded = encode_response(response, ASKED)
    message = ChatCompletion.model_validate(encoded.value).choices[0].message
    assert (message.content, message.model_extra) == ("x", {"reasoning_content": "hm"})
    path = "candidates[0].parts[0]"
    assert {f"{path}.signature"} <= set(paths(encoded.losses))
    assert decode_response(encoded.value, "m").candidates[0].parts[0] == Reasoning(text="hm", issuer="openai")


def test_a_picture_in_an_answer_is_a_loss_of_meaning() -> None:
    image = Blob(modality="image", media_type="image/png", data="aGk=")
    response = Response(id="r", model="m", created=1, candidates=(Candidate(parts=(image,)),))
    assert paths(encode_response(response, ASKED).losses, "meaning") == ["candidates[0].parts[0]"]
    encoder = StreamEncoder(ASKED)
    list(told(encoder, response))
    assert paths(encoder.losses, "meaning") == ["candidates[0].parts[0]"]


def test_geminis_logprobs_are_respelt() -> None:
    chosen = [{"token": "a", "tokenId": 3, "logProbability": -0.1}, {"token": "b", "logProbability": -0.2}]
    rivals = [{"candidates": [{"token": "a", "logProbability": -0.1}, {"token": "c", "logProbability": -2.0}]}]
    foreign = Candidate(finish_reason="stop", logprobs={"chosenCandidates": chosen, "topCandidates": rivals})
    encoded = encode_response(Response(id="r", model="m", created=1, candidates=(foreign,)), ASKED)
    assert [(loss.path, loss.kind) for loss in encoded.losses] == [("candidates[0].logprobs", "approximated")]
    told = ChatCompletion.model_validate(encoded.value).choices[0].logprobs
    assert told
    assert told.content
    assert [(token.token, token.logprob) for token in told.content] == [("a", -0.1), ("b", -0.2)]
    assert [[top.token for top in token.top_logprobs] for token in told.content] == [["a", "c"], []]


@pytest.mark.parametrize("logprobs", [{"another": []}, [1], {"chosenCandidates": 1}, {"chosenCandidates": [{}]}])
def test_logprobs_that_are_nobodys_are_dropped(logprobs: Any) -> None:
    foreign = Candidate(finish_reason="stop", logprobs=logprobs)
    encoded = encode_response(Response(id="r", model="m", created=1, candidates=(foreign,)), ASKED)
    assert paths(encoded.losses) == ["candidates[0].logprobs"]
    assert encoded.value["choices"][0]["logprobs"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": "x"},
        {"choices": [3]},
        {"choices": [{"index": 0}]},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": {"tool_calls": [{"type": "function", "function": {"name": 3}}]}}]},
        {"choices": [], "usage": {"prompt_tokens": "many"}},
        {"choices": [], "usage": []},
        {"choices": [], "id": 3},
    ],
)
def test_a_malformed_answer_is_named(body: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="openai response"):
        decode_response(body, "m")


def told(encoder: StreamEncoder, response: Response) -> Iterator[dict[str, Any]]:
    for event in unfold(response):
        yield from encoder.feed(event)
    yield from encoder.close()


def chunks(response: Response, request: Request = ASKED) -> Iterator[dict[str, Any]]:
    """The frames of `response`, streamed."""
    return told(StreamEncoder(request), response)


def streamed(frames: list[dict[str, Any]]) -> httpx2.Response:
    content = b"".join(map(CODEC.frame, frames)) + CODEC.end
    return httpx2.Response(200, content=content, headers={"content-type": CODEC.stream_content_type})


def heard(*choices: dict[str, Any], **top: Any) -> list[Event]:
    """The events of chunks with one choice each."""
    decoder = StreamDecoder("m")
    frames = [{"id": "r", "model": "m", "created": 7, "choices": [{"index": 0, **choice}], **top} for choice in choices]
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


def test_a_stream_of_text_and_calls_gives_these_events() -> None:
    one = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}}
    two = {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}}
    events = heard(
        {"delta": {"role": "assistant", "content": ""}},
        {"delta": {"content": "So"}},
        {"delta": {"tool_calls": [one]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"a"'}}]}},
        {"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}},
        {"delta": {"tool_calls": [two]}},
        {"delta": {}, "finish_reason": "tool_calls"},
    )
    assert events == [
        Started(id="r", model="m", created=7),
        PartStarted(index=0, part=Text(text="")),
        TextDelta(index=0, text="So"),
        PartEnded(index=0),
        PartStarted(index=1, part=ToolCall(id="c1", name="f")),
        ArgumentsDelta(index=1, arguments='{"a"'),
        ArgumentsDelta(index=1, arguments=":1}"),
        PartEnded(index=1),
        PartStarted(index=2, part=ToolCall(id="c2", name="g")),
        ArgumentsDelta(index=2, arguments="{}"),
        PartEnded(index=2),
        Finished(finish_reason="tool_calls"),
    ]


def test_text_in_the_last_chunk_is_not_lost() -> None:
    events = heard({"delta": {"content": "Hello"}}, {"delta": {"content": " world"}, "finish_reason": "stop"})
    assert fold(events).candidates[0].parts == (Text(text="Hello world"),)


def test_usage_in_every_chunk_is_cumulative_not_added_up() -> None:
    frames = [
        {"id": "r", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": count}} for count in (1, 2, 3)
    ]
    decoder = StreamDecoder("m")
    events = [event for frame in frames for event in decoder.feed(frame)]
    assert fold(events).usage == Usage(input_tokens=10, output_tokens=3)
    encoder = StreamEncoder(ASKED)
    frames = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    assert [frame["usage"]["completion_tokens"] for frame in frames if "usage" in frame] == [3]


def test_a_first_chunk_without_an_id_waits_for_the_one_that_has_it() -> None:
    decoder = StreamDecoder("m")
    assert decoder.feed({"id": "", "model": "", "created": 0, "choices": [], "prompt_filter_results": [1]}) == []
    started = decoder.feed({"id": "r", "model": "gpt-4o", "created": 7, "choices": []})
    fields = {"openai": {"prompt_filter_results": [1]}}
    assert started == [Started(id="r", model="gpt-4o", created=7, provider_fields=fields)]


def test_a_custom_tools_call_is_said_whole() -> None:
    custom = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "g", "input": "4 "}}
    after = {"index": 1, "id": "d", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    events = heard(
        {"delta": {"tool_calls": [custom]}},
        {"delta": {"tool_calls": [{"index": 0, "custom": {"input": "+ 4"}}]}},
        {"delta": {"tool_calls": [after]}},
        {"delta": {}, "finish_reason": "tool_calls"},
    )
    value = {"id": "c", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}}
    call = ToolCall(id="d", name="f", arguments="{}")
    assert fold(events).candidates[0].parts == (Opaque(issuer="openai", value=value), call)
    assert [event.index for event in events if isinstance(event, PartStarted)] == [0, 1]


def test_calls_that_share_an_index_stay_two() -> None:
    calls = [{"index": 0, "id": i, "function": {"name": "f", "arguments": "{}"}} for i in ("a", "b")]
    events = heard(*({"delta": {"tool_calls": [call]}} for call in calls), {"delta": {}, "finish_reason": "stop"})
    assert [part.id for part in fold(events).candidates[0].parts if isinstance(part, ToolCall)] == ["a", "b"]


def test_spoken_answers_are_gathered() -> None:
    events = heard(
        {"delta": {"audio": {"id": "a", "transcript": "be"}}},
        {"delta": {"audio": {"data": "aGk=", "transcript": "ep"}}},
        {"delta": {}, "finish_reason": "stop"},
    )
    audio = {"id": "a", "transcript": "beep", "data": "aGk="}
    assert fold(events).candidates[0].parts == (Opaque(issuer="openai", value={"audio": audio}),)


def test_logprobs_of_all_chunks_are_joined() -> None:
    events = heard(
        {"delta": {"content": "a"}, "logprobs": {"content": [1], "refusal": None}},
        {"delta": {"content": "b"}, "logprobs": {"content": [2]}},
        {"delta": {}, "finish_reason": "stop", "logprobs": None},
    )
    assert fold(events).candidates[0].logprobs == {"content": [1, 2]}


def test_a_stream_that_was_cut_has_no_finish() -> None:
    assert not any(isinstance(event, Finished) for event in heard({"delta": {"content": "a"}}))
    assert not CODEC.terminal.search(b'data: {"choices":[{"delta":{"content":"\\"finish_reason\\":\\"stop\\""}}]}\n\n')
    assert not CODEC.terminal.search(b'data: {"choices":[{"finish_reason":null,"delta":{"content":"data: [DONE]"}}]}\n')
    assert not CODEC.terminal.search(b"\n\ndata: [DONE]\n\n")  # some servers send it after a cut, too


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message_start"},
        {"choices": 3},
        {"choices": [3]},
        {"choices": [{"index": "a"}]},
        {"choices": [{"delta": {"content": 3}}]},
        {"choices": [{"delta": {"tool_calls": {}}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": {"name": 3}}]}}]},
        {"choices": [], "usage": 3},
    ],
)
def test_a_malformed_chunk_is_named(frame: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="openai stream"):
        StreamDecoder("m").feed(frame)


def test_the_sdk_reads_our_stream_as_its_own() -> None:
    call = ToolCall(id="c1", name="weather", arguments='{"city":"Sofia"}')
    response = Response(
        id="r",
        model="claude",
        created=7,
        candidates=(
            Candidate(parts=(Text(text="Hi"), call, replace(call, id="c2", arguments="")), finish_reason="tool_calls"),
        ),
        usage=Usage(input_tokens=3, output_tokens=5),
    )
    reply = streamed(list(chunks(response)))
    with sdk(reply).chat.completions.stream(model="m", messages=[]) as stream:
        final = stream.get_final_completion()
    message = final.choices[0].message
    assert (final.id, final.model, final.created, message.content) == ("r", "claude", 7, "Hi")
    assert [(c.id, c.function.arguments) for c in message.tool_calls or ()] == [
        ("c1", '{"city":"Sofia"}'),
        ("c2", "{}"),
    ]
    assert final.choices[0].finish_reason == "tool_calls"
    assert final.usage is not None
    assert final.usage.total_tokens == 8


def test_a_failure_inside_a_stream_raises_the_sdks_bare_error() -> None:
    encoder = StreamEncoder(ASKED)
    frames = encoder.feed(Started(id="r", model="m"))
    frames += encoder.feed(UsageReported(usage=Usage(input_tokens=1)))
    frames += encoder.feed(Failed(failure=Failure(kind="overloaded", message="sk-secret")))
    frames += encoder.close()
    with pytest.raises(openai.APIError) as raised:
        list(sdk(streamed(frames)).chat.completions.create(model="m", messages=[], stream=True))
    assert type(raised.value) is openai.APIError
    assert raised.value.code == "slow_down"
    assert "secret" not in str(raised.value)


def test_an_error_chunk_is_a_failure_and_nothing_follows_it() -> None:
    decoder = StreamDecoder("m")
    (failed,) = decoder.feed({"error": {"message": "Sorry", "type": "server_error", "param": None, "code": None}})
    failure = Failure(kind="server", code="server_error", message="Sorry")
    assert failed == Failed(failure=failure)
    assert decoder.feed({"id": "r", "choices": [], "usage": {"prompt_tokens": 0}}) == []


def error(status: int, code: Any = None, kind: str | None = None, message: str = "", **headers: str) -> ErrorReply:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return ErrorReply(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body
    )


@pytest.mark.parametrize(
    ("reply", "kind", "wait"),
    [
        (error(429, "rate_limit_exceeded", "requests", retry_after="20", retry_after_ms="19500"), "rate_limit", 19.5),
        (error(429, "rate_limit_exceeded", "tokens", "Please try again in 1m20.5s. Visit"), "rate_limit", 80.5),
        (error(429, "rate_limit_exceeded", "tokens", "Please try again in 250ms."), "rate_limit", 0.25),
        (error(429, "rate_limit_exceeded", "tokens", "Request too large for gpt-5-nano"), "context_overflow", None),
        (error(429, "insufficient_quota", "insufficient_quota"), "quota_exhausted", None),
        (error(429, None, "insufficient_quota"), "quota_exhausted", None),
        (error(429, "project_spend_limit_exceeded"), "quota_exhausted", None),
        (error(429, "slow_down"), "overloaded", None),
        (error(503, None, "server_error"), "overloaded", None),
        (error(500, None, "server_error"), "server", None),
        (error(502, 502, "cf_bad_gateway"), "server", None),
        (error(408), "timeout", None),
        (error(409), "server", None),
        (error(400, "context_length_exceeded", "invalid_request_error"), "context_overflow", None),
        (error(400, None, None, "This model's maximum context length is 8192 tokens."), "context_overflow", None),
        (error(400, "content_filter"), "content_policy", None),
        (error(400, "invalid_prompt", "invalid_request_error"), "content_policy", None),
        (error(400, "unsupported_parameter", "invalid_request_error"), "bad_request", None),
        (error(401, "invalid_api_key"), "auth", None),
        (error(403, "unsupported_country_region_territory"), "permission", None),
        (error(404, "model_not_found"), "not_found", None),
        (ErrorReply(status=503, body="upstream connect error"), "overloaded", None),
        (ErrorReply(status=502, body="<html>Bad gateway</html>"), "server", None),
        (ErrorReply(status=500), "server", None),
        (ErrorReply(status=400, body={"error": "too bad"}), "bad_request", None),
        (ErrorReply(status=400, body=[{"error": 3}]), "bad_request", None),
        (ErrorReply(status=404, body={"statusCode": 404, "message": "Resource not found"}), "not_found", None),
    ],
)
def test_an_errors_kind_and_wait(reply: ErrorReply, kind: FailureKind, wait: float | None) -> None:
    failure = decode_error(reply)
    assert (failure.kind, failure.retry_after_s, failure.status) == (kind, wait, reply.status)


@pytest.mark.parametrize(
    ("kind", "native"),
    [
        ("rate_limit", openai.RateLimitError),
        ("quota_exhausted", openai.RateLimitError),
        ("overloaded", openai.InternalServerError),
        ("server", openai.InternalServerError),
        ("timeout", openai.InternalServerError),
        ("connection", openai.InternalServerError),
        ("context_overflow", openai.BadRequestError),
        ("content_policy", openai.BadRequestError),
        ("auth", openai.AuthenticationError),
        ("permission", openai.PermissionDeniedError),
        ("not_found", openai.NotFoundError),
        ("bad_request", openai.BadRequestError),
        ("cancelled", openai.APIStatusError),
    ],
)
def test_a_failure_raises_the_sdks_own_class(kind: FailureKind, native: type[Exception]) -> None:
    reply = encode_error(Failure(kind=kind, retry_after_s=2, message="sk-secret"))
    answer = httpx2.Response(reply.status, json=reply.body, headers=dict(reply.headers))
    with pytest.raises(openai.APIStatusError) as raised:
        sdk(answer).chat.completions.create(model="m", messages=[])
    assert type(raised.value) is native
    assert "secret" not in str(raised.value)
    back = decode_error(reply)
    assert back.retry_after_s == 2
    assert back.kind == ("server" if kind == "connection" else kind)


@pytest.mark.parametrize("asks_usage", [True, False])
def test_what_a_stream_says_after_its_end_is_kept(asks_usage: bool) -> None:
    """The chunks' order is a recorded stream's (openai-chat-051): the end, the usage, the moderation."""
    c = codec("openai")
    base: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 5, "model": "m"}
    moderation = {"input": {"type": "moderation_results", "results": []}}
    decoder = c.stream_decoder("m")
    frames: list[dict[str, Any]] = [
        {**base, "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hi"}}]},
        {**base, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**base, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
        {**base, "choices": [], "usage": None, "moderation": moderation},
    ]
    events = [event for frame in frames for event in decoder.feed(frame)]
    whole = fold(events)
    assert whole.usage is not None
    assert (whole.usage.input_tokens, whole.provider_fields["openai"]["moderation"]) == (3, moderation)
    encoder = c.stream_encoder(Request(model="m", messages=(), stream=True, stream_usage=asks_usage))
    said = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    assert (said[-1]["moderation"], "usage" in said[-1]) == (moderation, asks_usage)
    other = codec("anthropic").stream_encoder(Request(model="m", messages=(), stream=True))
    for event in events:
        other.feed(event)
    other.close()
    assert "provider_fields.openai.moderation" in {loss.path for loss in other.losses}
