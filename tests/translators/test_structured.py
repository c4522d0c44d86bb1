"""A schema as a forced tool, and its arguments as the answer."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given

from spaturzu_translators.events import fold, unfold
from spaturzu_translators.messages import Message, Text, ToolCall
from spaturzu_translators.requests import Request, ResponseFormat, Tool
from spaturzu_translators.responses import Candidate, Response
from spaturzu_translators.structured import NAME, Unwrapping, as_forced_tool, unwrapped

from .strategies import responses

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}}
ASKED = Request(
    model="m",
    messages=(Message(role="user", parts=(Text(text="hi"),)),),
    response_format=ResponseFormat(type="json_schema", schema=SCHEMA, name="n"),
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
