"""Every direction, plain and streamed, sync and async, text and tools: a 503 at the primary, a native answer."""

from __future__ import annotations

import json
from types import AsyncGeneratorType, GeneratorType
from typing import Any

import anthropic.types
import botocore.eventstream
import google.genai.types
import mistralai.client.models
import mistralai.client.utils.eventstreaming as mistral_streams
import openai.types.chat
import pytest
from botocore.validate import ParamValidator
from pydantic import TypeAdapter

import spaturzu.bedrock
from spaturzu.sandbox import Reply, ToolCall, Usage
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import ASYNC_CLASSES, DOWN, DOWN_ONCE, SERVED, Heard, House, plain_and_stream, served_model

TYPES: dict[Provider, tuple[Any, Any, Any]] = {
    "openai": (openai.types.chat.ChatCompletion, openai.Stream, openai.AsyncStream),
    "anthropic": (anthropic.types.Message, anthropic.Stream, anthropic.AsyncStream),
    "bedrock": (dict, dict, dict),
    "gemini": (google.genai.types.GenerateContentResponse, GeneratorType, AsyncGeneratorType),
    "mistral": (
        mistralai.client.models.ChatCompletionResponse,
        mistral_streams.EventStream,
        mistral_streams.EventStreamAsync,
    ),
}
FINISHES: dict[Provider, tuple[str, str]] = {
    "openai": ("stop", "tool_calls"),
    "anthropic": ("end_turn", "tool_use"),
    "bedrock": ("end_turn", "tool_use"),
    "gemini": ("STOP", "STOP"),
    "mistral": ("stop", "tool_calls"),
}
USAGE = Usage(input=31, output=17)
CITIES = ("Cluj", "Iași")
TEXT = Reply(SERVED.text, usage=USAGE)
TOOLS = Reply(tool_calls=tuple(ToolCall(name="weather", arguments={"city": city}) for city in CITIES), usage=USAGE)

CELLS = [
    (primary, target, as_async, async_target)
    for primary in PROVIDERS
    for target in PROVIDERS
    for as_async in (False, True)
    for async_target in (False, True)
    if not async_target or (as_async and primary in ASYNC_CLASSES and target in ASYNC_CLASSES)
]


def _cell_name(cell: tuple[Provider, Provider, bool, bool]) -> str:
    primary, target, as_async, async_target = cell
    return f"{primary}->{target}-{'async' if as_async else 'sync'}{'-async_target' if async_target else ''}"


@plain_and_stream
@pytest.mark.parametrize("tools", [False, True], ids=["text", "tools"])
@pytest.mark.parametrize("cell", CELLS, ids=_cell_name)
def test_a_fallback_answer_is_the_primary_sdks_own(
    house: House, cell: tuple[Provider, Provider, bool, bool], tools: bool, stream: bool
) -> None:
    primary, target, as_async, async_target = cell
    _script(house, primary, target, TOOLS if tools else TEXT)
    fallback = [house.target(target, as_async=async_target)]
    client = house.drop_in(primary, as_async=as_async, options={"fallback": fallback})

    heard = house.call(primary, client, stream=stream, as_async=as_async, tools=tools)

    assert type(heard.answer) is TYPES[primary][1 + as_async if stream else 0]
    _check_said(heard, primary, target, tools=tools)
    _check_served(heard, primary, target, stream=stream)
    VALIDATORS[primary](heard, client)


def _script(house: House, primary: Provider, target: Provider, reply: Reply) -> None:
    house.answers(reply)
    if primary == target:
        house.wire(primary).script(DOWN_ONCE)
    else:
        house.answers(DOWN, primary)


def _check_said(heard: Heard, primary: Provider, target: Provider, *, tools: bool) -> None:
    said = heard.said
    assert said.text == ("" if tools else TEXT.text)
    assert [(name, _parsed(arguments)) for name, arguments in said.calls] == (
        [("weather", {"city": city}) for city in CITIES] if tools else []
    )
    assert said.finish == FINISHES[primary][tools]
    assert (said.input_tokens, said.output_tokens) == (USAGE.input, USAGE.output)
    assert said.model == ("" if primary == "bedrock" else served_model(target))


def _parsed(arguments: Any) -> Any:
    return json.loads(arguments) if isinstance(arguments, str) else arguments


def _check_served(heard: Heard, primary: Provider, target: Provider, *, stream: bool) -> None:
    failed, served = heard.record.hops
    assert (failed.provider, failed.status, failed.http_status) == (primary, "failed", 503)
    assert (served.provider, served.model, served.status) == (target, served_model(target), "served")
    headers = HEADERS[primary](heard)
    if headers is not None:
        assert headers["x-spaturzu-provider"] == target
        assert headers["x-spaturzu-model"] == served_model(target)
        assert headers["x-spaturzu-hops"] == "2"
    else:
        assert not stream  # plain openai, anthropic and mistral answers carry no headers


def _of_response(heard: Heard) -> Any:
    response = getattr(heard.answer, "response", None)
    return None if response is None else response.headers


def _of_gemini(heard: Heard) -> Any:
    first = heard.events[0] if heard.events else heard.answer
    return first.sdk_http_response.headers


HEADERS: dict[Provider, Any] = {
    "openai": _of_response,
    "anthropic": _of_response,
    "bedrock": lambda heard: heard.answer["ResponseMetadata"]["HTTPHeaders"],
    "gemini": _of_gemini,
    "mistral": _of_response,
}


def _validate_openai(heard: Heard, client: Any) -> None:
    if heard.events:
        for chunk in heard.events:
            openai.types.chat.ChatCompletionChunk.model_validate(chunk.to_dict())
    else:
        openai.types.chat.ChatCompletion.model_validate(heard.answer.to_dict())


ANTHROPIC_EVENT: TypeAdapter[Any] = TypeAdapter(anthropic.types.RawMessageStreamEvent)


def _validate_anthropic(heard: Heard, client: Any) -> None:
    if heard.events:
        for event in heard.events:
            ANTHROPIC_EVENT.validate_python(event.to_dict())
    else:
        anthropic.types.Message.model_validate(heard.answer.to_dict())


def _validate_bedrock(heard: Heard, client: Any) -> None:
    streams = (botocore.eventstream.EventStream, spaturzu.bedrock.AsyncEventStream)
    if heard.events:
        assert isinstance(heard.answer["stream"], streams)
        shape = client.meta.service_model.operation_model("ConverseStream").output_shape.members["stream"]
        given = heard.events
    else:
        shape = client.meta.service_model.operation_model("Converse").output_shape
        given = [{name: value for name, value in heard.answer.items() if name != "ResponseMetadata"}]
    for value in given:
        report = ParamValidator().validate(value, shape)
        assert not report.has_errors(), report.generate_report()


def _validate_gemini(heard: Heard, client: Any) -> None:
    for answer in heard.events or [heard.answer]:
        assert type(answer) is google.genai.types.GenerateContentResponse


def _validate_mistral(heard: Heard, client: Any) -> None:
    for event in heard.events:
        assert type(event) is mistralai.client.models.CompletionEvent
        mistralai.client.models.CompletionChunk.model_validate_json(event.data.model_dump_json(by_alias=True))
    if not heard.events:
        dumped = heard.answer.model_dump_json(by_alias=True)
        mistralai.client.models.ChatCompletionResponse.model_validate_json(dumped)


VALIDATORS: dict[Provider, Any] = {
    "openai": _validate_openai,
    "anthropic": _validate_anthropic,
    "bedrock": _validate_bedrock,
    "gemini": _validate_gemini,
    "mistral": _validate_mistral,
}
