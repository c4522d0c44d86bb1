"""Gemini's codec: against google-genai's own types and client, on golden streams, and on recorded traffic."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from google import genai
from google.genai import errors, types

from spaturzu_translators.codec import BadWire, codec
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
from spaturzu_translators.failures import ErrorReply, Failure
from spaturzu_translators.gemini.model_facts import wants_signatures
from spaturzu_translators.gemini.parts import SENTINEL
from spaturzu_translators.gemini.response import FINISH_NAMES, FINISH_REASONS
from spaturzu_translators.json_schema import from_openapi
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

C = codec("gemini")
MODEL = "gemini-3.8-flash"
ASKED = Request(model=MODEL, messages=(Message(role="user", parts=(Text(text="hi"),)),))
SCHEMA = {"type": "object", "properties": {"a": {"type": ["integer", "null"]}}, "required": ["a"]}


def decoded(body: dict[str, Any], model: str = MODEL) -> Request:
    return C.decode_request(WireRequest(body=body, model=model))


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "parts": list(parts)}


def said(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": "model", "parts": list(parts)}


def asked(**fields: Any) -> Request:
    return replace(ASKED, **fields)


def lost(request: Request) -> set[tuple[str, str, str]]:
    """What an encoder reports, once the law holds for it."""
    encoded = C.encode_request(request)
    assert not (wrong := unexplained(request, C.decode_request(encoded.value), encoded.losses)), wrong
    return {(loss.path, loss.kind, loss.matters) for loss in encoded.losses}


def lost_of_response(response: Response) -> set[tuple[str, str]]:
    encoded = C.encode_response(response, ASKED)
    after = C.decode_response(encoded.value, response.model)
    assert not (wrong := unexplained(response, after, encoded.losses)), wrong
    return {(loss.path, loss.kind) for loss in encoded.losses}


def answered(*parts: Any, reason: Any = "stop", **fields: Any) -> Response:
    candidate = Candidate(parts=parts, finish_reason=reason)
    return Response(id="r1", model="m", candidates=(candidate,), **fields)


def events_of(*chunks: dict[str, Any]) -> list[Event]:
    decoder = C.stream_decoder(MODEL)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.close()


def chunk(*parts: dict[str, Any], **candidate: Any) -> dict[str, Any]:
    usage = {"usageMetadata": candidate.pop("usage")} if "usage" in candidate else {}
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}],
        "responseId": "r1",
        "modelVersion": MODEL,
        **usage,
    }


def chunks_of(events: list[Event] | Iterator[Event], request: Request = ASKED) -> list[dict[str, Any]]:
    encoder = C.stream_encoder(request)
    return [frame for event in events for frame in encoder.feed(event)] + encoder.close()


def client(reply: httpx2.Response | None = None, seen: list[dict[str, Any]] | None = None) -> genai.Client:
    """The real SDK on a transport of ours."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if seen is not None:
            seen.append(json.loads(request.content))
        return reply or httpx2.Response(200, json=C.encode_response(answered(Text(text="ok")), ASKED).value)

    http = httpx2.Client(transport=httpx2.MockTransport(answer))
    return genai.Client(api_key="k", vertexai=False, http_options=types.HttpOptions(httpx_client=http))


def test_the_sdks_own_request_decodes_to_what_was_asked() -> None:
    seen: list[dict[str, Any]] = []
    client(seen=seen).models.generate_content(
        model=MODEL,
        contents=[
            types.Content(role="user", parts=[types.Part.from_bytes(data=b"\xfb\xef\xff", mime_type="image/png")]),
            types.Content(role="model", parts=[types.Part.from_function_call(name="f", args={"a": 1})]),
            types.Content(role="user", parts=[types.Part.from_function_response(name="f", response={"output": "1"})]),
        ],
        config=types.GenerateContentConfig(
            system_instruction="be brief",
            temperature=0.5,
            top_k=40,
            max_output_tokens=9,
            stop_sequences=["END"],
            labels={"team": "a"},
            response_mime_type="application/json",
            response_json_schema=SCHEMA,
            thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW, include_thoughts=True),
            tools=[types.Tool(function_declarations=[{"name": "f", "parameters_json_schema": SCHEMA}])],
            tool_config=types.ToolConfig(
                function_calling_config=types.FunctionCallingConfig(mode="ANY", allowed_function_names=["f"])
            ),
        ),
    )
    request = decoded(seen[0])
    assert request.system == (Text(text="be brief"),)
    assert request.messages == (
        Message(role="user", parts=(Blob(modality="image", media_type="image/png", data="++//"),)),
        Message(role="assistant", parts=(ToolCall(id="call_1_0", name="f", arguments='{"a": 1}'),)),
        Message(
            role="user",
            parts=(ToolResult(call_id="call_1_0", name="f", content=(Text(text="1"),)),),
        ),
    )
    assert (request.temperature, request.top_k, request.max_tokens) == (0.5, 40, 9)
    assert (request.stop_sequences, request.metadata) == (("END",), {"team": "a"})
    assert request.response_format == ResponseFormat(type="json_schema", schema=SCHEMA, strict=True)
    assert request.reasoning == ReasoningOptions(effort="low", include_text=True)
    assert request.tools == (Tool(name="f", parameters=SCHEMA, strict=True),)
    assert request.tool_choice == ToolChoice(mode="required", names=("f",))
    assert not request.provider_fields
    assert not lost(request)


def test_an_encoded_request_is_made_of_the_sdks_own_types() -> None:
    request = asked(
        system=(Text(text="s"),),
        messages=(
            Message(role="user", parts=(Text(text="hi"), Blob(modality="image", media_type="image/png", data="aGk="))),
            Message(
                role="assistant",
                parts=(
                    ToolCall(id="a", name="f", arguments='{"a":1}'),
                    ToolCall(id="b", name="f"),
                    ToolCall(id="c", name="f"),
                ),
            ),
            Message(
                role="user",
                parts=(
                    ToolResult(call_id="a", content=(Text(text="1"), Uri(modality="image", uri="https://x/a.png"))),
                    ToolResult(call_id="b", content=(Text(text="no"),), is_error=True),
                    ToolResult(call_id="c", content=(Text(text='{"x": 2}'),), structured=True),
                ),
            ),
        ),
        tools=(
            Tool(name="f", description="d", parameters=SCHEMA),
            OpaqueTool(issuer="gemini", value={"urlContext": {}}),
        ),
        tool_choice=ToolChoice(mode="required"),
        response_format=ResponseFormat(type="json_schema", schema=SCHEMA),
        reasoning=ReasoningOptions(effort="xhigh"),
    )
    body = C.encode_request(request).value.body
    contents = [types.Content.model_validate(content) for content in body["contents"]]
    for tool in body["tools"]:
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body["toolConfig"])
    types.Content.model_validate(body["systemInstruction"])
    config = types.GenerationConfig.model_validate(body["generationConfig"])
    assert config.thinking_config is not None
    assert config.thinking_config.thinking_level == types.ThinkingLevel.XHIGH
    calls = [part.thought_signature for part in contents[1].parts or ()]
    assert calls == [b"skip_thought_signature_validator", None, None]
    answers = [part.function_response for part in contents[2].parts or ()]
    assert [(answer.id, answer.name, answer.response) for answer in answers if answer] == [
        ("a", "f", {"output": "1"}),
        ("b", "f", {"error": "no"}),
        ("c", "f", {"x": 2}),
    ]


def test_schemas_go_out_whole_as_json_schema_only() -> None:
    """Regression, another translator: lists of types went into `parameters`, wrappers into the response schema."""
    request = asked(
        tools=(Tool(name="f", parameters=SCHEMA),),
        response_format=ResponseFormat(type="json_schema", schema=SCHEMA, strict=True),
    )
    body = C.encode_request(request).value.body
    assert body["tools"] == [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA}]}]
    assert body["generationConfig"] == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}


def test_snake_case_is_read_everywhere_but_not_in_the_callers_own_objects() -> None:
    request = decoded(
        {
            "contents": [
                {"role": "model", "parts": [{"function_call": {"name": "f", "args": {"snake_case": None}}}]},
                {"parts": [{"function_response": {"name": "f", "response": {"is_it": 1}}}]},
                user({"inline_data": {"mime_type": "image/png", "data": "aGk="}}),
                user({"file_data": {"file_uri": "gs://b/a.pdf", "mime_type": "application/pdf"}}),
            ],
            "system_instruction": {"parts": [{"text": "s"}]},
            "generation_config": {
                "max_output_tokens": "7",
                "top_k": 3.0,
                "thinking_config": {"thinking_budget": 0, "include_thoughts": None},
                "response_mime_type": "application/json",
            },
            "tools": [{"function_declarations": [{"name": "f", "parameters_json_schema": {"x_y": 1}}]}],
            "tool_config": {"function_calling_config": {"mode": "NONE", "allowed_function_names": None}},
        }
    )
    assert request.messages[0].parts[0] == ToolCall(id="call_0_0", name="f", arguments='{"snake_case": null}')
    assert request.messages[1].parts == (
        ToolResult(call_id="call_0_0", name="f", content=(Text(text='{"is_it": 1}'),), structured=True),
        Blob(modality="image", media_type="image/png", data="aGk="),
        Uri(modality="document", uri="gs://b/a.pdf", media_type="application/pdf"),
    )
    assert (request.max_tokens, request.top_k) == (7, 3)
    assert request.reasoning == ReasoningOptions(effort="none")
    assert request.response_format == ResponseFormat(type="json_object")
    assert request.tools == (Tool(name="f", parameters={"x_y": 1}),)
    assert request.tool_choice == ToolChoice(mode="none")
    assert not request.provider_fields


def test_results_without_ids_answer_the_calls_of_their_turn_in_order() -> None:
    call, result = {"functionCall": {"name": "f"}}, {"functionResponse": {"name": "f", "response": {}}}
    other = {"functionCall": {"name": "g", "id": "mine"}}
    request = decoded(
        {"contents": [said(call, call, other), user(result, result, {"functionResponse": {"name": "g"}}), said(call)]}
    )
    calls = [part.id for part in request.messages[0].parts if isinstance(part, ToolCall)]
    results = [part.call_id for part in request.messages[1].parts if isinstance(part, ToolResult)]
    assert calls == results == ["call_0_0", "call_0_1", "mine"]
    body = C.encode_request(request).value.body
    assert "id" not in body["contents"][0]["parts"][0]["functionCall"]
    assert body["contents"][1]["parts"][2]["functionResponse"]["id"] == "mine"


def test_openapi_parameters_become_json_schema_and_go_back_as_they_came() -> None:
    wire = {"type": "OBJECT", "properties": {"a": {"type": "STRING", "nullable": True}}, "required": ["a"]}
    tool = {"name": "f", "description": "", "parameters": wire}
    body = {"contents": [user({"text": "hi"})], "tools": [{"functionDeclarations": [tool]}]}
    body["generationConfig"] = {"responseMimeType": "application/json", "responseSchema": wire}  # type: ignore[assignment]
    request = decoded(body)
    expected = {
        "type": "object",
        "properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["a"],
    }
    assert isinstance(request.tools[0], Tool)
    assert request.tools[0].parameters == expected
    assert request.response_format == ResponseFormat(type="json_schema", schema=expected, strict=True)
    again = C.encode_request(request)
    assert again.value.body == body
    assert not again.losses


def test_an_openapi_schema_in_all_its_spellings() -> None:
    schema = {
        "type": "OBJECT",
        "property_ordering": ["b", "a"],
        "properties": {
            "a": {"type": 1, "format": "enum", "enum": ["x"], "nullable": True, "description": "d"},
            "b": {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": "1", "example": [1]},
            "c": {"any_of": [{"type": "NUMBER"}], "nullable": True},
        },
    }
    found = from_openapi(schema)
    assert found == {
        "type": "object",
        "properties": {
            "b": {"type": "array", "items": {"type": "integer"}, "minItems": 1, "examples": [[1]]},
            "a": {"anyOf": [{"type": "string", "enum": ["x"]}, {"type": "null"}], "description": "d"},
            "c": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
    }
    assert list(found["properties"]) == ["b", "a", "c"]


def test_signatures_stay_on_their_parts_and_the_sentinel_counts_as_none() -> None:
    contents = [
        said(
            {"text": "hm", "thought": True, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f", "args": {}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"name": "f", "args": {}}},
        ),
        user({"text": "go"}),
        said({"functionCall": {"name": "f", "args": {}}, "thoughtSignature": SENTINEL}),
    ]
    request = decoded({"contents": contents})
    thought, first, second = request.messages[0].parts
    assert thought == Reasoning(text="hm", signature="c2ln", issuer="gemini")
    assert first.provider_fields == {"gemini": {"thoughtSignature": "c2ln"}}
    assert not second.provider_fields
    assert not request.messages[2].parts[0].provider_fields
    assert C.encode_request(request).value.body["contents"] == contents


@pytest.mark.parametrize(
    ("model", "wanted"),
    [("gemini-2.5-pro", False), ("models/gemini-2.0-flash", False), ("gemini-3-pro", True), ("projects/p/x/new", True)],
)
def test_only_models_that_demand_signatures_get_the_sentinel(model: str, wanted: bool) -> None:
    request = asked(model=model, messages=(Message(role="assistant", parts=(ToolCall(id="a", name="f"),)),))
    part = C.encode_request(request).value.body["contents"][0]["parts"][0]
    assert wants_signatures(model) is wanted
    assert part.get("thoughtSignature") == (SENTINEL if wanted else None)


def test_foreign_thoughts_stay_at_home_and_refusals_become_text() -> None:
    said = Message(
        role="assistant",
        parts=(Reasoning(text="hm", signature="s", issuer="anthropic"), Refusal(text="no"), Text(text="x")),
    )
    assert lost(asked(messages=(*ASKED.messages, said, turn("user", "go on")))) == {
        ("messages[1].parts[0]", "dropped", "tuning"),
        ("messages[1].parts[1]", "emulated", "tuning"),
    }


def test_a_turn_of_which_nothing_is_left_is_not_sent() -> None:
    said = Message(role="assistant", parts=(Reasoning(text="hm", issuer="mistral"),))
    body = C.encode_request(asked(messages=(*ASKED.messages, said))).value.body
    assert [content["role"] for content in body["contents"]] == ["user"]


def test_what_gemini_cannot_read_is_a_loss_of_meaning() -> None:
    parts = (
        Text(text="look", cache="5m"),
        Uri(modality="image", uri="s3://b/a.png"),
        File(modality="document", file_id="file-1", issuer="openai"),
        Opaque(issuer="anthropic", value={"type": "search_result"}),
        Uri(modality="image", uri="https://example.com/picture"),
    )
    request = asked(
        messages=(Message(role="user", parts=parts),),
        tools=(OpaqueTool(issuer="openai", value={"type": "custom"}),),
        provider_fields={"openai": {"audio": {}}},
    )
    assert lost(request) == {
        ("messages[0].parts[0].cache", "dropped", "tuning"),
        ("messages[0].parts[1]", "dropped", "meaning"),
        ("messages[0].parts[2]", "dropped", "meaning"),
        ("messages[0].parts[3]", "dropped", "meaning"),
        ("messages[0].parts[4].media_type", "approximated", "tuning"),
        ("tools[0]", "dropped", "meaning"),
        ("provider_fields.openai.audio", "dropped", "meaning"),
    }


def turn(role: Any, *texts: str) -> Message:
    return Message(role=role, parts=tuple(Text(text=text) for text in texts))


@pytest.mark.parametrize(
    ("messages", "paths"),
    [
        (
            (turn("user", "a"), turn("system", "b"), turn("assistant", "c"), turn("user", "d")),
            {"messages[0]", "messages[1]"},
        ),
        ((turn("user", "a"), turn("assistant", "c"), turn("system", "b")), {"messages[2]"}),
        (
            (turn("user", "a", "b"), turn("system", "c"), turn("user", "d")),
            {"messages[0]", "messages[1]", "messages[2]"},
        ),
        ((turn("assistant", "a"), turn("system", "b"), turn("user", "c")), {"messages[1]", "messages[2]"}),
    ],
)
def test_a_later_system_turn_becomes_user_text_and_is_reported(messages: tuple[Message, ...], paths: set[str]) -> None:
    request = asked(messages=messages)
    assert {path for path, _, matters in lost(request) if matters == "tuning"} == paths
    sent = [part["text"] for content in C.encode_request(request).value.body["contents"] for part in content["parts"]]
    assert sent == [part.text for message in messages for part in message.parts if isinstance(part, Text)]


def test_settings_out_of_range_are_clamped_and_reported() -> None:
    request = asked(
        temperature=2.5,
        seed=2**40,
        stop_sequences=("a", "b", "c", "d", "e", "f"),
        user="U",
        metadata={"team": "a", "Team": "b", "trace": "A B"},
        service_tier="scale",
        parallel_tool_calls=False,
        tools=(Tool(name="f"),),
        response_format=ResponseFormat(type="json_schema", schema={}, name="n", description="d", strict=True),
    )
    assert {path for path, *_ in lost(request)} == {
        "temperature",
        "seed",
        "stop_sequences[5]",
        "user",
        "metadata.Team",
        "metadata.trace",
        "service_tier",
        "parallel_tool_calls",
        "system",
        "response_format.name",
        "response_format.description",
    }


@pytest.mark.parametrize(
    ("model", "wanted", "config", "paths"),
    [
        (MODEL, ReasoningOptions(effort="high"), {"thinkingLevel": "HIGH"}, set[str]()),
        (MODEL, ReasoningOptions(effort="none"), {"thinkingBudget": 0}, set[str]()),
        (MODEL, ReasoningOptions(effort="max"), {"thinkingLevel": "XHIGH"}, {"reasoning.effort"}),
        (MODEL, ReasoningOptions(budget_tokens=99), {"thinkingBudget": 99}, set[str]()),
        (MODEL, ReasoningOptions(budget_tokens=0), {"thinkingBudget": 0}, {"reasoning"}),
        (
            MODEL,
            ReasoningOptions(effort="low", budget_tokens=99),
            {"thinkingLevel": "LOW"},
            {"reasoning.budget_tokens"},
        ),
        ("gemini-3-pro", ReasoningOptions(effort="none"), {"thinkingLevel": "LOW"}, {"reasoning.effort"}),
        ("gemini-2.5-flash", ReasoningOptions(effort="medium"), {"thinkingBudget": 8192}, {"reasoning"}),
        ("gemini-2.5-pro", ReasoningOptions(effort="none"), {"thinkingBudget": 128}, {"reasoning"}),
        ("gemini-2.5-pro", ReasoningOptions(budget_tokens=1), {"thinkingBudget": 128}, {"reasoning.budget_tokens"}),
        (
            "gemini-2.5-pro",
            ReasoningOptions(effort="low", budget_tokens=200),
            {"thinkingBudget": 200},
            {"reasoning.effort"},
        ),
        ("gemini-2.0-flash", ReasoningOptions(effort="low"), None, {"reasoning"}),
    ],
)
def test_thinking_is_asked_for_as_the_model_takes_it(
    model: str, wanted: ReasoningOptions, config: Any, paths: set[str]
) -> None:
    request = asked(model=model, reasoning=wanted)
    body = C.encode_request(request).value.body
    assert body.get("generationConfig", {}).get("thinkingConfig") == config
    assert {path for path, *_ in lost(request)} == paths


F, G, LAX = Tool(name="f", strict=True), Tool(name="g"), Tool(name="g", strict=False)


@pytest.mark.parametrize(
    ("tools", "choice", "config", "paths"),
    [
        ((F,), ToolChoice(mode="auto"), {"mode": "VALIDATED"}, set[str]()),
        ((F, G), ToolChoice(mode="auto"), {"mode": "VALIDATED"}, set[str]()),
        ((F, LAX), ToolChoice(mode="auto"), {"mode": "AUTO"}, {"tools[0].strict"}),
        ((F, G), None, {"mode": "VALIDATED"}, set[str]()),
        ((F,), ToolChoice(mode="required"), {"mode": "ANY"}, set[str]()),
        ((F,), ToolChoice(mode="none"), {"mode": "NONE"}, {"tools[0].strict"}),
        (
            (F, G),
            ToolChoice(mode="auto", names=("g",)),
            {"mode": "VALIDATED", "allowedFunctionNames": ["g"]},
            set[str](),
        ),
        ((G,), ToolChoice(mode="none", names=("g",)), {"mode": "NONE"}, {"tool_choice.names"}),
        ((G,), ToolChoice(mode="required"), {"mode": "ANY"}, set[str]()),
    ],
)
def test_every_tool_choice(tools: tuple[Tool, ...], choice: ToolChoice | None, config: Any, paths: set[str]) -> None:
    request = asked(tools=tools, tool_choice=choice)
    assert C.encode_request(request).value.body["toolConfig"] == {"functionCallingConfig": config}
    assert {path for path, *_ in lost(request)} == paths


def test_an_older_model_is_not_asked_to_validate_its_calls() -> None:
    request = asked(model="gemini-2.0-flash", tools=(F,))
    assert "toolConfig" not in C.encode_request(request).value.body
    assert {path for path, *_ in lost(request)} == {"tools[0].strict"}


def test_a_call_that_must_be_made_is_held_to_its_schema() -> None:
    body = {
        "contents": [user({"text": "hi"})],
        "tools": [{"functionDeclarations": [{"name": "f"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    }
    assert [tool.strict for tool in decoded(body).tools if isinstance(tool, Tool)] == [True]


def test_a_tool_name_that_gemini_refuses_is_respelt_everywhere_and_comes_back() -> None:
    name = "9-lives"
    request = asked(
        tools=(Tool(name=name),),
        tool_choice=ToolChoice(mode="required", names=(name,)),
        messages=(
            Message(role="assistant", parts=(ToolCall(id="a", name=name),)),
            Message(role="user", parts=(ToolResult(call_id="a", name=name, content=(Text(text="x"),)),)),
        ),
    )
    wire = C.encode_request(request).value
    [(spelt, own)] = wire.renamed_tools.items()
    assert own == name
    assert spelt.startswith("_9-lives_")
    assert name not in json.dumps(wire.body).replace(spelt, "")
    assert not lost(request)


def test_arguments_that_are_not_an_object_are_kept_as_raw_text() -> None:
    request = asked(messages=(Message(role="assistant", parts=(ToolCall(id="a", name="f", arguments='{"a": '),)),))
    assert lost(request) == {("messages[0].parts[0].arguments", "emulated", "tuning")}
    call = C.encode_request(request).value.body["contents"][0]["parts"][0]["functionCall"]
    assert call["args"] == {"_raw": '{"a": '}


def test_results_of_many_texts_are_joined_and_reported() -> None:
    calls = Message(role="assistant", parts=(ToolCall(id="a", name="f"),))
    result = ToolResult(call_id="a", content=(Text(text="x"), Text(text="y", cache="1h")))
    request = asked(messages=(calls, Message(role="user", parts=(result,))))
    assert lost(request) == {("messages[1].parts[0].content", "approximated", "tuning")}


@pytest.mark.parametrize(
    "response",
    [
        {"output": "x"},
        {"output": [1, {"a": None}]},
        {"error": "no"},
        {"error": {"code": 1}},
        {"any": 1, "error": "e"},
        {},
    ],
)
def test_any_result_object_goes_back_as_it_came(response: dict[str, Any]) -> None:
    result = {"functionResponse": {"id": "a", "name": "f", "response": response}}
    body = {"contents": [said({"functionCall": {"id": "a", "name": "f", "args": {}}}), user(result)]}
    assert C.encode_request(decoded(body, "gemini-2.5-pro")).value.body == body


def test_what_has_no_canonical_name_goes_back_to_its_place() -> None:
    body = {
        "contents": [
            user(
                {"fileData": {"fileUri": "https://generativelanguage.googleapis.com/v1beta/files/a"}},
                {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}, "videoMetadata": {"fps": 2}},
            ),
            said({"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "c2ln"}),
        ],
        "cachedContent": "cachedContents/x",
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "OFF"}],
        "generationConfig": {
            "topK": 2.5,
            "mediaResolution": "MEDIA_RESOLUTION_LOW",
            "responseModalities": ["TEXT"],
            "speechConfig": {"voice_config": {}},
            "thinkingConfig": {"thinkingBudget": -1, "later": True},
        },
        "toolConfig": {"retrievalConfig": {"languageCode": "de"}},
        "tools": [{"googleSearch": {}}],
    }
    request = decoded(body)
    again = C.encode_request(request)
    assert again.value.body == body
    assert not again.losses
    assert request.tools == (OpaqueTool(issuer="gemini", value={"googleSearch": {}}),)
    assert request.messages[0].parts[0] == File(
        modality="document",
        file_id="https://generativelanguage.googleapis.com/v1beta/files/a",
        issuer="gemini",
        detail="low",
    )


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "contents is missing"),
        ({"contents": 3}, "contents"),
        ({"contents": ["hi"]}, "contents[0]"),
        ({"contents": [{"role": "judge", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"role": 1, "parts": []}]}, "contents[0].role"),
        ({"contents": [user({"text": 1})]}, "contents[0].parts[0].text"),
        ({"contents": [user({"text": "a", "thought": "yes"})]}, "thought"),
        ({"contents": [user({"inlineData": {"mimeType": "image/png"}})]}, "lacks data"),
        ({"contents": [user({"fileData": {}})]}, "lacks fileUri"),
        ({"contents": [said({"functionCall": {"args": {}}})]}, "lacks name"),
        ({"contents": [said({"functionCall": {"name": "f", "args": "{}"}})]}, "args must be an object"),
        ({"contents": [user({"functionResponse": {"name": "f", "response": "x"}})]}, "response must be an object"),
        ({"contents": [], "generationConfig": []}, "generationConfig"),
        ({"contents": [], "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"contents": [], "generationConfig": {"maxOutputTokens": 1.5}}, "generationConfig.maxOutputTokens"),
        ({"contents": [], "generationConfig": {"seed": True}}, "generationConfig.seed"),
        ({"contents": [], "generationConfig": {"stopSequences": "a"}}, "generationConfig.stopSequences"),
        ({"contents": [], "generationConfig": {"topK": []}}, "generationConfig.topK"),
        ({"contents": [], "generationConfig": {"thinkingConfig": 1}}, "thinkingConfig"),
        ({"contents": [], "generationConfig": {"thinkingConfig": {"thinkingLevel": 1}}}, "thinkingLevel"),
        ({"contents": [], "tools": [{"functionDeclarations": [{}]}]}, "name"),
        ({"contents": [], "tools": [{"functionDeclarations": [{"name": "f", "parameters": 1}]}]}, "parameters"),
        ({"contents": [], "toolConfig": {"functionCallingConfig": {"mode": 1}}}, "mode"),
        ({"contents": [], "labels": {"a": 1}}, "labels.a"),
        ({"contents": [], "serviceTier": 1}, "serviceTier"),
        ({"contents": [], "systemInstruction": 1}, "systemInstruction"),
    ],
)
def test_a_malformed_request_says_what_is_wrong(body: dict[str, Any], says: str) -> None:
    with pytest.raises(BadWire) as caught:
        decoded(body)
    assert str(caught.value).startswith("gemini request")
    assert says in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        {"candidates": 1},
        {"candidates": ["x"]},
        {"candidates": [{"content": {"parts": [{"text": 1}]}}]},
        {"candidates": [{"content": 1}]},
        {"candidates": [{"finishReason": 1}]},
        {"usageMetadata": {"promptTokenCount": "many"}},
        {"usageMetadata": []},
        {"responseId": 1},
        {"createTime": 1},
        {"promptFeedback": "no"},
    ],
)
def test_a_malformed_answer_says_what_is_wrong(body: dict[str, Any]) -> None:
    with pytest.raises(BadWire, match="gemini"):
        C.decode_response(body, MODEL)
    with pytest.raises(BadWire, match="gemini"):
        events_of({"candidates": [{"index": "x"}], **body})


@pytest.mark.parametrize("word", sorted(FINISH_REASONS))
def test_every_finish_reason_goes_back_as_it_came(word: str) -> None:
    body = {"candidates": [{"content": {"role": "model"}, "finishReason": word, "index": 0}], "modelVersion": MODEL}
    response = C.decode_response(body, MODEL)
    assert response.candidates[0].finish_reason == FINISH_REASONS[word]
    assert C.encode_response(response, ASKED).value == body


def test_every_canonical_finish_reason_is_a_word_of_the_sdk() -> None:
    assert set(FINISH_NAMES.values()) <= {reason.value for reason in types.FinishReason}
    assert {reason.value for reason in types.FinishReason} <= set(FINISH_REASONS)


def test_a_call_that_finishes_with_stop_is_tool_calls() -> None:
    """Regression, another translator: `finish_reason: stop`, and thoughts missing from the output tokens."""
    body = {
        "candidates": [{"content": said({"functionCall": {"name": "f", "args": {"a": 1}}}), "finishReason": "STOP"}],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 5},
        "responseId": "r1",
    }
    response = C.decode_response(body, MODEL)
    assert response.candidates[0].finish_reason == "tool_calls"
    assert response.usage == Usage(input_tokens=10, output_tokens=8, reasoning_tokens=5)
    other = C.decode_response({**body, "responseId": "r2"}, MODEL)
    ids = [part.id for found in (response, other) for part in found.candidates[0].parts if isinstance(part, ToolCall)]
    assert len(set(ids)) == 2


def test_a_blocked_prompt_is_a_candidate_that_the_filter_stopped() -> None:
    body = {"promptFeedback": {"blockReason": "SAFETY"}, "modelVersion": MODEL, "responseId": "r1"}
    response = C.decode_response(body, MODEL)
    assert response.candidates == (Candidate(finish_reason="content_filter"),)
    assert C.encode_response(response, ASKED).value == body
    assert fold(iter(events_of(body))) == response


def test_usage_is_counted_as_gemini_counts_it() -> None:
    wire = {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "candidatesTokenCount": 20,
        "thoughtsTokenCount": 7,
        "toolUsePromptTokenCount": 5,
        "totalTokenCount": 132,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 90}, {"modality": "AUDIO", "tokenCount": 10}],
        "trafficType": "ON_DEMAND",
    }
    response = C.decode_response({"usageMetadata": wire}, MODEL)
    usage = response.usage
    assert usage is not None
    assert (usage.input_tokens, usage.output_tokens) == (105, 27)
    assert (usage.cache_read_tokens, usage.reasoning_tokens, usage.input_audio_tokens) == (40, 7, 10)
    assert C.encode_response(response, ASKED).value["usageMetadata"] == wire


def test_usage_that_gemini_cannot_say_is_reported() -> None:
    usage = Usage(input_tokens=1, output_tokens=2, reasoning_tokens=3, cache_creation_tokens=4, input_audio_tokens=1)
    assert lost_of_response(answered(Text(text="x"), usage=usage)) == {
        ("usage.output_tokens", "approximated"),
        ("usage.cache_creation_tokens", "dropped"),
    }


def test_an_answer_is_what_the_sdk_reads() -> None:
    response = answered(
        Reasoning(text="hm", signature="s", issuer="anthropic"),
        Text(text="hi"),
        ToolCall(id="a", name="f", arguments='{"a": 1}'),
        ToolCall(id="b", name="g"),
        reason="tool_calls",
        created=1_790_000_000,
        usage=Usage(input_tokens=9, output_tokens=8, reasoning_tokens=3),
    )
    assert lost_of_response(response) == {
        ("candidates[0].parts[0].signature", "dropped"),
    }
    native = types.GenerateContentResponse.model_validate(C.encode_response(response, ASKED).value)
    assert native.candidates
    assert native.candidates[0].finish_reason == types.FinishReason.STOP
    assert [(call.id, call.name, call.args) for call in native.function_calls or ()] == [
        ("a", "f", {"a": 1}),
        ("b", "g", {}),
    ]
    signatures = [part.thought_signature for part in native.parts or ()]
    skip = b"skip_thought_signature_validator"
    assert signatures == [skip, None, skip, None]
    assert native.usage_metadata
    assert native.usage_metadata.candidates_token_count == 5
    assert native.usage_metadata.total_token_count == 17


def test_an_image_answer_keeps_its_bytes() -> None:
    blob = Blob(modality="image", media_type="image/png", data=base64.b64encode(b"\xfb\xef\xff").decode())
    native = types.GenerateContentResponse.model_validate(C.encode_response(answered(blob), ASKED).value)
    assert native.parts
    assert native.parts[0].inline_data
    assert native.parts[0].inline_data.data == b"\xfb\xef\xff"


@pytest.mark.parametrize(
    ("reason", "lossy"),
    [("stop_sequence", True), ("context_window", True), ("refusal", True), ("guardrail", False), ("pause", False)],
)
def test_finish_reasons_without_a_word_of_their_own_are_reported(reason: Any, lossy: bool) -> None:
    response = answered(Text(text="x"), reason=reason)
    assert lost_of_response(response) == ({("candidates[0].finish_reason", "approximated")} if lossy else set())


def test_openais_log_probabilities_are_respelt() -> None:
    token = {"token": "a", "logprob": -1.0, "top_logprobs": [{"token": "b", "logprob": -2.0}]}
    candidate = Candidate(parts=(Text(text="a"),), finish_reason="stop", logprobs={"content": [token]})
    response = Response(id="r", model="m", candidates=(candidate,))
    assert lost_of_response(response) == {("candidates[0].logprobs", "approximated")}
    native = types.GenerateContentResponse.model_validate(C.encode_response(response, ASKED).value)
    assert native.candidates
    assert native.candidates[0].logprobs_result
    assert native.candidates[0].logprobs_result.top_candidates


def test_the_last_chunks_text_is_heard_and_usage_is_the_last_one() -> None:
    """Regression, another translator: the text beside a finish reason vanished; cumulative usage was summed."""
    usage = {"promptTokenCount": 10, "candidatesTokenCount": 1}
    events = events_of(
        chunk({"text": "hm", "thought": True}, usage={"promptTokenCount": 10}),
        chunk({"text": "hello"}, usage=usage),
        chunk(
            {"text": " world"}, finishReason="STOP", usage={**usage, "candidatesTokenCount": 3, "thoughtsTokenCount": 5}
        ),
    )
    assert [event for event in events if not isinstance(event, UsageReported)] == [
        Started(id="r1", model=MODEL),
        PartStarted(index=0, part=Reasoning(issuer="gemini")),
        TextDelta(index=0, text="hm"),
        PartEnded(index=0),
        PartStarted(index=1, part=Text(text="")),
        TextDelta(index=1, text="hello"),
        TextDelta(index=1, text=" world"),
        PartEnded(index=1),
        Finished(finish_reason="stop"),
    ]
    assert fold(events).usage == Usage(input_tokens=10, output_tokens=8, reasoning_tokens=5)


def test_a_streams_signatures_and_calls_stay_where_they_belong() -> None:
    events = events_of(
        chunk({"text": "hm", "thought": True}),
        chunk({"text": "", "thought": True, "thoughtSignature": "c2ln"}),
        chunk({"text": "so"}),
        chunk({"text": "", "thoughtSignature": "c2lo"}, {"functionCall": {"name": "f", "args": {"a": 1}}}),
        chunk({"executableCode": {"code": "1"}}, {"text": ""}),
        chunk({"text": ""}, finishReason="STOP", groundingMetadata={"x": 1}),
    )
    assert SignatureDelta(index=0, signature="c2ln") in events
    candidate = fold(events).candidates[0]
    thought, text, call, code = candidate.parts
    assert thought == Reasoning(text="hm", signature="c2ln", issuer="gemini")
    assert text == Text(text="so", provider_fields={"gemini": {"thoughtSignature": "c2lo"}})
    assert isinstance(call, ToolCall)
    assert (call.name, call.arguments) == ("f", '{"a": 1}')
    assert code == Opaque(issuer="gemini", value={"executableCode": {"code": "1"}})
    assert candidate.finish_reason == "tool_calls"
    assert candidate.provider_fields == {"gemini": {"groundingMetadata": {"x": 1}}}


def test_a_cut_stream_does_not_finish() -> None:
    events = events_of(chunk({"text": "hel"}))
    assert not any(isinstance(event, Finished) for event in events)


def test_candidates_of_a_stream_are_told_apart_by_index() -> None:
    both = {"candidates": [{"content": said({"text": str(n)}), "index": n, "finishReason": "STOP"} for n in (1, 0)]}
    candidates = fold(events_of(both)).candidates
    assert [candidate.parts for candidate in candidates] == [(Text(text="0"),), (Text(text="1"),)]


def test_the_encoder_streams_text_at_once_and_calls_when_they_are_whole() -> None:
    encoder = C.stream_encoder(ASKED)
    events: list[Event] = [
        Started(id="r1", model="m"),
        PartStarted(index=0, part=Text(text="")),
        TextDelta(index=0, text="hi"),
        PartEnded(index=0),
        PartStarted(index=1, part=ToolCall(id="a", name="f")),
        ArgumentsDelta(index=1, arguments='{"a"'),
        ArgumentsDelta(index=1, arguments=": 1}"),
        PartEnded(index=1),
        UsageReported(usage=Usage(input_tokens=1)),
        Finished(finish_reason="tool_calls"),
        UsageReported(usage=Usage(output_tokens=2)),
    ]
    frames = [encoder.feed(event) for event in events] + [encoder.close()]
    assert [len(found) for found in frames] == [0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    call, last = frames[7][0]["candidates"][0]["content"]["parts"][0], frames[-1][0]
    assert call == {"functionCall": {"id": "a", "name": "f", "args": {"a": 1}}, "thoughtSignature": SENTINEL}
    assert last["candidates"][0]["finishReason"] == "STOP"
    assert last["usageMetadata"] == {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3}
    assert not encoder.losses


def test_texts_that_run_together_in_a_stream_are_reported() -> None:
    response = answered(Text(text="a"), Text(text="b"), Text(text="c"))
    encoder = C.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert {(loss.path, loss.kind) for loss in encoder.losses} == {
        ("candidates[0].parts[0]", "approximated"),
        ("candidates[0].parts[1]", "dropped"),
        ("candidates[0].parts[2]", "dropped"),
    }
    assert not (wrong := unexplained(response, fold(events_of(*frames)), encoder.losses)), wrong


def test_a_rich_answer_streams_as_it_is_said_plainly() -> None:
    response = answered(
        Reasoning(text="hm", signature="c2ln", issuer="gemini"),
        Text(text="so", provider_fields={"gemini": {"thoughtSignature": "c2lo"}}),
        Text(text="then"),
        Blob(modality="image", media_type="image/png", data="aGk="),
        Opaque(issuer="gemini", value={"executableCode": {"code": "1"}}),
        Opaque(issuer="openai", value={}),
        usage=Usage(input_tokens=1, output_tokens=2),
        provider_fields={"gemini": {"modelStatus": {"x": 1}}},
    )
    encoder = C.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert encoder.losses == (Loss(path="candidates[0].parts[5]", kind="dropped", matters="meaning"),)
    assert not (wrong := unexplained(response, fold(events_of(*frames)), encoder.losses)), wrong


def test_the_sdk_reads_our_stream() -> None:
    response = answered(Text(text="hi"), ToolCall(id="a", name="f", arguments='{"a": 1}'), reason="tool_calls")
    wire = b"".join(C.frame(frame) for frame in chunks_of(unfold(response)))
    reply = httpx2.Response(200, content=wire, headers={"content-type": C.stream_content_type})
    chunks = list(client(reply).models.generate_content_stream(model=MODEL, contents="hi"))
    assert "".join(part.text or "" for found in chunks for part in found.parts or ()) == "hi"
    assert [call.args for found in chunks for call in found.function_calls or ()] == [{"a": 1}]
    assert chunks[-1].candidates
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP


@pytest.mark.parametrize(("kind", "raised"), [("overloaded", errors.ServerError), ("rate_limit", errors.ClientError)])
def test_an_error_in_our_stream_raises_the_sdks_own_class(kind: Any, raised: type[Exception]) -> None:
    events: list[Event] = [
        Started(id="r", model="m"),
        PartStarted(index=0, part=Text(text="a")),
        Failed(failure=Failure(kind=kind, message="secret")),
    ]
    encoder = C.stream_encoder(ASKED)
    wire = b"".join(C.frame(frame) for event in events for frame in encoder.feed(event))
    stream = client(httpx2.Response(200, content=wire)).models.generate_content_stream(model=MODEL, contents="hi")
    assert next(stream).text == "a"
    with pytest.raises(raised) as caught:
        next(stream)
    assert "secret" not in str(caught.value)


def test_an_error_in_a_stream_is_a_failure() -> None:
    [event] = events_of({"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}})
    assert event == Failed(failure=Failure(kind="overloaded", status=503, code="UNAVAILABLE", message="overloaded"))


def error(code: int, status: str, message: str = "", *details: dict[str, Any]) -> ErrorReply:
    return ErrorReply(
        status=code,
        body={"error": {"code": code, "message": message, "status": status, "details": list(details)}},
    )


RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7.5s"}


def quota(name: str) -> dict[str, Any]:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": name}]}


@pytest.mark.parametrize(
    ("reply", "kind", "wait"),
    [
        (error(429, "RESOURCE_EXHAUSTED", "", quota("RequestsPerMinutePerProject"), RETRY), "rate_limit", 7.5),
        (error(429, "RESOURCE_EXHAUSTED", "", quota("RequestsPerDayPerProject"), RETRY), "quota_exhausted", 7.5),
        (error(429, "RESOURCE_EXHAUSTED", "Please retry in 48.9s."), "rate_limit", 48.9),
        (replace(error(429, "RESOURCE_EXHAUSTED"), headers={"retry-after": "3"}), "rate_limit", 3.0),
        (error(402, "RESOURCE_EXHAUSTED", "prepay"), "quota_exhausted", None),
        (error(400, "FAILED_PRECONDITION", "Enable billing on your project"), "quota_exhausted", None),
        (error(400, "FAILED_PRECONDITION", "User location is not supported"), "permission", None),
        (error(503, "UNAVAILABLE"), "overloaded", None),
        (error(500, "INTERNAL"), "server", None),
        (error(502, "UNKNOWN"), "server", None),
        (error(504, "DEADLINE_EXCEEDED"), "timeout", None),
        (error(499, "CANCELLED"), "cancelled", None),
        (
            error(
                400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
            ),
            "context_overflow",
            None,
        ),
        (error(400, "INVALID_ARGUMENT", "", {"reason": "API_KEY_INVALID"}), "auth", None),
        (error(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key."), "auth", None),
        (error(400, "INVALID_ARGUMENT", "The document has no pages."), "bad_request", None),
        (error(401, "UNAUTHENTICATED"), "auth", None),
        (error(403, "PERMISSION_DENIED"), "permission", None),
        (error(404, "NOT_FOUND"), "not_found", None),
        (ErrorReply(status=502, body="<html>bad gateway</html>"), "server", None),
        (ErrorReply(status=503, body=None), "overloaded", None),
        (ErrorReply(status=429, body=[{"error": {"status": "RESOURCE_EXHAUSTED"}}]), "rate_limit", None),
        (ErrorReply(status=429, body={"error": "x", "details": 3}), "rate_limit", None),
    ],
)
def test_every_error_has_its_kind(reply: ErrorReply, kind: str, wait: float | None) -> None:
    failure = C.decode_error(reply)
    assert (failure.kind, failure.retry_after_s, failure.status) == (kind, wait, reply.status)


KINDS: list[Any] = [
    "rate_limit",
    "quota_exhausted",
    "overloaded",
    "server",
    "timeout",
    "context_overflow",
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "cancelled",
]


@pytest.mark.parametrize("kind", KINDS)
def test_the_sdk_raises_its_own_class_for_our_error_and_we_read_it_back(kind: Any) -> None:
    reply = C.encode_error(Failure(kind=kind, retry_after_s=2.5, message="secret"))
    assert C.decode_error(reply).kind == kind
    assert C.decode_error(reply).retry_after_s == 2.5
    http = httpx2.Response(reply.status, json=reply.body, headers=dict(reply.headers))
    with pytest.raises(errors.APIError) as caught:
        client(http).models.generate_content(model=MODEL, contents="hi")
    assert type(caught.value) is (errors.ServerError if reply.status >= 500 else errors.ClientError)
    assert caught.value.status == reply.body["error"]["status"]
    assert "secret" not in str(caught.value)
