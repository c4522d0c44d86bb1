"""Every provider's own SDK as the judge of what we encode: its request types, answers and stream events.

`check_request`, `check_answer` and `check_frames` raise what the SDK raises.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import botocore.session
from anthropic.types import Message as AnthropicMessage
from anthropic.types import RawMessageStreamEvent
from anthropic.types.message_create_params import MessageCreateParams
from botocore.validate import ParamValidator
from google.genai import types
from mistralai.client import models
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionContentPartParam,
    ChatCompletionMessageParam,
    ChatCompletionToolChoiceOptionParam,
    ChatCompletionToolUnionParam,
)
from openai.types.responses import Response as OpenAIResponse
from openai.types.responses import ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from openai.types.shared_params import (
    ResponseFormatJSONObject,
    ResponseFormatJSONSchema,
    ResponseFormatText,
)
from pydantic import TypeAdapter

from spaturzu_translators import Wire
from spaturzu_translators.bedrock.blobs import to_sdk
from spaturzu_translators.requests import WireRequest


@cache
def _type(form: Any) -> TypeAdapter[Any]:
    return TypeAdapter(form)


def check_request(wire_name: Wire, wire: WireRequest) -> None:
    """Is the body what the SDK itself would send?"""
    _REQUESTS[wire_name](wire)


def check_answer(wire_name: Wire, body: dict[str, Any]) -> None:
    """Does the SDK take the body for its own answer?"""
    _ANSWERS[wire_name](body)


def check_frames(wire_name: Wire, frames: list[dict[str, Any]]) -> None:
    """Does the SDK take the frames for its own events?"""
    for frame in frames:
        _FRAMES[wire_name](frame)


def _openai_request(wire: WireRequest) -> None:
    for message in wire.body["messages"]:
        _type(ChatCompletionMessageParam).validate_python(message)
        if message["role"] == "user" and isinstance(message["content"], list):
            for part in message["content"]:
                _type(ChatCompletionContentPartParam).validate_python(part)
    for tool in wire.body.get("tools", ()):
        _type(ChatCompletionToolUnionParam).validate_python(tool)
    for name, form in (
        ("tool_choice", ChatCompletionToolChoiceOptionParam),
        ("response_format", ResponseFormatJSONObject | ResponseFormatJSONSchema | ResponseFormatText),
    ):
        if name in wire.body:
            _type(form).validate_python(wire.body[name])


def _anthropic_request(wire: WireRequest) -> None:
    _type(MessageCreateParams).validate_python(wire.body)


@cache
def _bedrock_operation(name: str) -> Any:
    return botocore.session.get_session().get_service_model("bedrock-runtime").operation_model(name)


def _bedrock_valid(value: Any, shape: Any) -> None:
    report = ParamValidator().validate(to_sdk(value), shape)
    if report.has_errors():
        raise ValueError(report.generate_report())


def _bedrock_request(wire: WireRequest) -> None:
    _bedrock_valid({**wire.body, "modelId": wire.model}, _bedrock_operation("ConverseStream").input_shape)


def _bedrock_answer(body: dict[str, Any]) -> None:
    _bedrock_valid(body, _bedrock_operation("Converse").output_shape)


def _bedrock_frame(frame: dict[str, Any]) -> None:
    ((name, payload),) = to_sdk(frame).items()
    events = _bedrock_operation("ConverseStream").output_shape.members["stream"].members
    report = ParamValidator().validate(payload, events[name])
    if report.has_errors():
        raise ValueError(report.generate_report())


_GEMINI: dict[str, Any] = {
    "contents": list[types.Content],
    "tools": list[types.Tool],
    "toolConfig": types.ToolConfig,
    "systemInstruction": types.Content,
    "generationConfig": types.GenerationConfig,
    "safetySettings": list[types.SafetySetting],
    "modelArmorConfig": types.ModelArmorConfig,
    "labels": dict[str, str],
    "serviceTier": str,
    "cachedContent": str,
    "store": bool,
}


def _gemini_request(wire: WireRequest) -> None:
    for name, value in wire.body.items():
        _type(_GEMINI[name]).validate_python(value)


def _mistral_request(wire: WireRequest) -> None:
    parsed = models.ChatCompletionRequest.model_validate(wire.body)
    assert "UNKNOWN" not in parsed.model_dump_json()


def _responses_request(wire: WireRequest) -> None:
    """The SDK's types demand ids of items that the API takes without (recorded traffic, 2026)."""
    items = wire.body["input"]
    given = [{"id": "x", **item} if item.get("type") in ("message", "reasoning") else item for item in items]
    params = ResponseCreateParamsStreaming if wire.body.get("stream") else ResponseCreateParamsNonStreaming
    _type(params).validate_python({**wire.body, "input": given})


_REQUESTS: dict[Wire, Callable[[WireRequest], Any]] = {
    "openai": _openai_request,
    "anthropic": _anthropic_request,
    "bedrock": _bedrock_request,
    "gemini": _gemini_request,
    "mistral": _mistral_request,
    "openai_responses": _responses_request,
}
_ANSWERS: dict[Wire, Callable[[dict[str, Any]], Any]] = {
    "openai": ChatCompletion.model_validate,
    "anthropic": AnthropicMessage.model_validate,
    "bedrock": _bedrock_answer,
    "gemini": types.GenerateContentResponse.model_validate,
    "mistral": models.ChatCompletionResponse.model_validate,
    "openai_responses": OpenAIResponse.model_validate,
}


def _openai_chunk(chunk: dict[str, Any]) -> None:
    """The SDK's type of a chunk knows no custom tool's call, though the API streams them and the SDK passes them on."""
    calls = [call for choice in chunk["choices"] for call in choice["delta"].get("tool_calls", ())]
    if not any(call.get("type") == "custom" for call in calls):
        ChatCompletionChunk.model_validate(chunk)


_FRAMES: dict[Wire, Callable[[dict[str, Any]], Any]] = {
    "openai": _openai_chunk,
    "anthropic": lambda frame: _type(RawMessageStreamEvent).validate_python(frame),
    "bedrock": _bedrock_frame,
    "gemini": types.GenerateContentResponse.model_validate,
    "mistral": models.CompletionChunk.model_validate,
    "openai_responses": lambda frame: _type(ResponseStreamEvent).validate_python(frame),
}
