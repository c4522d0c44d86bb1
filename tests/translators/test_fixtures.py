"""One conversation on five wires: what the real SDKs sent means the same, and so do the five answers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from spaturzu_translators.codec import codec
from spaturzu_translators.events import fold
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import WIRES, Text, ToolCall, Wire
from spaturzu_translators.requests import Request, WireRequest
from spaturzu_translators.responses import Response

from .laws import tree

FIXTURES = Path(__file__).parents[2] / "fixtures"
each_wire = pytest.mark.parametrize("wire", WIRES)


def read(wire: Wire, kind: str, name: str) -> dict[str, Any]:
    """One fixture."""
    return json.loads((FIXTURES / wire / kind / f"{name}.json").read_text("utf-8"))


def asked(wire: Wire) -> Request:
    """The conversation, less what only one wire can say."""
    request = codec(wire).decode_request(WireRequest(body=read(wire, "requests", "tools")["body"], model="m"))
    return replace(request, model="m", provider_fields={}, tool_choice=None)


def answered(wire: Wire, name: str) -> Response:
    """A plain answer."""
    return codec(wire).decode_response(read(wire, "responses", name)["body"], "m")


@each_wire
def test_the_conversation_means_the_same_on_every_wire(wire: Wire) -> None:
    assert tree(asked(wire)) == tree(asked("openai"))


@each_wire
@pytest.mark.parametrize("name", ["text", "tool_call", "thoughts"])
def test_an_answer_and_its_stream_say_the_same(wire: Wire, name: str) -> None:
    decoder = codec(wire).stream_decoder("m")
    events = [event for frame in read(wire, "streams", name)["frames"] for event in decoder.feed(frame)]
    streamed, plain = fold([*events, *decoder.close()]), answered(wire, name)
    assert _words(streamed) == _words(plain)
    assert streamed.candidates[0].finish_reason == plain.candidates[0].finish_reason
    assert streamed.usage is not None
    assert plain.usage is not None
    assert (streamed.usage.input_tokens, streamed.usage.output_tokens) == (12, 7)
    assert (plain.usage.input_tokens, plain.usage.output_tokens) == (12, 7)


def _words(response: Response) -> list[str]:
    parts = response.candidates[0].parts
    return [part.text if isinstance(part, Text) else part.name for part in parts if isinstance(part, Text | ToolCall)]


@each_wire
@pytest.mark.parametrize("kind", ["rate_limit", "quota_exhausted", "overloaded", "context_overflow", "auth"])
def test_an_error_means_the_same_on_every_wire(wire: Wire, kind: str) -> None:
    error = read(wire, "errors", kind)
    reply = ErrorReply(status=error["status"], headers=error["headers"], body=error["body"])
    assert codec(wire).decode_error(reply).kind == kind


def test_every_fixture_says_its_origin_and_date() -> None:
    files = list(FIXTURES.glob("*/*/*.json"))
    assert len(files) == len(WIRES) * (1 + 3 + 3 + 5)
    for file in files:
        content = json.loads(file.read_text("utf-8"))
        assert content["origin"].startswith("spaturzu's own: ")
        assert content["date"]
