"""Bedrock's codec against botocore's own model: what we encode it accepts, what we answer it parses or raises."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from spaturzu_translators import BadWire, codec
from spaturzu_translators.bedrock.blobs import from_sdk, to_sdk
from spaturzu_translators.bedrock.model_facts import facts_of
from spaturzu_translators.events import (
    ArgumentsDelta,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    SignatureDelta,
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
from spaturzu_translators.responses import Candidate, Response, Usage

from .laws import unexplained
from .strategies import requests, responses

botocore_session = pytest.importorskip("botocore.session")
from botocore.awsrequest import AWSResponse  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError, EventStreamError  # noqa: E402
from botocore.validate import ParamValidator  # noqa: E402

C = codec("bedrock")
CLAUDE_37 = "us.anthropic.claude-3-7-sonnet-20250219-v1:0"
CLAUDE_45 = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CLAUDE_47 = "us.anthropic.claude-opus-4-7-v1:0"
NOVA = "us.amazon.nova-pro-v1:0"
TOOL = Tool(name="f", parameters={"type": "object", "properties": {"a": {"type": "integer"}}})
ADA = Message(role="user", parts=(Text(text="hi"),))
CALLED = (
    ADA,
    Message(role="assistant", parts=(ToolCall(id="t1", name="f", arguments='{"a": 1}'),)),
    Message(role="user", parts=(ToolResult(call_id="t1", name="f", content=(Text(text="2"),)),)),
)


class _Raw(io.BytesIO):
    """What urllib3 gives botocore to read from."""

    def stream(self, amount: int = 1024, **_: Any) -> Iterator[bytes]:
        while data := self.read(amount):
            yield data


@pytest.fixture(scope="session")
def client() -> Any:
    return botocore_session.get_session().create_client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


def _answering(client: Any, status: int, headers: dict[str, str], body: bytes) -> Any:
    """`client`, whose next calls meet this reply instead of the network."""

    def reply(request: Any, **_: Any) -> AWSResponse:
        return AWSResponse(request.url, status, headers, _Raw(body))

    client.meta.events.unregister("before-send.bedrock-runtime", unique_id="reply")
    client.meta.events.register("before-send.bedrock-runtime", reply, unique_id="reply")
    return client


def _complaints(client: Any, operation: str, body: dict[str, Any], **more: Any) -> str | None:
    shape = client.meta.service_model.operation_model(operation).input_shape
    report = ParamValidator().validate({**to_sdk(body), **more}, shape)
    return report.generate_report() if report.has_errors() else None


def _ask(**fields: Any) -> Request:
    return Request(**{"model": "model-a", "messages": (ADA,), **fields})


def _encode(request: Request) -> tuple[dict[str, Any], dict[str, tuple[str, str]]]:
    """The body and the losses, after the law has been checked."""
    encoded = C.encode_request(request)
    assert not (wrong := unexplained(request, C.decode_request(encoded.value), encoded.losses)), wrong
    return encoded.value.body, {loss.path: (loss.kind, loss.matters) for loss in encoded.losses}


def _decode(body: dict[str, Any], model: str = "model-a") -> Request:
    return C.decode_request(WireRequest(body=body, model=model))


def _again(body: dict[str, Any], model: str = "model-a") -> dict[str, Any]:
    """A Bedrock request that went through the canonical form; nothing may be lost."""
    encoded = C.encode_request(_decode(body, model))
    assert not encoded.losses
    return encoded.value.body


def _user(*content: Any, **more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}], **more}


@given(request=requests())
def test_botocore_accepts_every_encoded_request(client: Any, request: Request) -> None:
    body = C.encode_request(request).value.body
    assert not (wrong := _complaints(client, "Converse", body, modelId=request.model)), wrong


@pytest.mark.parametrize("model", [CLAUDE_37, CLAUDE_45, CLAUDE_47, NOVA, "meta.llama3-8b-instruct-v1:0"])
@given(request=requests())
def test_the_law_of_losses_holds_for_models_with_quirks(client: Any, model: str, request: Request) -> None:
    body, _ = _encode(replace(request, model=model))
    assert not (wrong := _complaints(client, "Converse", body, modelId=model)), wrong


@given(response=responses())
def test_botocores_model_accepts_every_encoded_response(client: Any, response: Response) -> None:
    body = C.encode_response(response, _ask()).value
    shape = client.meta.service_model.operation_model("Converse").output_shape
    report = ParamValidator().validate(to_sdk(body), shape)
    assert not report.has_errors(), report.generate_report()


OWN_REQUESTS: dict[str, dict[str, Any]] = {
    "guardrail": _user(
        {"guardContent": {"text": {"text": "x", "qualifiers": ["query"]}}},
        guardrailConfig={"guardrailIdentifier": "g", "guardrailVersion": "1", "trace": "enabled"},
    ),
    "system guard": _user({"text": "x"}, system=[{"guardContent": {"text": {"text": "be kind"}}}, {"text": "s"}]),
    "cache": _user(
        {"text": "x"},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"text": "y"},
        system=[{"text": "s"}, {"cachePoint": {"type": "default"}}],
        toolConfig={
            "tools": [
                {"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}},
                {"cachePoint": {"type": "default"}},
            ]
        },
    ),
    "media": _user(
        {"text": "x"},
        {"image": {"format": "webp", "source": {"bytes": "aGk="}}},
        {"image": {"format": "png", "source": {"s3Location": {"uri": "s3://b/k", "bucketOwner": "1" * 12}}}},
        {
            "document": {
                "format": "md",
                "name": "a-b (1)",
                "source": {"bytes": "aGk="},
                "context": "c",
                "citations": {"enabled": True},
            }
        },
        {"document": {"format": "txt", "name": "a_b.txt", "source": {"text": "Grüße"}}},
        {"audio": {"format": "mpga", "source": {"bytes": "aGk="}}},
        {"video": {"format": "three_gp", "source": {"s3Location": {"uri": "s3://b/v"}}}},
        {"searchResult": {"source": "s", "title": "t", "content": [{"text": "x"}]}},
    ),
    "native fields": _user(
        {"text": "x"},
        additionalModelRequestFields={"top_k": 5, "anthropic_beta": ["x"], "thinking": {"type": "adaptive"}},
        additionalModelResponseFieldPaths=["/stop_sequence"],
        performanceConfig={"latency": "optimized"},
        serviceTier={"type": "flex"},
        requestMetadata={"team": "a"},
        promptVariables={"v": {"text": "x"}},
    ),
    "structured output": _user(
        {"text": "x"},
        outputConfig={
            "textFormat": {
                "type": "json_schema",
                "structure": {"jsonSchema": {"schema": '{"type": "object"}', "name": "n", "description": "d"}},
            },
            "effort": "xhigh",
        },
    ),
    "tool results": {
        "messages": [
            {"role": "user", "content": [{"text": "x"}]},
            {
                "role": "assistant",
                "content": [
                    {"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}},
                    {"reasoningContent": {"redactedContent": "aGk="}},
                    {"toolUse": {"toolUseId": "t1", "name": "f", "input": {"a": 1}}},
                    {"toolUse": {"toolUseId": "t2", "name": "g", "input": {}}},
                ],
            },
            {
                "role": "user",
                "content": [
                    {"toolResult": {"toolUseId": "t1", "content": [{"json": {"b": 2}}], "status": "error"}},
                    {
                        "toolResult": {
                            "toolUseId": "t2",
                            "content": [{"text": "c"}, {"image": {"format": "png", "source": {"bytes": "aGk="}}}],
                        }
                    },
                    {"text": "go on"},
                ],
            },
        ],
        "toolConfig": {
            "tools": [
                {"toolSpec": {"name": "f", "description": "d", "inputSchema": {"json": {"type": "object"}}}},
                {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}, "strict": True}},
                {"systemTool": {"name": "nova_grounding"}},
            ],
            "toolChoice": {"tool": {"name": "f"}},
        },
    },
    "system turn": {
        "messages": [
            {"role": "user", "content": [{"text": "x"}]},
            {"role": "system", "content": [{"toolAddition": {"tool": {"name": "f"}}}]},
            {"role": "user", "content": [{"text": "y"}]},
        ]
    },
}


@pytest.mark.parametrize("name", OWN_REQUESTS)
def test_a_bedrock_request_comes_back_as_it_was(client: Any, name: str) -> None:
    body = OWN_REQUESTS[name]
    assert _again(body) == body
    assert _complaints(client, "Converse", body, modelId="m") is None


def test_nova_keeps_its_own_top_k_field() -> None:
    body = _user({"text": "x"}, additionalModelRequestFields={"inferenceConfig": {"topK": 10}})
    assert _decode(body, NOVA).top_k == 10
    assert _again(body, NOVA) == body


def test_a_thinking_budget_is_read_from_either_spelling() -> None:
    for spelling in ("thinking", "reasoning_config"):
        body = _user({"text": "x"}, additionalModelRequestFields={spelling: {"type": "enabled", "budget_tokens": 2048}})
        assert _decode(body, CLAUDE_37).reasoning == ReasoningOptions(budget_tokens=2048)
        assert _again(body, CLAUDE_37)["additionalModelRequestFields"] == {
            "thinking": {"type": "enabled", "budget_tokens": 2048}
        }


def test_sampling_is_clamped_and_new_claudes_get_none() -> None:
    body, losses = _encode(_ask(temperature=1.7, top_p=0.5, top_k=4))
    assert body["inferenceConfig"] == {"temperature": 1, "topP": 0.5}
    assert body["additionalModelRequestFields"] == {"top_k": 4}
    assert losses == {"temperature": ("approximated", "tuning")}
    body, losses = _encode(_ask(model=CLAUDE_47, temperature=0.7, top_p=0.5, top_k=4, max_tokens=9))
    assert body["inferenceConfig"] == {"maxTokens": 9}
    assert "additionalModelRequestFields" not in body
    assert set(losses) == {"temperature", "top_p", "top_k"}
    body, losses = _encode(_ask(model=CLAUDE_45, temperature=0.7, top_p=0.5))
    assert body["inferenceConfig"] == {"temperature": 0.7}
    assert set(losses) == {"top_p"}


def test_a_thinking_budget_keeps_claudes_rules() -> None:
    thinking = ReasoningOptions(budget_tokens=4096)
    body, losses = _encode(_ask(model=CLAUDE_37, reasoning=thinking, temperature=0.2, top_k=3, max_tokens=2000))
    assert body["additionalModelRequestFields"] == {"thinking": {"type": "enabled", "budget_tokens": 1999}}
    assert body["inferenceConfig"] == {"maxTokens": 2000}
    assert losses == {
        "reasoning.budget_tokens": ("approximated", "tuning"),
        "temperature": ("dropped", "tuning"),
        "top_k": ("dropped", "tuning"),
    }
    body, losses = _encode(_ask(model=CLAUDE_37, reasoning=thinking, temperature=0.2, max_tokens=500))
    assert losses == {"reasoning": ("dropped", "tuning")}
    forced = ToolChoice(mode="required")
    body, losses = _encode(_ask(model=CLAUDE_37, reasoning=thinking, tools=(TOOL,), tool_choice=forced))
    assert losses == {"reasoning": ("dropped", "tuning")}


@pytest.mark.parametrize(
    ("model", "reasoning", "output", "more", "lost"),
    [
        ("model-a", ReasoningOptions(effort="high"), {"effort": "high"}, None, {}),
        ("model-a", ReasoningOptions(effort="minimal"), {"effort": "low"}, None, {"reasoning.effort"}),
        ("model-a", ReasoningOptions(effort="none"), None, {"thinking": {"type": "disabled"}}, {}),
        (NOVA, ReasoningOptions(effort="none"), None, None, {"reasoning"}),
        (NOVA, ReasoningOptions(budget_tokens=5000), {"effort": "medium"}, None, {"reasoning"}),
        (CLAUDE_37, ReasoningOptions(effort="high"), None, None, {"reasoning"}),
        ("model-a", ReasoningOptions(include_text=True), None, None, {"reasoning"}),
    ],
)
def test_reasoning_options_by_model(model: str, reasoning: Any, output: Any, more: Any, lost: Any) -> None:
    body, losses = _encode(_ask(model=model, reasoning=reasoning))
    assert (body.get("outputConfig"), body.get("additionalModelRequestFields")) == (output, more)
    assert {path.split(".")[0] if path not in lost else path for path in losses} == set(lost)


def test_a_forbidden_tool_is_not_shown() -> None:
    body, losses = _encode(_ask(tools=(TOOL,), tool_choice=ToolChoice(mode="none")))
    assert "toolConfig" not in body
    assert losses == {"tool_choice": ("emulated", "tuning"), "tools": ("emulated", "tuning")}


def test_a_forbidden_tool_stays_declared_where_history_calls_it() -> None:
    request = _ask(messages=CALLED, tools=(TOOL,), tool_choice=ToolChoice(mode="none"), system=(Text(text="s"),))
    body, losses = _encode(request)
    assert set(body["toolConfig"]) == {"tools"}
    assert "Do not call" in body["system"][1]["text"]
    assert losses == {"tool_choice": ("emulated", "tuning"), "system[0]": ("emulated", "tuning")}


def test_tools_of_history_are_declared_where_the_caller_declares_none() -> None:
    body, losses = _encode(_ask(messages=CALLED))
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["f"]
    assert losses == {"tools": ("emulated", "tuning"), "system": ("emulated", "tuning")}


def test_a_choice_among_several_tools_shows_only_those() -> None:
    tools = tuple(Tool(name=name) for name in "fgh")
    body, losses = _encode(_ask(tools=tools, tool_choice=ToolChoice(mode="required", names=("f", "h"))))
    assert [tool["toolSpec"]["name"] for tool in body["toolConfig"]["tools"]] == ["f", "h"]
    assert body["toolConfig"]["toolChoice"] == {"any": {}}
    assert set(losses) == {"tools[1]", "tool_choice.names"}


def test_names_that_bedrock_refuses_are_renamed_and_found_again() -> None:
    long, dotted = "n" * 80, "a.b"
    tools = (Tool(name=long), Tool(name=dotted), Tool(name="a_b"))
    request = _ask(tools=tools, tool_choice=ToolChoice(mode="required", names=(long,)))
    wire = C.encode_request(request).value
    names = [tool["toolSpec"]["name"] for tool in wire.body["toolConfig"]["tools"]]
    assert len(set(names)) == 3
    assert all(len(name) <= 64 and "." not in name for name in names)
    assert [wire.renamed_tools.get(name, name) for name in names] == [long, dotted, "a_b"]
    assert _encode(request)[1] == {}


def test_a_forbidden_parallel_call_is_asked_for_in_words() -> None:
    body, losses = _encode(_ask(tools=(TOOL,), parallel_tool_calls=False))
    assert "at most one tool" in body["system"][0]["text"]
    assert set(losses) == {"system", "parallel_tool_calls"}


def test_invalid_arguments_are_wrapped() -> None:
    messages = (CALLED[0], Message(role="assistant", parts=(ToolCall(id="t1", name="f", arguments='{"a": NaN'),)), ADA)
    body, losses = _encode(_ask(messages=messages, tools=(TOOL,)))
    assert body["messages"][1]["content"][0]["toolUse"]["input"] == {"_raw": '{"a": NaN'}
    assert losses == {"messages[1].parts[0].arguments": ("emulated", "tuning")}


def test_turns_alternate_and_start_with_the_user() -> None:
    foreign = {"openai": {"name": "ada"}}
    said = Message(role="assistant", parts=(Text(text="a"),))
    messages = (said, ADA, replace(ADA, provider_fields=foreign), said, ADA)
    body, losses = _encode(_ask(messages=messages))
    assert [turn["role"] for turn in body["messages"]] == ["user", "assistant", "user", "assistant", "user"]
    assert [block["text"] for block in body["messages"][2]["content"]] == ["hi", "hi"]
    assert set(losses) == {"messages[0]", "messages[1]", "messages[2]"}


def test_a_joined_turn_still_says_what_it_lost() -> None:
    lost = replace(
        ADA, parts=(*ADA.parts, Opaque(issuer="openai", value={})), provider_fields={"openai": {"name": "a"}}
    )
    _, losses = _encode(_ask(messages=(ADA, lost)))
    assert losses["messages[1]"] == ("emulated", "tuning")
    assert ("dropped", "meaning") in losses.values()


def test_json_mode_is_asked_for_in_words() -> None:
    body, losses = _encode(_ask(response_format=ResponseFormat(type="json_object")))
    assert "JSON" in body["system"][0]["text"]
    assert losses == {"response_format": ("emulated", "tuning"), "system": ("emulated", "tuning")}


def test_a_schema_is_a_loss_of_meaning_where_the_model_takes_none() -> None:
    wanted = ResponseFormat(type="json_schema", schema={"type": "object"})
    body, losses = _encode(_ask(model=NOVA, response_format=wanted))
    assert "outputConfig" not in body
    assert losses["response_format"] == ("emulated", "meaning")
    body, losses = _encode(_ask(model=CLAUDE_45, response_format=wanted))
    assert body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]["schema"] == '{"type": "object"}'
    assert losses == {}


def test_a_document_gets_a_legal_name_and_a_text_beside_it() -> None:
    pdf = Blob(modality="document", media_type="application/pdf", data="aGk=", name="q3_report.pdf")
    body, losses = _encode(_ask(messages=(Message(role="user", parts=(pdf, pdf)),)))
    content = body["messages"][0]["content"]
    assert [block["document"]["name"] for block in content[:2]] == ["q3 report pdf", "q3 report pdf 2"]
    assert "text" in content[2]
    assert set(losses) == {"messages[0].parts[0].name", "messages[0].parts[1]"}


@pytest.mark.parametrize(
    "part",
    [
        Uri(modality="image", uri="https://example.com/a.png", media_type="image/png"),
        Blob(modality="image", media_type="image/bmp", data="aGk="),
        File(modality="image", file_id="f", issuer="openai"),
        Opaque(issuer="anthropic", value={"type": "server_tool_use"}),
    ],
)
def test_a_part_that_bedrock_cannot_show_is_a_loss_of_meaning(part: Any) -> None:
    _, losses = _encode(_ask(messages=(Message(role="user", parts=(Text(text="x"), part)),)))
    assert losses == {"messages[0].parts[1]": ("dropped", "meaning")}


def test_a_foreign_tool_is_a_loss_of_meaning() -> None:
    _, losses = _encode(_ask(tools=(TOOL, OpaqueTool(issuer="openai", value={"type": "custom"}))))
    assert losses == {"tools[1]": ("dropped", "meaning")}


def test_blank_text_is_left_out() -> None:
    body, losses = _encode(_ask(messages=(Message(role="user", parts=(Text(text="x"), Text(text=" \n"))),)))
    assert body["messages"][0]["content"] == [{"text": "x"}]
    assert losses == {"messages[0].parts[1]": ("dropped", "tuning")}


def test_metadata_outside_the_character_set_is_dropped_by_name() -> None:
    body, losses = _encode(_ask(metadata={"team": "a-b", "who": "Zoë"}))
    assert body["requestMetadata"] == {"team": "a-b"}
    assert losses == {"metadata.who": ("dropped", "tuning")}


@pytest.mark.parametrize(
    ("fields", "losses"),
    [
        ({"seed": 1}, {"seed": ("dropped", "tuning")}),
        ({"candidate_count": 2}, {"candidate_count": ("dropped", "meaning")}),
        ({"logprobs": True}, {"logprobs": ("dropped", "meaning")}),
        ({"user": "Zoë"}, {"user": ("dropped", "tuning")}),
        ({"service_tier": "scale"}, {"service_tier": ("dropped", "tuning")}),
        ({"max_tokens": 0}, {"max_tokens": ("dropped", "tuning")}),
    ],
)
def test_fields_without_a_member(fields: Any, losses: Any) -> None:
    assert _encode(_ask(**fields))[1] == losses


def test_only_signed_thoughts_of_ones_own_vendor_are_replayed() -> None:
    def history(thought: Reasoning, model: str) -> tuple[list[Any], set[str]]:
        messages = (ADA, Message(role="assistant", parts=(thought, Text(text="a"))), ADA)
        body, losses = _encode(_ask(messages=messages, model=model))
        return body["messages"][1]["content"][:-1], {path.rpartition(".")[2] for path in losses}

    signed = Reasoning(text="hm", signature="s", issuer="anthropic")
    shown = [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}]
    assert history(replace(signed, issuer="bedrock"), "model-a") == (shown, set())
    assert history(replace(signed, issuer="bedrock"), CLAUDE_45) == (shown, {"issuer"})
    assert history(signed, CLAUDE_45) == (shown, set())
    assert history(signed, NOVA) == ([], {"parts[0]"})
    assert history(replace(signed, signature=None), CLAUDE_45) == ([], {"parts[0]"})
    hidden = Reasoning(redacted="EuQ=", issuer="anthropic")
    data = base64.b64encode(b"EuQ=").decode()
    assert history(hidden, CLAUDE_45) == ([{"reasoningContent": {"redactedContent": data}}], {"issuer", "redacted"})


def test_a_foreign_signature_never_reaches_the_caller() -> None:
    thought = Reasoning(text="hm", signature="s", issuer="gemini")
    response = Response(id="", model="m", candidates=(Candidate(parts=(thought,), finish_reason="stop"),))
    encoded = C.encode_response(response, _ask())
    content = encoded.value["output"]["message"]["content"]
    assert content == [{"reasoningContent": {"reasoningText": {"text": "hm", "signature": ""}}}]
    encoder = C.stream_encoder(_ask())
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)]
    assert '"s"' not in json.dumps(frames)
    assert {"reasoningContent": {"signature": ""}} in [frame["contentBlockDelta"]["delta"] for frame in frames[1:-2]]
    assert {loss.path for loss in encoder.losses} == {loss.path for loss in encoded.losses} - {"usage"}


def _answer(**more: Any) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": "hi"}]}
    usage = {"inputTokens": 3, "outputTokens": 5, "totalTokens": 8}
    return {
        "output": {"message": message},
        "stopReason": "end_turn",
        "usage": usage,
        "metrics": {"latencyMs": 7},
        **more,
    }


@pytest.mark.parametrize(
    ("stop_reason", "reason"),
    [
        ("end_turn", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("stop_sequence", "stop_sequence"),
        ("guardrail_intervened", "guardrail"),
        ("content_filtered", "content_filter"),
        ("malformed_model_output", "malformed"),
        ("malformed_tool_use", "malformed"),
        ("model_context_window_exceeded", "context_window"),
        ("a_future_reason", "other"),
    ],
)
def test_finish_reasons(stop_reason: str, reason: str) -> None:
    response = C.decode_response(_answer(stopReason=stop_reason), "m")
    assert response.candidates[0].finish_reason == reason
    encoded = C.encode_response(response, _ask())
    assert (encoded.value["stopReason"], encoded.losses) == (stop_reason, ())


@pytest.mark.parametrize(("reason", "stop_reason"), [("pause", "end_turn"), ("other", "end_turn"), (None, "end_turn")])
def test_a_reason_that_bedrock_lacks_is_approximated(reason: Any, stop_reason: str) -> None:
    response = C.decode_response(_answer(), "m")
    response = replace(response, candidates=(replace(response.candidates[0], finish_reason=reason),))
    encoded = C.encode_response(response, _ask())
    assert encoded.value["stopReason"] == stop_reason
    assert encoded.losses == (Loss(path="candidates[0].finish_reason", kind="approximated", matters="tuning"),)


def test_calls_decide_the_finish_reason() -> None:
    use = {"toolUse": {"toolUseId": "t", "name": "f", "input": {}, "type": "tool_use"}}
    body = _answer(output={"message": {"role": "assistant", "content": [use]}})
    assert C.decode_response(body, "m").candidates[0].finish_reason == "tool_calls"
    server = {"toolUse": {**use["toolUse"], "type": "server_tool_use"}}
    body = _answer(output={"message": {"role": "assistant", "content": [server]}})
    decoded = C.decode_response(body, "m")
    assert decoded.candidates[0].finish_reason == "stop"
    assert C.encode_response(decoded, _ask()).value["stopReason"] == "end_turn"


def test_usage_includes_the_cache() -> None:
    usage = {
        "inputTokens": 3,
        "outputTokens": 5,
        "totalTokens": 118,
        "cacheReadInputTokens": 100,
        "cacheWriteInputTokens": 10,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 4}, {"ttl": "5m", "inputTokens": 6}],
    }
    response = C.decode_response(_answer(usage={**usage, "cacheReadInputTokenCount": 100, "serverToolUsage": {}}), "m")
    assert response.usage == Usage(
        input_tokens=113,
        output_tokens=5,
        cache_read_tokens=100,
        cache_creation_tokens=10,
        cache_creation_5m_tokens=6,
        cache_creation_1h_tokens=4,
    )
    assert C.encode_response(response, _ask()).value["usage"] == usage


def test_a_stop_sequence_is_found_where_the_caller_asked_for_it() -> None:
    body = _answer(stopReason="stop_sequence", additionalModelResponseFields={"stop_sequence": "END", "x": 1})
    response = C.decode_response(body, "m")
    assert response.candidates[0].stop_sequence == "END"
    assert C.encode_response(response, _ask()).value == body


def test_what_stands_beside_the_answer_is_kept() -> None:
    body = _answer(
        trace={"guardrail": {"actionReason": "none"}},
        performanceConfig={"latency": "standard"},
        serviceTier={"type": "default"},
    )
    response = C.decode_response(body, "m")
    assert C.encode_response(response, _ask()).value == body
    routed = _answer(trace={"promptRouter": {"invokedModelId": "arn:x"}})
    assert C.decode_response(routed, "m").model == "arn:x"


def test_cited_text_is_text() -> None:
    citations = [{"title": "t", "location": {"web": {"url": "u"}}}]
    block = {"citationsContent": {"content": [{"text": "a"}], "citations": citations}}
    body = _answer(output={"message": {"role": "assistant", "content": [block]}})
    response = C.decode_response(body, "m")
    assert response.candidates[0].parts[0].text == "a"  # type: ignore[union-attr]
    assert C.encode_response(response, _ask()).value == body


def test_a_refusal_becomes_text_and_a_filtered_stop() -> None:
    refused = Candidate(parts=(Refusal(text="no"),), finish_reason="refusal")
    body = C.encode_response(Response(id="", model="m", candidates=(refused,)), _ask()).value
    assert body["output"]["message"]["content"] == [{"text": "no"}]
    assert body["stopReason"] == "content_filtered"


def test_botocore_parses_an_encoded_answer(client: Any) -> None:
    call = ToolCall(id="call!1", name="f", arguments='{"a": 1}')
    parts = (Reasoning(redacted="aGk=", issuer="bedrock"), Text(text="Grüße"), call)
    response = Response(id="", model="m", candidates=(Candidate(parts=parts, finish_reason="stop"),), usage=Usage())
    body = C.encode_response(response, _ask()).value
    answer = _answering(client, 200, {"content-type": "application/json"}, json.dumps(body).encode()).converse(
        modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}]
    )
    assert answer["stopReason"] == "tool_use"
    assert answer["output"]["message"]["content"][0]["reasoningContent"]["redactedContent"] == b"hi"
    assert answer["output"]["message"]["content"][2]["toolUse"]["input"] == {"a": 1}
    assert from_sdk(answer) == body


def _events(*frames: dict[str, Any], model: str = "m") -> list[Any]:
    decoder = C.stream_decoder(model)
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


def _delta(number: int, delta: dict[str, Any]) -> dict[str, Any]:
    return {"contentBlockDelta": {"delta": delta, "contentBlockIndex": number}}


def _stop(number: int) -> dict[str, Any]:
    return {"contentBlockStop": {"contentBlockIndex": number}}


STREAM = (
    {"messageStart": {"role": "assistant", "p": "abc"}},
    _delta(0, {"reasoningContent": {"text": "hm"}}),
    _delta(0, {"reasoningContent": {"signature": "s"}}),
    _stop(0),
    _delta(1, {"text": "a"}),
    _delta(1, {"text": "b"}),
    _delta(1, {"citation": {"title": "t"}}),
    _stop(1),
    {"contentBlockStart": {"start": {"toolUse": {"toolUseId": "t1", "name": "f"}}, "contentBlockIndex": 2}},
    _delta(2, {"toolUse": {"input": '{"a":'}}),
    _delta(2, {"toolUse": {"input": "1}"}}),
    _stop(2),
    {"messageStop": {"stopReason": "tool_use"}},
    {"metadata": {"usage": {"inputTokens": 1, "outputTokens": 2, "totalTokens": 3}, "metrics": {"latencyMs": 7}}},
)


def test_a_stream_is_read_event_by_event() -> None:
    assert _events(*STREAM) == [
        Started(id="", model="m"),
        PartStarted(index=0, part=Reasoning(issuer="bedrock")),
        TextDelta(index=0, text="hm"),
        SignatureDelta(index=0, signature="s"),
        PartEnded(index=0),
        PartStarted(index=1, part=Text(text="")),
        TextDelta(index=1, text="a"),
        TextDelta(index=1, text="b"),
        PartEnded(index=1, provider_fields={"bedrock": {"citations": [{"title": "t"}]}}),
        PartStarted(index=2, part=ToolCall(id="t1", name="f")),
        ArgumentsDelta(index=2, arguments='{"a":'),
        ArgumentsDelta(index=2, arguments="1}"),
        PartEnded(index=2),
        Finished(finish_reason="tool_calls"),
        UsageReported(usage=Usage(input_tokens=1, output_tokens=2)),
        Restated(provider_fields={"bedrock": {"metrics": {"latencyMs": 7}}}),
    ]


def test_a_stream_that_was_read_is_written_again() -> None:
    encoder = C.stream_encoder(_ask())
    frames = [frame for event in _events(*STREAM) for frame in encoder.feed(event)] + encoder.close()
    assert frames == [{"messageStart": {"role": "assistant"}}, *STREAM[1:]]
    assert encoder.losses == ()


def test_a_providers_own_block_comes_whole() -> None:
    start = {"toolUseId": "t", "name": "nova_code_interpreter", "type": "server_tool_use"}
    result = {"toolUseId": "t", "status": "success", "type": "nova_code_interpreter_result"}
    frames = (
        STREAM[0],
        {"contentBlockStart": {"start": {"toolUse": start}, "contentBlockIndex": 0}},
        _delta(0, {"toolUse": {"input": '{"s":'}}),
        _delta(0, {"toolUse": {"input": "1}"}}),
        _stop(0),
        {"contentBlockStart": {"start": {"toolResult": result}, "contentBlockIndex": 1}},
        _delta(1, {"toolResult": [{"json": {"x": 1}}]}),
        _stop(1),
        {"contentBlockStart": {"start": {"image": {"format": "png"}}, "contentBlockIndex": 2}},
        _delta(2, {"image": {"source": {"bytes": "aGk="}}}),
        _stop(2),
        _delta(3, {"reasoningContent": {"redactedContent": "aGk="}}),
        _stop(3),
        {"messageStop": {"stopReason": "end_turn"}},
    )
    parts = fold(_events(*frames)).candidates[0].parts
    assert parts == (
        Opaque(issuer="bedrock", value={"toolUse": {**start, "input": {"s": 1}}}),
        Opaque(issuer="bedrock", value={"toolResult": {**result, "content": [{"json": {"x": 1}}]}}),
        Blob(modality="image", media_type="image/png", data="aGk="),
        Reasoning(redacted="aGk=", issuer="bedrock"),
    )
    encoder = C.stream_encoder(_ask())
    again = [frame for event in _events(*frames) for frame in encoder.feed(event)]
    assert fold(_events(*again)).candidates[0].parts == parts
    assert encoder.losses == ()


def test_unknown_frames_and_members_are_skipped() -> None:
    frames = (
        {"initial-response": {}},
        {"aFutureEvent": {"x": 1}},
        _delta(0, {"SDK_UNKNOWN_MEMBER": {"name": "x"}}),
        _stop(0),
    )
    assert _events(*frames) == []


def test_metadata_ends_every_complete_stream_and_no_other() -> None:
    encoder = C.stream_encoder(_ask())
    encoder.feed(Started(id="", model="m"))
    assert encoder.close() == []
    encoder.feed(Finished(finish_reason="stop"))
    (frame,) = encoder.close()
    assert frame["metadata"]["usage"] == {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}


def test_a_call_without_arguments_streams_an_empty_object() -> None:
    encoder = C.stream_encoder(_ask())
    for event in (Started(id="", model="m"), PartStarted(index=0, part=ToolCall(id="t", name="f"))):
        encoder.feed(event)
    frames = encoder.feed(PartEnded(index=0))
    assert frames == [_delta(0, {"toolUse": {"input": "{}"}}), _stop(0)]


def _stream(client: Any, frames: list[dict[str, Any]]) -> Any:
    wire = b"".join(C.frame(frame) for frame in frames)
    headers = {"content-type": C.stream_content_type}
    answering = _answering(client, 200, headers, wire)
    return answering.converse_stream(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])["stream"]


def test_botocore_parses_an_encoded_stream(client: Any) -> None:
    assert [from_sdk(event) for event in _stream(client, list(STREAM[1:]))] == list(STREAM[1:])


KINDS: tuple[FailureKind, ...] = (
    "rate_limit",
    "quota_exhausted",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "context_overflow",
    "content_policy",
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "cancelled",
)


@pytest.mark.parametrize("kind", KINDS)
def test_botocore_raises_an_error_that_is_met_in_a_stream(client: Any, kind: FailureKind) -> None:
    encoder = C.stream_encoder(_ask())
    frames = encoder.feed(Started(id="", model="m"))
    frames += encoder.feed(Failed(failure=Failure(kind=kind, message="key sk-secret")))
    assert encoder.close() == []
    with pytest.raises(EventStreamError) as raised:
        list(_stream(client, frames))
    assert raised.value.response["Error"]["Code"] == next(iter(frames[1]))
    assert "secret" not in str(raised.value)


def test_an_exception_frame_is_a_failure() -> None:
    events = _events({"throttlingException": {"message": "slow down"}})
    failure = Failure(kind="rate_limit", code="throttlingException", message="slow down")
    assert events == [Started(id="", model="m"), Failed(failure=failure)]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("rate_limit", "ThrottlingException"),
        ("quota_exhausted", "ServiceQuotaExceededException"),
        ("overloaded", "ServiceUnavailableException"),
        ("server", "InternalServerException"),
        ("timeout", "ModelTimeoutException"),
        ("context_overflow", "ValidationException"),
        ("content_policy", "ValidationException"),
        ("bad_request", "ValidationException"),
        ("permission", "AccessDeniedException"),
        ("not_found", "ResourceNotFoundException"),
        ("auth", "ClientError"),
    ],
)
def test_botocore_raises_the_modelled_class(client: Any, kind: FailureKind, name: str) -> None:
    reply = C.encode_error(Failure(kind=kind, message="key sk-secret", retry_after_s=1.5))
    answering = _answering(client, reply.status, dict(reply.headers), json.dumps(reply.body).encode())
    with pytest.raises(ClientError) as raised:
        answering.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "x"}]}])
    assert type(raised.value).__name__ == name
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == reply.status
    assert "secret" not in str(raised.value)
    failure = C.decode_error(reply)
    assert failure.retry_after_s == 1.5
    assert failure.kind == kind or kind == "content_policy"


def _typed(name: str) -> dict[str, str]:
    return {"x-amzn-errortype": f"{name}:http://internal.amazon.com/coral/com.amazon.bedrock/"}


@pytest.mark.parametrize(
    ("status", "headers", "body", "kind"),
    [
        (429, _typed("ThrottlingException"), {"message": "Too many requests"}, "rate_limit"),
        (429, _typed("ThrottlingException"), {"message": "Too many tokens per day, wait"}, "quota_exhausted"),
        (400, _typed("ServiceQuotaExceededException"), {}, "quota_exhausted"),
        (429, _typed("ModelNotReadyException"), {}, "overloaded"),
        (503, _typed("ServiceUnavailableException"), {}, "overloaded"),
        (503, {}, {"message": "Service capacity limit has been reached."}, "overloaded"),
        (529, {}, {}, "overloaded"),
        (500, _typed("InternalServerException"), {}, "server"),
        (502, {}, "<html>bad gateway</html>", "server"),
        (504, {}, None, "timeout"),
        (424, _typed("ModelErrorException"), {"originalStatusCode": 500}, "server"),
        (424, _typed("ModelErrorException"), {"originalStatusCode": 400}, "bad_request"),
        (408, _typed("ModelTimeoutException"), {}, "timeout"),
        (400, _typed("ValidationException"), {"message": "Input is too long for requested model."}, "context_overflow"),
        (400, {}, {"__type": "com.amazon#ValidationException", "message": "prompt is too long: 9"}, "context_overflow"),
        (400, _typed("ValidationException"), {"message": "The provided model identifier is invalid."}, "not_found"),
        (400, _typed("ValidationException"), {"Message": "temperature is deprecated"}, "bad_request"),
        (403, _typed("AccessDeniedException"), {"message": "You don't have access"}, "permission"),
        (403, _typed("ExpiredTokenException"), {}, "auth"),
        (403, _typed("UnrecognizedClientException"), {}, "auth"),
        (404, _typed("ResourceNotFoundException"), {}, "not_found"),
        (413, {}, [], "context_overflow"),
    ],
)
def test_errors_by_code_status_and_text(status: int, headers: Any, body: Any, kind: str) -> None:
    assert C.decode_error(ErrorReply(status=status, headers=headers, body=body)).kind == kind


def test_blobs_change_at_their_places_only() -> None:
    blob = {"source": {"bytes": "aGk="}}
    use = {"toolUse": {"toolUseId": "t", "name": "f", "input": {"image": blob}}}
    result = {"toolResult": {"toolUseId": "t", "content": [{"document": blob}, {"json": {"image": blob}}]}}
    guard = {"guardContent": {"image": {"format": "png", **blob}}}
    body = _user({"image": blob}, use, result, guard, {"reasoningContent": {"redactedContent": "aGk="}})
    sent = to_sdk(body)["messages"][0]["content"]
    assert sent[0]["image"]["source"]["bytes"] == b"hi"
    assert sent[1] == use
    assert sent[2]["toolResult"]["content"][0]["document"]["source"]["bytes"] == b"hi"
    assert sent[2]["toolResult"]["content"][1] == {"json": {"image": blob}}
    assert sent[3]["guardContent"]["image"]["source"]["bytes"] == b"hi"
    assert sent[4]["reasoningContent"]["redactedContent"] == b"hi"
    assert from_sdk(to_sdk(body)) == body


def test_bad_base64_is_the_callers_mistake_and_no_broken_answer() -> None:
    with pytest.raises(ValueError, match="not base64") as caught:
        to_sdk(_user({"image": {"source": {"bytes": "*"}}}))
    assert not isinstance(caught.value, BadWire)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {"messages": {}},
        {"messages": ["x"]},
        {"messages": [{"role": "tool", "content": []}]},
        {"messages": [{"role": 1, "content": []}]},
        _user("x"),
        _user({"text": 1}),
        _user({"image": {"format": "png"}}),
        _user({"image": {"format": "png", "source": {"bytes": 1}}}),
        _user({"document": {"format": 1, "source": {"bytes": "x"}}}),
        _user({"toolUse": {"name": "f"}}),
        _user({"toolUse": []}),
        _user({"toolResult": {"toolUseId": "t", "content": ["x"]}}),
        _user({"reasoningContent": {"reasoningText": "x"}}),
        _user({"cachePoint": 1}),
        _user({"citationsContent": {"content": ["x"]}}),
        {"system": "x"},
        {"system": [{"text": 1}]},
        {"system": [{"guardContent": []}]},
        {"inferenceConfig": 5},
        {"inferenceConfig": {"maxTokens": "x"}},
        {"inferenceConfig": {"temperature": "x"}},
        {"inferenceConfig": {"stopSequences": [1]}},
        {"toolConfig": {"tools": [1]}},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "f"}}]}},
        {"toolConfig": {"tools": [{"toolSpec": {"name": "f", "inputSchema": {}}}]}},
        {"toolConfig": {"toolChoice": {"tool": {}}}},
        {"requestMetadata": {"a": 1}},
        {"serviceTier": "flex"},
        {"additionalModelRequestFields": [1]},
        {"outputConfig": 1},
    ],
)
def test_a_malformed_request_is_bad_wire(body: Any) -> None:
    with pytest.raises(BadWire, match="bedrock request"):
        _decode(body)


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"output": {"message": 1}},
        _answer(usage=[]),
        _answer(usage={"inputTokens": "x"}),
        _answer(usage={"cacheDetails": [1]}),
        _answer(stopReason=1),
        _answer(metrics=1),
    ],
)
def test_a_malformed_answer_is_bad_wire(body: Any) -> None:
    with pytest.raises(BadWire, match="bedrock response"):
        C.decode_response(body, "m")


@pytest.mark.parametrize(
    "frame",
    [
        [],
        {"messageStart": 1},
        {"contentBlockDelta": {}},
        _delta(0, {"text": 1}),
        _delta("x", {"text": "a"}),  # type: ignore[arg-type]
        {"contentBlockStart": {"start": {"toolUse": {}}, "contentBlockIndex": 0}},
        {"metadata": {"usage": 1}},
    ],
)
def test_a_malformed_frame_is_bad_wire(frame: Any) -> None:
    with pytest.raises(BadWire, match="bedrock"):
        C.stream_decoder("m").feed(frame)


@pytest.mark.parametrize(
    ("model", "claude", "sampling"),
    [
        (CLAUDE_37, True, True),
        (CLAUDE_47, True, False),
        ("arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-5-20270101-v1:0", True, False),
        ("anthropic.claude-v2:1", True, True),
        ("anthropic.claude-3-haiku-20240307-v1:0", True, True),
        ("anthropic.claude-sonnet-4-20250514-v1:0", True, True),
        ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", False, True),
    ],
)
def test_a_models_version_is_read_from_its_id(model: str, claude: bool, sampling: bool) -> None:
    facts = facts_of(model)
    assert (facts.claude, facts.sampling) == (claude, sampling)


def test_a_stream_that_failed_folds_into_its_failure() -> None:
    with pytest.raises(StreamFailed):
        fold(_events(STREAM[0], {"modelStreamErrorException": {"message": "x", "originalStatusCode": 500}}))
