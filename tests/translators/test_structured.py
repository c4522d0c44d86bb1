"""A schema as a forced tool, and its arguments as the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.events import fold, unfold
from spaturzu_translators.loss import Encoded, Loss
from spaturzu_translators.messages import Message, Text, ToolCall
from spaturzu_translators.requests import Request, ResponseFormat, Tool, WireRequest
from spaturzu_translators.responses import Candidate, Response
from spaturzu_translators.structured import NAME, Unwrapping, as_forced_tool, encode_request, unwrapped

from .laws import unexplained
from .strategies import requests, responses, schemas

Encode: TypeAlias = Callable[[Request], Encoded[WireRequest]]

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
WANTED = ResponseFormat(type="json_schema", schema=SCHEMA, name="n")
ASKED = Request(
    model="m",
    messages=(Message(role="user", parts=(Text(text="hi"),)),),
    response_format=WANTED,
)
ANSWER = Response(
    id="r",
    model="m",
    candidates=(Candidate(parts=(ToolCall(id="c", name=NAME, arguments='{"a":1}'),), finish_reason="tool_calls"),),
)


def test_the_schema_becomes_the_only_tool_and_it_is_forced() -> None:
    forced = as_forced_tool(ASKED)
    assert forced is not None
    assert forced.response_format is None
    assert [tool.parameters for tool in forced.tools if isinstance(tool, Tool)] == [SCHEMA]
    assert forced.tool_choice is not None
    assert forced.tool_choice.names == (NAME,)


def test_a_request_with_tools_of_its_own_is_not_emulated() -> None:
    assert as_forced_tool(replace(ASKED, tools=(Tool(name="t"),))) is None


def test_the_arguments_are_the_answer() -> None:
    assert unwrapped(ANSWER).candidates == (Candidate(parts=(Text(text='{"a":1}'),), finish_reason="stop"),)


def test_a_stream_unwraps_to_the_same() -> None:
    unwrapping = Unwrapping()
    assert fold(unwrapping.event(event) for event in unfold(ANSWER)) == unwrapped(ANSWER)


@given(response=responses())
def test_answers_without_the_forced_tool_are_left_alone(response: Response) -> None:
    unwrapping = Unwrapping()
    assert unwrapped(response) == response
    assert fold(unwrapping.event(event) for event in unfold(response)) == response


CLAUDES = replace(ASKED, model="claude-opus-5-5", max_tokens=100)
BEYOND_CLAUDE = {"type": "object", "patternProperties": {"a": {"type": "string"}}}

object_schemas: st.SearchStrategy[dict[str, Any]] = schemas.filter(lambda schema: "type" in schema)


def undone(request: Request) -> Request:
    """The forced tool read back as the schema that it stands for."""
    (tool,) = request.tools
    assert isinstance(tool, Tool)
    assert request.tool_choice is not None
    assert (tool.name, request.tool_choice.mode, request.tool_choice.names) == (NAME, "required", (NAME,))
    asked = ResponseFormat(type="json_schema", schema=tool.parameters)
    return replace(request, tools=(), tool_choice=None, parallel_tool_calls=None, response_format=asked)


@pytest.mark.parametrize("wire_name", WIRES)
@given(request=requests(), schema=object_schemas)
def test_the_schema_comes_back_equal_and_nothing_else_changes(wire_name: Wire, request: Request, schema: Any) -> None:
    bare = replace(request, tools=(), tool_choice=None, parallel_tool_calls=None)
    asked = replace(bare, response_format=replace(WANTED, schema=schema))
    forced = as_forced_tool(asked)
    assert forced is not None
    encoded, _ = encode_request(asked, refusing_schemas(codec(wire_name).encode_request))
    after = undone(codec(wire_name).decode_request(encoded.value))
    assert not (wrong := unexplained(asked, after, encoded.losses)), wrong
    assert after.response_format == ResponseFormat(type="json_schema", schema=schema)


def refusing_schemas(encode: Encode) -> Encode:
    """An encoder of a model that has no structured output."""
    lost = Loss(path="response_format", kind="dropped", matters="meaning")
    return lambda request: replace(encode(request), losses=(lost,)) if request.response_format else encode(request)


def test_a_schema_beyond_the_targets_dialect_is_emulated() -> None:
    asked = replace(
        ASKED, model="claude-opus-5-5", max_tokens=100, response_format=replace(WANTED, schema=BEYOND_CLAUDE)
    )
    encoded, forced = encode_request(asked, codec("anthropic").encode_request)
    assert forced is not None
    assert encoded.losses == (Loss(path="response_format", kind="emulated", matters="tuning"),)
    assert encoded.value.body["tool_choice"] == {"type": "tool", "name": NAME, "disable_parallel_tool_use": True}


def test_what_the_target_has_is_not_emulated() -> None:
    encoded, forced = encode_request(CLAUDES, codec("anthropic").encode_request)
    assert forced is None
    assert encoded == codec("anthropic").encode_request(CLAUDES)
