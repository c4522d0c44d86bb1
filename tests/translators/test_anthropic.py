"""The codec of Anthropic's messages API: its tables, its emulations, and the real SDK as the judge of it all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from anthropic import Anthropic, APIStatusError
from anthropic import _exceptions as native
from anthropic.types import Message as NativeMessage
from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParams
from hypothesis import given
from pydantic import TypeAdapter

from spaturzu_translators import BadWire, codec
from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    SignatureDelta,
    Started,
    TextDelta,
    UsageReported,
    fold,
    unfold,
)
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind
from spaturzu_translators.json_schema import for_anthropic
from spaturzu_translators.loss import Encoded, Loss
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

C = codec("anthropic")
PARAMS: TypeAdapter[Any] = TypeAdapter(MessageCreateParams)
STREAM_EVENT: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
HELLO = Message(role="user", parts=(Text(text="hi"),))
ASKED = Request(model="claude-sonnet-5-5", messages=(HELLO,), max_tokens=4096)
LOOKUP = Tool(name="lookup", parameters={"type": "object", "properties": {"q": {"type": "string"}}})
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


def body_of(request: Request) -> dict[str, Any]:
    return C.encode_request(request).value.body


def lost(encoded: Encoded[Any]) -> dict[str, tuple[str, str]]:
    return {loss.path: (loss.kind, loss.matters) for loss in encoded.losses}


def law_holds(request: Request) -> dict[str, tuple[str, str]]:
    """The losses of encoding `request`, once the law of losses and the SDK's own types are checked."""
    encoded = C.encode_request(request)
    PARAMS.validate_python(encoded.value.body)
    assert not (wrong := unexplained(request, C.decode_request(encoded.value), encoded.losses)), wrong
    return lost(encoded)


def decoded(**body: Any) -> Request:
    return C.decode_request(WireRequest(body={"model": "claude-x", "max_tokens": 64, "messages": [], **body}, model=""))


def again(request: Request) -> dict[str, Any]:
    """Re-encoded for its own provider, where nothing of meaning may be lost."""
    encoded = C.encode_request(request)
    assert not [loss for loss in encoded.losses if loss.matters == "meaning"]
    return encoded.value.body


@given(request=requests())
def test_every_encoded_request_is_of_the_sdks_own_type(request: Request) -> None:
    PARAMS.validate_python(body_of(request))


@given(response=responses())
def test_every_encoded_response_is_of_the_sdks_own_type(response: Response) -> None:
    NativeMessage.model_validate(C.encode_response(response, ASKED).value)


@given(response=responses())
def test_every_encoded_stream_is_of_the_sdks_own_types(response: Response) -> None:
    for frame in encoded_stream(unfold(response)):
        STREAM_EVENT.validate_python(frame)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"max_tokens": None}, {"max_tokens": ("emulated", "tuning")}),
        (
            {"temperature": 0.2, "top_p": 0.9, "top_k": 4},
            dict.fromkeys(("temperature", "top_p", "top_k"), ("dropped", "tuning")),
        ),
        (
            {"seed": 1, "frequency_penalty": 0.5, "presence_penalty": 0.0},
            dict.fromkeys(("seed", "frequency_penalty", "presence_penalty"), ("dropped", "tuning")),
        ),
        ({"candidate_count": 1}, {"candidate_count": ("dropped", "tuning")}),
        ({"candidate_count": 2}, {"candidate_count": ("dropped", "meaning")}),
        ({"logprobs": True, "top_logprobs": 3}, dict.fromkeys(("logprobs", "top_logprobs"), ("dropped", "meaning"))),
        ({"user": "u1"}, {}),
        ({"metadata": {"team": "a"}}, {"metadata": ("dropped", "tuning")}),
        ({"service_tier": "flex"}, {"service_tier": ("dropped", "tuning")}),
        ({"stop_sequences": ("END", "\n")}, {"stop_sequences[1]": ("dropped", "meaning")}),
        ({"stream": True}, {}),
        (
            {"response_format": ResponseFormat(type="json_object")},
            dict.fromkeys(("response_format", "system"), ("emulated", "tuning")),
        ),
        ({"response_format": ResponseFormat(type="json_schema", schema=SCHEMA)}, {}),
        (
            {
                "response_format": ResponseFormat(
                    type="json_schema", schema=SCHEMA, name="n", description="d", strict=True
                )
            },
            dict.fromkeys(("response_format.name", "response_format.description"), ("dropped", "tuning")),
        ),
        (
            {"response_format": ResponseFormat(type="json_schema", schema={"type": "object", "properties": {}})},
            {"response_format.schema": ("approximated", "tuning")},
        ),
        (
            {
                "response_format": ResponseFormat(
                    type="json_schema", schema={"type": "object", "additionalProperties": {"type": "string"}}
                )
            },
            {"response_format.schema": ("approximated", "meaning")},
        ),
        (
            {"response_format": ResponseFormat(type="json_schema", schema={"title": "anything"})},
            {"response_format": ("dropped", "meaning")},
        ),
    ],
)
def test_what_this_wire_cannot_say_is_reported(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    assert law_holds(replace(ASKED, **changes)) == expected


@pytest.mark.parametrize(
    ("options", "thinking", "effort", "expected"),
    [
        (ReasoningOptions(effort="none"), {"type": "disabled"}, None, {}),
        (
            ReasoningOptions(effort="minimal"),
            {"type": "adaptive"},
            "low",
            {"reasoning.effort": ("approximated", "tuning")},
        ),
        (ReasoningOptions(effort="low"), {"type": "adaptive"}, "low", {}),
        (ReasoningOptions(effort="max", include_text=True), {"type": "adaptive", "display": "summarized"}, "max", {}),
        (
            ReasoningOptions(include_text=True),
            {"type": "adaptive", "display": "summarized"},
            "high",
            {"reasoning.effort": ("approximated", "tuning")},
        ),
        (ReasoningOptions(budget_tokens=2000), {"type": "enabled", "budget_tokens": 2000}, None, {}),
        (
            ReasoningOptions(budget_tokens=100),
            {"type": "enabled", "budget_tokens": 1024},
            None,
            {"reasoning.budget_tokens": ("approximated", "tuning")},
        ),
        (
            ReasoningOptions(budget_tokens=9000),
            {"type": "enabled", "budget_tokens": 4095},
            None,
            {"reasoning.budget_tokens": ("approximated", "tuning")},
        ),
        (ReasoningOptions(budget_tokens=0), {"type": "disabled"}, None, {"reasoning": ("approximated", "tuning")}),
        (
            ReasoningOptions(budget_tokens=-1),
            {"type": "adaptive"},
            "high",
            {"reasoning.budget_tokens": ("dropped", "tuning"), "reasoning.effort": ("approximated", "tuning")},
        ),
        (ReasoningOptions(), None, None, {"reasoning": ("dropped", "tuning")}),
    ],
)
def test_reasoning_is_said_as_thinking_and_effort(
    options: ReasoningOptions, thinking: Any, effort: str | None, expected: dict[str, Any]
) -> None:
    request = replace(ASKED, model="claude-opus-4-6", reasoning=options)
    assert law_holds(request) == expected
    body = body_of(request)
    assert (body.get("thinking"), body.get("output_config", {}).get("effort")) == (thinking, effort)


def test_an_old_claude_gets_a_budget_for_an_effort() -> None:
    request = replace(ASKED, model="claude-haiku-4-5-20251001", reasoning=ReasoningOptions(effort="low"))
    assert law_holds(request) == {"reasoning": ("approximated", "tuning")}
    assert body_of(request)["thinking"] == {"type": "enabled", "budget_tokens": 2048}
    small = replace(request, max_tokens=500)
    assert law_holds(small) == {"reasoning": ("dropped", "tuning")}


def test_a_thinking_budget_stays_below_a_default_limit() -> None:
    asked = ReasoningOptions(budget_tokens=10_000)
    body = body_of(replace(ASKED, model="claude-opus-4-6", max_tokens=None, reasoning=asked))
    assert body["thinking"]["budget_tokens"] == 10_000 < body["max_tokens"] <= 21333


@pytest.mark.parametrize("names", [(), ("lookup",)])
@pytest.mark.parametrize("options", [ReasoningOptions(effort="high"), ReasoningOptions(budget_tokens=2000)])
def test_a_forced_tool_never_meets_thinking(names: tuple[str, ...], options: ReasoningOptions) -> None:
    choice = ToolChoice(mode="required", names=names)
    request = replace(ASKED, tools=(LOOKUP,), tool_choice=choice, reasoning=options)
    assert "thinking" not in body_of(request)
    law_holds(request)


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        (ToolChoice(mode="auto"), None, {"type": "auto"}),
        (ToolChoice(mode="none"), None, {"type": "none"}),
        (ToolChoice(mode="required"), None, {"type": "any"}),
        (ToolChoice(mode="required", names=("lookup",)), None, {"type": "tool", "name": "lookup"}),
        (ToolChoice(mode="auto"), True, {"type": "auto", "disable_parallel_tool_use": False}),
        (ToolChoice(mode="required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="none"), True, {"type": "none"}),
    ],
)
def test_tool_choice_also_says_whether_calls_may_be_parallel(
    choice: ToolChoice | None, parallel: bool | None, expected: Any
) -> None:
    request = replace(ASKED, tools=(LOOKUP,), tool_choice=choice, parallel_tool_calls=parallel)
    law_holds(request)
    assert body_of(request).get("tool_choice") == expected


def test_a_choice_among_several_tools_leaves_the_others_out() -> None:
    tools = tuple(replace(LOOKUP, name=name) for name in ("a", "b", "c"))
    request = replace(ASKED, tools=tools, tool_choice=ToolChoice(mode="required", names=("a", "c")))
    assert law_holds(request) == {"tool_choice.names": ("emulated", "tuning"), "tools[1]": ("emulated", "tuning")}
    body = body_of(request)
    assert ([tool["name"] for tool in body["tools"]], body["tool_choice"]) == (["a", "c"], {"type": "any"})


CALL = Message(role="assistant", parts=(ToolCall(id="call.1", name="lookup", arguments='{"q": "x"}'),))


def answer(*content: Any, is_error: bool = False) -> Message:
    result = ToolResult(call_id="call.1", name="lookup", content=content, is_error=is_error)
    return Message(role="user", parts=(result,))


def test_a_history_with_calls_never_goes_without_tools() -> None:
    request = replace(ASKED, messages=(HELLO, CALL, answer(Text(text="42"))))
    assert law_holds(request) == dict.fromkeys(("tools", "tool_choice"), ("emulated", "tuning"))
    body = body_of(request)
    assert [tool["name"] for tool in body["tools"]] == ["lookup"]
    assert body["tool_choice"] == {"type": "none"}


def test_a_call_and_its_result_keep_one_legal_id() -> None:
    request = replace(ASKED, tools=(LOOKUP,), messages=(HELLO, CALL, answer(Text(text="42"))))
    _, call, result = body_of(request)["messages"]
    assert call["content"][0]["id"] == result["content"][0]["tool_use_id"] != "call.1"
    assert call["content"][0]["input"] == {"q": "x"}


@pytest.mark.parametrize("arguments", ['{"q": ', "[1]", "NaN", '{"q": NaN}'])
def test_arguments_that_are_no_object_stand_in_one_as_text(arguments: str) -> None:
    call = Message(role="assistant", parts=(ToolCall(id="call.1", name="lookup", arguments=arguments),))
    request = replace(ASKED, tools=(LOOKUP,), messages=(HELLO, call, answer(Text(text="42"))))
    assert law_holds(request) == {"messages[1].parts[0].arguments": ("emulated", "tuning")}
    assert body_of(request)["messages"][1]["content"][0]["input"] == {"_raw": arguments}


def test_a_tool_result_may_hold_an_image_and_an_error() -> None:
    image = Blob(modality="image", media_type="image/png", data="aGk=")
    request = replace(ASKED, tools=(LOOKUP,), messages=(HELLO, CALL, answer(Text(text="no"), image, is_error=True)))
    assert law_holds(request) == {}
    result = body_of(request)["messages"][2]["content"][0]
    assert (result["is_error"], result["content"][1]["source"]["media_type"]) == (True, "image/png")


def test_illegal_tool_names_are_changed_everywhere_and_given_back() -> None:
    tool, other = replace(LOOKUP, name="a.b/c"), replace(LOOKUP, name="x" * 140)
    call = Message(role="assistant", parts=(ToolCall(id="call.1", name="a.b/c"),))
    result = ToolResult(call_id="call.1", name="a.b/c", content=(Text(text="1"),))
    request = replace(
        ASKED,
        tools=(tool, other),
        messages=(HELLO, call, Message(role="user", parts=(result,))),
        tool_choice=ToolChoice(mode="required", names=("a.b/c",)),
    )
    assert law_holds(request) == {}
    wire = C.encode_request(request).value
    names = [tool["name"] for tool in wire.body["tools"]]
    assert wire.renamed_tools == {names[0]: "a.b/c", names[1]: "x" * 140}
    assert wire.body["messages"][1]["content"][0]["name"] == wire.body["tool_choice"]["name"] == names[0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text(text="x", cache="1h"), {}),
        (Text(text="x", cache="30m"), {".cache": ("approximated", "tuning")}),
        (Text(text=" "), {"": ("dropped", "tuning")}),
        (Blob(modality="image", media_type="image/jpg", data="aGk="), {".media_type": ("approximated", "tuning")}),
        (Blob(modality="image", media_type="image/tiff", data="aGk="), {"": ("dropped", "meaning")}),
        (Blob(modality="image", media_type="image/png", data="aGk=", name="a"), {".name": ("dropped", "tuning")}),
        (Blob(modality="document", media_type="application/pdf", data="aGk=", name="a", cache="5m"), {}),
        (Blob(modality="document", media_type="text/plain", data="aGk="), {}),
        (Blob(modality="document", media_type="text/csv", data="aGk="), {".media_type": ("emulated", "tuning")}),
        (Blob(modality="document", media_type="text/plain", data="/w=="), {"": ("dropped", "meaning")}),
        (Blob(modality="audio", media_type="audio/wav", data="aGk="), {"": ("dropped", "meaning")}),
        (Uri(modality="image", uri="https://a/b.png"), {}),
        (Uri(modality="image", uri="gs://a/b.png"), {"": ("dropped", "meaning")}),
        (Uri(modality="document", uri="https://a/b.pdf", media_type="application/pdf", name="t"), {}),
        (Uri(modality="document", uri="https://a/b.pdf"), {}),
        (Uri(modality="document", uri="https://a/b"), {".media_type": ("approximated", "tuning")}),
        (Uri(modality="video", uri="https://a/b.mp4"), {"": ("dropped", "meaning")}),
        (File(modality="image", file_id="f", issuer="anthropic"), {}),
        (File(modality="image", file_id="f", issuer="openai"), {"": ("dropped", "meaning")}),
        (Opaque(issuer="anthropic", value={"type": "container_upload", "file_id": "f"}), {}),
        (Opaque(issuer="gemini", value={}), {"": ("dropped", "meaning")}),
    ],
)
def test_user_parts_are_carried_or_reported(part: Part, expected: dict[str, Any]) -> None:
    request = replace(ASKED, messages=(Message(role="user", parts=(Text(text="look"), part)),))
    assert law_holds(request) == {f"messages[0].parts[1]{path}": loss for path, loss in expected.items()}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Reasoning(text="hm", signature="s", issuer="anthropic"), None),
        (Reasoning(text="", signature="s", issuer="anthropic"), None),
        (Reasoning(redacted="r", issuer="anthropic"), None),
        (Reasoning(text="hm", issuer="anthropic"), ("dropped", "tuning")),
        (Reasoning(text="hm", signature="s", issuer="bedrock"), ("dropped", "tuning")),
        (Reasoning(text="hm"), ("dropped", "tuning")),
        (Refusal(text="no"), ("emulated", "tuning")),
        (Blob(modality="image", media_type="image/png", data="aGk="), ("dropped", "meaning")),
    ],
)
def test_assistant_parts_are_replayed_only_to_their_issuer(part: Part, expected: Any) -> None:
    turn = Message(role="assistant", parts=(part, Text(text="yes")))
    losses = law_holds(replace(ASKED, messages=(HELLO, turn, HELLO)))
    assert losses == ({"messages[1].parts[0]": expected} if expected else {})


def test_an_unsigned_thought_has_no_issuer() -> None:
    block = {"type": "thinking", "thinking": "hm", "signature": ""}
    request = decoded(messages=[{"role": "user", "content": "a"}, {"role": "assistant", "content": [block]}])
    assert request.messages[1].parts == (Reasoning(text="hm"),)


def test_a_begun_answer_becomes_a_request_to_go_on() -> None:
    begun = replace(ASKED, messages=(HELLO, Message(role="assistant", parts=(Text(text="{"),))))
    assert law_holds(begun) == {"messages[1]": ("emulated", "tuning")}
    assert [message["role"] for message in body_of(begun)["messages"]] == ["user", "assistant", "user"]
    old = replace(begun, model="claude-haiku-4-5")
    assert law_holds(old) == {}
    paused = Opaque(issuer="anthropic", value={"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}})
    resumed = replace(ASKED, messages=(HELLO, Message(role="assistant", parts=(paused, Text(text="so")))))
    assert len(body_of(resumed)["messages"]) == 2


def test_a_system_message_in_the_middle_stays_there() -> None:
    middle = Message(role="system", parts=(Text(text="now in French"),))
    request = replace(ASKED, system=(Text(text="be brief"),), messages=(HELLO, middle, HELLO))
    assert law_holds(request) == {}
    body = body_of(request)
    assert (body["system"], body["messages"][1]) == ("be brief", {"role": "system", "content": "now in French"})


def test_strict_tools_keep_to_the_dialect_or_are_not_strict() -> None:
    limited = Tool(name="a", strict=True, parameters={**SCHEMA, "properties": {"a": {"type": "integer", "minimum": 1}}})
    open_ = Tool(name="b", strict=True, parameters={"type": "object", "additionalProperties": True})
    assert law_holds(replace(ASKED, tools=(limited, open_))) == {
        "tools[0].parameters": ("approximated", "tuning"),
        "tools[1].strict": ("dropped", "tuning"),
    }
    many = tuple(Tool(name=f"t{number}", strict=True, parameters=SCHEMA) for number in range(21))
    assert law_holds(replace(ASKED, tools=many)) == {"tools[20].strict": ("dropped", "tuning")}


def test_foreign_tools_and_fields_are_lost_with_a_report() -> None:
    request = replace(
        ASKED,
        tools=(OpaqueTool(issuer="openai", value={"type": "custom"}), LOOKUP),
        provider_fields={"openai": {"nobody_knows": 1}},
    )
    assert law_holds(request) == {
        "tools[0]": ("dropped", "meaning"),
        "provider_fields.openai.nobody_knows": ("dropped", "meaning"),
    }


@pytest.mark.parametrize(
    "body",
    [
        {"temperature": 0.2, "top_k": 3},
        {"thinking": {"type": "adaptive"}},
        {"thinking": {"type": "adaptive", "display": "omitted"}, "output_config": {"effort": "low"}},
        {"output_config": {"effort": "low"}},
        {"output_config": {"effort": "ultra"}},
        {"thinking": {"type": "enabled", "budget_tokens": 9000}},
        {"thinking": {"type": "between_tools"}},
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}},
        {
            "thinking": {"type": "adaptive"},
            "tools": [{"name": "f", "input_schema": {"type": "object"}}],
            "tool_choice": {"type": "any"},
        },
        {
            "output_config": {
                "format": {"type": "json_schema", "schema": {"type": "string", "minLength": 2}},
                "task_budget": {"total": 1},
            }
        },
        {"output_format": {"type": "json_schema", "schema": SCHEMA}},
        {"cache_control": {"type": "ephemeral"}, "speed": "fast", "container": "c", "future": {"a": 1}},
        {"metadata": {"user_id": "u", "more": 1}, "service_tier": "standard_only"},
        {"service_tier": "future"},
        {
            "tools": [
                {
                    "type": "web_search_20250305",
                    "name": "web_search",
                    "max_uses": 3,
                    "cache_control": {"type": "ephemeral", "ttl": "1h"},
                }
            ]
        },
        {
            "tools": [{"name": "f", "input_schema": {"type": "object"}, "defer_loading": True, "input_examples": [{}]}],
            "tool_choice": {"type": "future"},
        },
        {
            "system": [
                {"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}},
                {"type": "text", "text": "t"},
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "content", "content": [{"type": "text", "text": "x"}]},
                            "citations": {"enabled": True},
                            "context": "c",
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "document",
                            "source": {"type": "text", "media_type": "text/plain", "data": "é"},
                            "title": "t",
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "search_result",
                            "source": "https://a",
                            "title": "t",
                            "content": [{"type": "text", "text": "x"}],
                        }
                    ],
                }
            ]
        },
        {
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {
                            "type": "image",
                            "source": {"type": "file", "file_id": "f"},
                            "transformations": {"oversized_image": "downsize"},
                        }
                    ],
                }
            ]
        },
        {"messages": [{"role": "user", "content": [{"type": "future_block", "value": 1}]}]},
        {
            "messages": [
                {"role": "user", "content": "a"},
                {"role": "system", "content": "b"},
                {"role": "user", "content": "c"},
            ]
        },
    ],
)
def test_its_own_requests_come_back_as_they_were(body: dict[str, Any]) -> None:
    full = {"model": "claude-sonnet-5-5", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}], **body}
    assert again(C.decode_request(WireRequest(body=full, model="claude-sonnet-5-5"))) == full


def test_a_caller_of_another_provider_can_read_a_search_result() -> None:
    block = {"type": "search_result", "source": "https://a", "title": "t", "content": [{"type": "text", "text": "x"}]}
    (part,) = decoded(messages=[{"role": "user", "content": [block]}]).messages[0].parts
    assert isinstance(part, Text)
    assert part.text == "t (https://a)\nx"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"messages": None}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": [1]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [7]}]}, "messages[0].content[0]"),
        ({"messages": [{"role": "user", "content": [{}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": "x"}]}]}, "content[0].source"),
        ({"messages": [{"role": "user", "content": [{"type": "image", "source": {"type": "base64"}}]}]}, "media_type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "document", "title": 1, "source": {"type": "url"}}]}]},
            "title",
        ),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result"}]}]}, "tool_use_id"),
        (
            {
                "messages": [
                    {
                        "role": "user",
                        "content": [
                            {
                                "type": "tool_result",
                                "tool_use_id": "a",
                                "content": [{"type": "tool_use", "id": "a", "name": "b"}],
                            }
                        ],
                    }
                ]
            },
            "content",
        ),
        (
            {"messages": [{"role": "assistant", "content": [{"type": "thinking", "thinking": "a", "signature": 1}]}]},
            "signature",
        ),
        ({"messages": [{"role": "assistant", "content": [{"type": "redacted_thinking"}]}]}, "data"),
        ({"system": 5}, "system"),
        ({"system": [{"type": "image", "source": {"type": "url", "url": "u"}}]}, "system[0]"),
        ({"max_tokens": "5"}, "max_tokens"),
        ({"temperature": "hot"}, "temperature"),
        ({"top_k": 1.5}, "top_k"),
        ({"max_tokens": True}, "max_tokens"),
        ({"model": 5}, "model"),
        ({"service_tier": 5}, "service_tier"),
        ({"stop_sequences": "a"}, "stop_sequences"),
        ({"stop_sequences": [1]}, "stop_sequences[0]"),
        ({"tools": {}}, "tools"),
        ({"tools": [1]}, "tools[0]"),
        ({"tools": [{"name": "f"}]}, "tools[0].input_schema"),
        ({"tools": [{"name": 1, "input_schema": {}}]}, "tools[0].name"),
        ({"tools": [{"name": "f", "description": 1, "input_schema": {}}]}, "tools[0].description"),
        ({"tool_choice": "auto"}, "tool_choice"),
        ({"tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"metadata": "u"}, "metadata"),
        ({"metadata": {"user_id": 5}}, "metadata.user_id"),
        ({"thinking": "on"}, "thinking"),
        ({"thinking": {"type": "enabled"}}, "thinking.budget_tokens"),
        ({"output_config": 1}, "output_config"),
        ({"output_config": {"effort": 1}}, "output_config.effort"),
    ],
)
def test_a_malformed_request_is_named(body: dict[str, Any], words: str) -> None:
    with pytest.raises(BadWire) as raised:
        decoded(**body)
    assert words in str(raised.value)
    assert str(raised.value).startswith("anthropic request")


@pytest.mark.parametrize(
    ("schema", "expected", "matters"),
    [
        (SCHEMA, SCHEMA, None),
        (
            {"type": "object", "properties": {}},
            {"type": "object", "properties": {}, "additionalProperties": False},
            "tuning",
        ),
        (
            {"type": "integer", "minimum": 1, "description": "d"},
            {"type": "integer", "description": "d\n\n{minimum: 1}"},
            "tuning",
        ),
        ({"type": "string", "format": "email"}, {"type": "string", "format": "email"}, None),
        ({"type": "string", "format": "byte"}, {"type": "string", "description": '{format: "byte"}'}, "tuning"),
        ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}, None),
        ({"enum": ["a", None]}, {"enum": ["a", None]}, None),
        (
            {"type": ["integer", "null"], "minimum": 1},
            {"anyOf": [{"type": "integer", "description": "{minimum: 1}"}, {"type": "null"}]},
            "tuning",
        ),
        ({"oneOf": [{"type": "null"}, {"const": 1}]}, {"anyOf": [{"type": "null"}, {"const": 1}]}, "tuning"),
        ({"allOf": [{"type": "null"}]}, {"allOf": [{"type": "null"}]}, None),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 1},
            {"type": "array", "items": {"type": "null"}, "minItems": 1},
            None,
        ),
        ({"type": "array", "minItems": 3}, {"type": "array", "description": "{minItems: 3}"}, "tuning"),
        (
            {"$ref": "#/$defs/a", "description": "x", "$defs": {"a": {"type": "null"}}},
            {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}},
            "tuning",
        ),
        ({"$schema": "s", "type": "null"}, {"type": "null"}, "tuning"),
        (
            {"type": "object", "additionalProperties": {"type": "null"}},
            {"type": "object", "properties": {}, "additionalProperties": False},
            "meaning",
        ),
        (
            {"type": "object", "properties": {}, "additionalProperties": False, "patternProperties": {}},
            {
                "type": "object",
                "properties": {},
                "additionalProperties": False,
                "description": "{patternProperties: {}}",
            },
            "meaning",
        ),
    ],
)
def test_schemas_take_the_dialect_of_this_wire(schema: Any, expected: Any, matters: str | None) -> None:
    kept = json.dumps(schema)
    assert for_anthropic(schema) == (expected, matters)
    assert json.dumps(schema) == kept
    assert for_anthropic(expected) == (expected, None) or matters == "tuning"


@pytest.mark.parametrize(
    "schema", [{}, {"items": {"type": "null"}}, {"$ref": "#"}, {"anyOf": [True]}, {"type": "file"}]
)
def test_a_schema_with_no_near_form_is_refused(schema: Any) -> None:
    with pytest.raises(ValueError):
        for_anthropic(schema)


def reply(**changes: Any) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [{"type": "text", "text": "hi"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 5},
        **changes,
    }


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "refusal"),
        ("model_context_window_exceeded", "context_window"),
        ("a_future_reason", "other"),
        (None, None),
    ],
)
def test_stop_reasons_are_read(reason: str | None, finish: FinishReason | None) -> None:
    assert C.decode_response(reply(stop_reason=reason), "m").candidates[0].finish_reason == finish


@pytest.mark.parametrize(
    ("finish", "reason", "exact"),
    [
        ("stop", "end_turn", True),
        ("stop_sequence", "stop_sequence", True),
        ("length", "max_tokens", True),
        ("context_window", "model_context_window_exceeded", True),
        ("tool_calls", "tool_use", True),
        ("pause", "pause_turn", True),
        ("content_filter", "refusal", True),
        ("refusal", "refusal", True),
        ("guardrail", "refusal", False),
        ("malformed", "end_turn", False),
        ("other", "end_turn", False),
        (None, None, True),
    ],
)
def test_finish_reasons_are_written(finish: FinishReason | None, reason: str | None, exact: bool) -> None:
    response = Response(
        id="r", model="m", usage=Usage(input_tokens=1, output_tokens=1), candidates=(Candidate(finish_reason=finish),)
    )
    encoded = C.encode_response(response, ASKED)
    assert NativeMessage.model_validate(encoded.value).stop_reason == reason
    assert not (wrong := unexplained(response, C.decode_response(encoded.value, "m"), encoded.losses)), wrong
    assert (lost(encoded) == {}) is exact


def test_calls_decide_the_finish_reason_before_the_reason_does() -> None:
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}}
    (candidate,) = C.decode_response(reply(content=[call]), "m").candidates
    assert candidate.finish_reason == "tool_calls"
    parts = (ToolCall(id="t", name="f", arguments="{}"),)
    response = Response(id="r", model="m", candidates=(Candidate(parts=parts, finish_reason="stop"),))
    encoded = C.encode_response(response, ASKED)
    assert encoded.value["stop_reason"] == "tool_use"
    assert lost(encoded)["candidates[0].finish_reason"] == ("approximated", "tuning")


def test_a_refusal_with_details_is_the_filters_and_comes_back() -> None:
    details = {"type": "refusal", "category": "cyber", "explanation": "e"}
    body = reply(content=[], stop_reason="refusal", stop_details=details)
    response = C.decode_response(body, "m")
    assert response.candidates[0].finish_reason == "content_filter"
    assert C.encode_response(response, ASKED).value["stop_details"] == details


def test_input_tokens_include_what_the_cache_served_and_took() -> None:
    usage = {
        "input_tokens": 10,
        "cache_read_input_tokens": 100,
        "cache_creation_input_tokens": 7,
        "cache_creation": {"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 4},
        "output_tokens": 20,
        "output_tokens_details": {"thinking_tokens": 6},
        "service_tier": "standard",
    }
    response = C.decode_response(reply(usage=usage), "m")
    assert response.usage == Usage(
        input_tokens=117,
        output_tokens=20,
        cache_read_tokens=100,
        cache_creation_tokens=7,
        cache_creation_5m_tokens=3,
        cache_creation_1h_tokens=4,
        reasoning_tokens=6,
        provider_fields={"anthropic": {"service_tier": "standard"}},
    )
    assert C.encode_response(response, ASKED).value["usage"] == usage


@pytest.mark.parametrize(
    ("usage", "paths"),
    [
        (None, {"usage"}),
        (Usage(), {"usage.input_tokens", "usage.output_tokens"}),
        (Usage(input_tokens=5, output_tokens=1, cache_read_tokens=9), {"usage.input_tokens"}),
        (Usage(input_tokens=5, output_tokens=1, cache_creation_5m_tokens=2), {"usage.cache_creation_1h_tokens"}),
        (
            Usage(input_tokens=5, output_tokens=1, input_audio_tokens=1, output_audio_tokens=1),
            {"usage.input_audio_tokens", "usage.output_audio_tokens"},
        ),
    ],
)
def test_usage_that_cannot_be_said_is_reported(usage: Usage | None, paths: set[str]) -> None:
    response = Response(id="r", model="m", candidates=(Candidate(finish_reason="stop"),), usage=usage)
    encoded = C.encode_response(response, ASKED)
    NativeMessage.model_validate(encoded.value)
    assert not (wrong := unexplained(response, C.decode_response(encoded.value, "m"), encoded.losses)), wrong
    assert set(lost(encoded)) == paths


RICH = [
    (Reasoning(text="hm", signature="s", issuer="anthropic"), Text(text="a")),
    (Reasoning(redacted="r", issuer="anthropic"), Text(text="a")),
    (Reasoning(text="", signature="s", issuer="anthropic"), Text(text="a")),
    (Reasoning(text="hm", signature="s", issuer="bedrock"), Text(text="a")),
    (Reasoning(text="hm", redacted="x", issuer="gemini"), Text(text="a")),
    (Reasoning(text="", signature="s", issuer="gemini"), Text(text="a")),
    (Reasoning(text="hm"), Text(text="a"), ToolCall(id="t", name="f", arguments='{"a": 1}')),
    (Refusal(text="no"),),
    (Text(text=""), Text(text="a")),
    (
        Text(
            text="a",
            provider_fields={"anthropic": {"citations": [{"type": "char_location"}, {"type": "page_location"}]}},
        ),
    ),
    (Text(text="a", provider_fields={"openai": {"annotations": []}}),),
    (
        Opaque(
            issuer="anthropic", value={"type": "server_tool_use", "id": "s", "name": "web_search", "input": {"q": "x"}}
        ),
        Opaque(issuer="anthropic", value={"type": "web_search_tool_result", "tool_use_id": "s", "content": []}),
        Text(text="a"),
    ),
    (Opaque(issuer="gemini", value={"executableCode": {}}), Text(text="a")),
    (Blob(modality="image", media_type="image/png", data="aGk="), Text(text="a")),
    (
        ToolCall(id="a", name="f", provider_fields={"anthropic": {"caller": {"type": "direct"}}}),
        ToolCall(id="b.1", name="g", arguments="{}"),
    ),
]


@pytest.mark.parametrize("parts", RICH)
def test_answers_of_every_kind_are_carried_or_reported(parts: tuple[Part, ...]) -> None:
    finish: FinishReason = "tool_calls" if any(isinstance(part, ToolCall) for part in parts) else "stop"
    own = {
        "anthropic": {"container": {"id": "c", "expires_at": "2026-11-22T00:00:00Z"}},
        "openai": {"system_fingerprint": "f"},
    }
    response = Response(
        id="r",
        model="m",
        candidates=(Candidate(parts=parts, finish_reason=finish),),
        usage=Usage(
            input_tokens=3, output_tokens=4, provider_fields={"anthropic": {"speed": "fast"}, "mistral": {"x": 1}}
        ),
        provider_fields=own,
    )
    encoded = C.encode_response(response, ASKED)
    assert not (wrong := unexplained(response, C.decode_response(encoded.value, "m"), encoded.losses)), wrong
    encoder = C.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert not (wrong := unexplained(response, fold(events_of(frames)), encoder.losses)), wrong


@pytest.mark.parametrize(
    "body",
    [
        {"content": None},
        {"content": [1]},
        {"content": [{"type": "text", "text": 1}]},
        {"id": None},
        {"usage": 1},
        {"usage": {"input_tokens": "3"}},
        {"usage": {"cache_creation": 3}},
        {"stop_reason": 5},
    ],
)
def test_a_malformed_response_is_named(body: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="anthropic response"):
        C.decode_response(reply(**body), "m")


def events_of(frames: list[dict[str, Any]]) -> list[Event]:
    decoder = C.stream_decoder("claude-x")
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


def encoded_stream(events: Iterator[Event] | list[Event]) -> list[dict[str, Any]]:
    encoder = C.stream_encoder(ASKED)
    return [frame for event in events for frame in encoder.feed(event)] + encoder.close()


START = {"type": "message_start", "message": reply(content=[], stop_reason=None)}


def block(index: int, content_block: dict[str, Any], *deltas: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"type": "content_block_start", "index": index, "content_block": content_block},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def end(reason: str | None, **usage: Any) -> list[dict[str, Any]]:
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def test_a_whole_stream_is_read() -> None:
    frames = [
        START,
        {"type": "ping"},
        {"type": "an_event_of_the_future"},
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": "hm"},
            {"type": "signature_delta", "signature": "sig"},
        ),
        *block(1, {"type": "text", "text": "", "citations": []}, {"type": "text_delta", "text": "a"}),
        *block(
            2,
            {"type": "tool_use", "id": "t", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": ""},
            {"type": "input_json_delta", "partial_json": '{"a"'},
            {"type": "input_json_delta", "partial_json": ": 1}"},
        ),
        *end("tool_use", output_tokens=9),
    ]
    assert events_of(frames) == [
        Started(id="msg_1", model="claude-x"),
        UsageReported(usage=Usage(input_tokens=3, output_tokens=5)),
        PartStarted(index=0, part=Reasoning(issuer="anthropic")),
        TextDelta(index=0, text="hm"),
        SignatureDelta(index=0, signature="sig"),
        PartEnded(index=0),
        PartStarted(index=1, part=Text(text="")),
        TextDelta(index=1, text="a"),
        PartEnded(index=1),
        PartStarted(index=2, part=ToolCall(id="t", name="f")),
        ArgumentsDelta(index=2, arguments='{"a"'),
        ArgumentsDelta(index=2, arguments=": 1}"),
        PartEnded(index=2),
        Finished(finish_reason="tool_calls"),
        UsageReported(usage=Usage(input_tokens=3, output_tokens=9)),
    ]


def test_usage_at_the_start_and_at_the_end_is_never_added_up() -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 0, "output_tokens": 1}
    start = {"type": "message_start", "message": reply(content=[], usage={**usage, "service_tier": "standard"})}
    response = fold(events_of([start, *end("end_turn", **{**usage, "output_tokens": 3})]))
    assert response.usage is not None
    found = response.usage
    assert (found.input_tokens, found.cache_read_tokens, found.output_tokens) == (110, 100, 3)
    assert found.provider_fields == {"anthropic": {"service_tier": "standard"}}


def test_server_tools_arrive_whole_in_a_stream() -> None:
    search = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    piece = {"type": "compaction_delta", "content": "b"}
    frames = [
        START,
        *block(0, search, {"type": "input_json_delta", "partial_json": '{"query": "x"}'}),
        *block(1, {"type": "compaction", "content": "a"}, piece),
        *end("pause_turn", output_tokens=1),
    ]
    (candidate,) = fold(events_of(frames)).candidates
    assert candidate.finish_reason == "pause"
    assert candidate.parts == (
        Opaque(issuer="anthropic", value={**search, "input": {"query": "x"}}),
        Opaque(issuer="anthropic", value={"type": "compaction", "content": "ab"}),
    )


def test_citations_of_a_stream_belong_to_their_text() -> None:
    citation = {"type": "char_location", "cited_text": "x"}
    deltas = ({"type": "text_delta", "text": "a"}, {"type": "citations_delta", "citation": citation})
    frames = [START, *block(0, {"type": "text", "text": ""}, *deltas), *end("end_turn", output_tokens=1)]
    response = fold(events_of(frames))
    assert response.candidates[0].parts == (Text(text="a", provider_fields={"anthropic": {"citations": [citation]}}),)
    assert fold(events_of(encoded_stream(unfold(response)))) == response


def test_a_cut_stream_has_no_finish() -> None:
    frames = [START, *block(0, {"type": "text", "text": ""}, {"type": "text_delta", "text": "a"})[:2]]
    assert not [event for event in events_of(frames) if isinstance(event, Finished)]
    assert (
        encoded_stream([Started(id="r", model="m"), PartStarted(index=0, part=Text(text="a"))])[-1]["type"]
        != "message_stop"
    )


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message_start"},
        {"type": "message_start", "message": {"id": 5}},
        {"type": "content_block_start", "index": 0},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {"type": "content_block_start", "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "signature": [{}]}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": 5}},
        {"type": "content_block_delta", "index": 7, "delta": {"type": "text_delta", "text": "a"}},
        {"type": "content_block_stop", "index": 7},
        {"type": "message_delta", "delta": 1},
        {"type": "message_delta", "delta": {}, "usage": 1},
    ],
)
def test_a_malformed_frame_is_named(frame: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="anthropic"):
        C.stream_decoder("m").feed(frame)


def test_parts_that_overlap_become_blocks_one_after_another() -> None:
    frames = encoded_stream(
        [
            Started(id="r", model="m"),
            PartStarted(index=0, part=Text(text="")),
            TextDelta(index=0, text="a"),
            PartStarted(index=1, part=ToolCall(id="t", name="f")),
            PartStarted(index=2, part=ToolCall(id="u", name="g")),
            ArgumentsDelta(index=2, arguments="{}"),
            ArgumentsDelta(index=1, arguments='{"a":1}'),
            PartEnded(index=2),
            Finished(finish_reason="tool_calls"),
            UsageReported(usage=Usage(input_tokens=1, output_tokens=2)),
        ]
    )
    order = [(frame["type"], frame["index"]) for frame in frames if "index" in frame]
    assert order == [
        (kind, index)
        for index in range(3)
        for kind in ("content_block_start", "content_block_delta", "content_block_stop")
    ]
    assert frames[-2]["usage"] == {"input_tokens": 1, "output_tokens": 2}


def test_only_the_first_of_several_answers_is_streamed() -> None:
    two = tuple(Candidate(parts=(Text(text=text),), finish_reason="stop") for text in "ab")
    encoder = C.stream_encoder(ASKED)
    response = Response(id="r", model="m", candidates=two, usage=Usage(input_tokens=1, output_tokens=1))
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert fold(events_of(frames)).candidates == two[:1]
    assert encoder.losses == (Loss(path="candidates[1]", kind="dropped", matters="meaning"),)


def client(reply: httpx2.Response) -> Anthropic:
    transport = httpx2.MockTransport(lambda request: reply)
    return Anthropic(api_key="k", max_retries=0, http_client=httpx2.Client(transport=transport))


def ask(anthropic: Anthropic, **more: Any) -> Any:
    return anthropic.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "x"}], **more)


def streamed(frames: list[dict[str, Any]]) -> httpx2.Response:
    content = b"".join(map(C.frame, frames)) + C.end
    return httpx2.Response(200, content=content, headers={"content-type": C.stream_content_type})


def test_the_sdks_helper_reads_an_encoded_stream() -> None:
    parts = (Reasoning(text="hm"), Text(text="one"), ToolCall(id="t.1", name="f", arguments='{"a": 1}'))
    response = Response(
        id="msg_9",
        model="gpt-x",
        candidates=(Candidate(parts=parts, finish_reason="tool_calls"),),
        usage=Usage(input_tokens=11, output_tokens=7, cache_read_tokens=4),
    )
    frames = encoded_stream(unfold(response))
    asked: Any = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "x"}]}
    with client(streamed(frames)).messages.stream(**asked) as stream:
        message = stream.get_final_message()
    assert [found.type for found in message.content] == ["thinking", "text", "tool_use"]
    assert message.content[2].to_dict()["input"] == {"a": 1}
    assert (message.stop_reason, message.usage.input_tokens, message.usage.output_tokens) == ("tool_use", 7, 7)
    assert [event.type for event in ask(client(streamed(frames)), stream=True)][:2] == [
        "message_start",
        "content_block_start",
    ]


def test_the_sdk_reads_an_encoded_answer() -> None:
    response = Response(id="r", model="m", candidates=(Candidate(parts=(Text(text="hi"),), finish_reason="stop"),))
    body = C.encode_response(response, ASKED).value
    message = ask(client(httpx2.Response(200, json=body)))
    assert (message.content[0].text, message.stop_reason) == ("hi", "end_turn")


ERRORS: list[tuple[FailureKind, type[APIStatusError]]] = [
    ("rate_limit", native.RateLimitError),
    ("quota_exhausted", native.PaymentRequiredError),
    ("overloaded", native.OverloadedError),
    ("server", native.InternalServerError),
    ("timeout", native.GatewayTimeoutError),
    ("connection", native.InternalServerError),
    ("context_overflow", native.BadRequestError),
    ("content_policy", native.BadRequestError),
    ("auth", native.AuthenticationError),
    ("permission", native.PermissionDeniedError),
    ("not_found", native.NotFoundError),
    ("bad_request", native.BadRequestError),
    ("cancelled", native.ClientClosedRequestError),
]


@pytest.mark.parametrize(("kind", "error"), ERRORS)
def test_an_encoded_error_raises_the_sdks_own_class(kind: FailureKind, error: type[APIStatusError]) -> None:
    encoded = C.encode_error(Failure(kind=kind, retry_after_s=2.5, message="sk-secret"))
    answered = httpx2.Response(encoded.status, json=encoded.body, headers=dict(encoded.headers))
    with pytest.raises(error) as raised:
        ask(client(answered))
    assert type(raised.value) is error
    assert "secret" not in str(raised.value)
    found = C.decode_error(encoded)
    assert (found.kind, found.retry_after_s) == ("server" if kind == "connection" else kind, 2.5)


def test_an_error_inside_a_stream_raises_what_the_sdk_raises() -> None:
    events: list[Event] = [Started(id="r", model="m"), Failed(failure=Failure(kind="overloaded", message="sk-secret"))]
    frames = encoded_stream(events)
    assert C.frame(frames[-1]).startswith(b"event: error\n")
    with pytest.raises(APIStatusError) as raised:
        list(ask(client(streamed(frames)), stream=True))
    assert (raised.value.status_code, raised.value.type) == (200, "overloaded_error")
    (event,) = C.stream_decoder("m").feed(frames[-1])
    assert isinstance(event, Failed)
    assert event.failure.kind == "overloaded"


def error(kind: str, message: str = "", code: str | None = None) -> dict[str, Any]:
    details = {"error_code": code} if code else None
    return {"type": "error", "error": {"type": kind, "message": message, "details": details}, "request_id": "r"}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code"),
    [
        (429, error("rate_limit_error"), "rate_limit", "rate_limit_error"),
        (429, error("rate_limit_error", code="ramp_limit_exceeded"), "rate_limit", "ramp_limit_exceeded"),
        (
            429,
            error("rate_limit_error", code="contract_spend_limit_reached"),
            "quota_exhausted",
            "contract_spend_limit_reached",
        ),
        (
            429,
            error("rate_limit_error", code="enforced_spend_limit_reached"),
            "quota_exhausted",
            "enforced_spend_limit_reached",
        ),
        (402, error("billing_error"), "quota_exhausted", "billing_error"),
        (
            400,
            error("invalid_request_error", "Your credit balance is too low"),
            "quota_exhausted",
            "invalid_request_error",
        ),
        (
            400,
            error("invalid_request_error", "You have reached your specified API usage limits."),
            "quota_exhausted",
            "invalid_request_error",
        ),
        (529, error("overloaded_error"), "overloaded", "overloaded_error"),
        (529, "<html>", "overloaded", None),
        (500, error("api_error"), "server", "api_error"),
        (502, "<html>", "server", None),
        (503, "upstream connect error", "server", None),
        (503, error("overloaded_error"), "overloaded", "overloaded_error"),
        (504, error("timeout_error"), "timeout", "timeout_error"),
        (
            400,
            error("invalid_request_error", "prompt is too long: 9 tokens > 5 maximum"),
            "context_overflow",
            "invalid_request_error",
        ),
        (413, error("request_too_large"), "context_overflow", "request_too_large"),
        (413, "<html>", "context_overflow", None),
        (
            400,
            error("invalid_request_error", "Output blocked by content filtering policy"),
            "content_policy",
            "invalid_request_error",
        ),
        (400, error("invalid_request_error", "max_tokens: required"), "bad_request", "invalid_request_error"),
        (422, {"detail": []}, "bad_request", None),
        (401, error("authentication_error"), "auth", "authentication_error"),
        (403, error("permission_error"), "permission", "permission_error"),
        (403, {"error": {"type": "forbidden"}}, "permission", "forbidden"),
        (404, error("not_found_error"), "not_found", "not_found_error"),
        (409, error("conflict_error"), "server", "conflict_error"),
        (499, None, "cancelled", None),
        (500, [], "server", None),
        (500, {"error": "text"}, "server", None),
        (500, {"error": {"type": 5, "message": 6, "details": []}}, "server", None),
    ],
)
def test_errors_are_classified(status: int, body: Any, kind: FailureKind, code: str | None) -> None:
    failure = C.decode_error(ErrorReply(status=status, headers={"retry-after": "47"}, body=body))
    assert (failure.kind, failure.code, failure.status, failure.retry_after_s) == (kind, code, status, 47.0)


def test_the_providers_word_on_retrying_is_kept() -> None:
    for word, expected in (("true", True), ("false", False), ("perhaps", None)):
        reply = ErrorReply(status=500, headers={"x-should-retry": word}, body=error("api_error"))
        assert C.decode_error(reply).should_retry is expected


WHOLE = {
    "model": "claude-x",
    "max_tokens": 64,
    "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
    "messages": [
        {
            "role": "user",
            "content": [
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
                {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "x"}, "title": "t"},
                {"type": "document", "source": {"type": "content", "content": [{"type": "text", "text": "x"}]}},
                {"type": "search_result", "source": "u", "title": "t", "content": [{"type": "text", "text": "x"}]},
            ],
        },
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "s"},
                {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
            ],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "x", "is_error": True}]},
    ],
    "tools": [{"name": "f", "input_schema": SCHEMA, "strict": True}, {"type": "web_search_20250305", "name": "w"}],
    "tool_choice": {"type": "tool", "name": "f", "disable_parallel_tool_use": True},
    "thinking": {"type": "enabled", "budget_tokens": 2000, "display": "omitted"},
    "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}},
    "metadata": {"user_id": "u"},
    "stop_sequences": ["x"],
    "stream": False,
}
ANSWER = reply(
    content=[{"type": "text", "text": "a", "citations": [{"type": "char_location"}]}, *WHOLE["messages"][1]["content"]],
    stop_details={"type": "refusal", "category": "cyber"},
    usage={
        "input_tokens": 1,
        "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 1},
        "output_tokens_details": {"thinking_tokens": 1},
    },
)
STREAM = [
    {"type": "message_start", "message": reply(content=[], stop_reason=None)},
    *block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "a"},
        {"type": "citations_delta", "citation": {}},
    ),
    *block(1, {"type": "thinking", "thinking": ""}, {"type": "signature_delta", "signature": "s"}),
    *block(
        2, {"type": "tool_use", "id": "t", "name": "f", "input": {}}, {"type": "input_json_delta", "partial_json": "{}"}
    ),
    *block(3, {"type": "future", "id": "t"}, {"type": "future_delta", "id": "u"}),
    {"type": "message_delta", "delta": {"stop_reason": "refusal", "stop_details": {"category": "bio"}}, "usage": {}},
    {"type": "error", "error": {"type": "api_error", "message": "m", "details": {"error_code": "c"}}},
]


def damaged(value: Any) -> Iterator[Any]:
    """`value` with each of its inner values replaced, one at a time, by one of every other JSON type."""
    yield from (None, 7, "junk", [], [1], {}, {"type": []}, {"type": "junk"})
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        for other in damaged(item):
            copy: Any = dict(value) if isinstance(value, dict) else list(value)
            copy[key] = other
            yield copy


def test_any_damage_is_bad_wire_or_still_a_request() -> None:
    for body in damaged(WHOLE):
        try:
            request = C.decode_request(WireRequest(body=body, model="m"))
        except BadWire:
            continue
        json.dumps(C.encode_request(request).value.body)


def test_any_damage_is_bad_wire_or_still_an_answer() -> None:
    for body in damaged(ANSWER):
        try:
            response = C.decode_response(body, "m")
        except BadWire:
            continue
        json.dumps(C.encode_response(response, ASKED).value)
        json.dumps(encoded_stream(unfold(response)))


def test_any_damage_is_bad_wire_or_still_a_stream() -> None:
    for number, whole in enumerate(STREAM):
        for frame in (frame for frame in damaged(whole) if isinstance(frame, dict)):
            decoder = C.stream_decoder("m")
            before = [event for sound in STREAM[:number] for event in decoder.feed(sound)]
            try:
                after = decoder.feed(frame)
            except BadWire:
                continue
            json.dumps(encoded_stream([*before, *after]))
