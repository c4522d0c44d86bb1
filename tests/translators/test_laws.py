"""The three laws, for every codec: nothing lost in silence, folding undoes unfolding, bytes may be split anywhere."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.codec import Codec
from spaturzu_translators.events import Event, PartEnded, PartStarted, fold, unfold
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import NOTHING, Message, Part, Reasoning, Role, Text, ToolCall, ToolResult
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Candidate, Response, Usage

from .laws import tree, unexplained, unspoken
from .strategies import requests, responses

every_codec = pytest.mark.parametrize("wire_name", WIRES)
SAMPLE = Response(
    id="r1",
    model="model-a",
    candidates=(Candidate(parts=(Text(text="Grüße 🌍"),), finish_reason="stop"),),
    usage=Usage(input_tokens=3, output_tokens=5),
)
ASKED = Request(model="model-a", messages=(Message(role="user", parts=(Text(text="hi"),)),), stream=True)


@given(response=responses())
def test_folding_undoes_unfolding(response: Response) -> None:
    assert fold(unfold(response)) == response


@every_codec
@given(request=requests())
def test_what_an_encoder_reports_lost_is_exactly_what_differs(wire_name: Wire, request: Request) -> None:
    c = codec(wire_name)
    encoded = c.encode_request(request)
    json.dumps(encoded.value.body)
    assert not (wrong := unexplained(request, c.decode_request(encoded.value), encoded.losses)), wrong


def test_the_report_of_an_empty_turn_is_not_taken_for_the_split_of_the_turn_before_it() -> None:
    call, result = ToolCall(id="a", name="f"), ToolResult(call_id="a", name="f", content=(Text(text="1"),))
    turns: list[tuple[Role, Part, ...]] = [
        ("user", Text(text="hi")),
        ("assistant", call),
        ("user", result, Text(text="and?")),
        ("assistant", Text(text="")),
        ("user", Text(text="go on")),
    ]
    request = replace(ASKED, messages=tuple(Message(role=role, parts=tuple(parts)) for role, *parts in turns))
    encoded = codec("mistral").encode_request(request)
    assert not (wrong := unexplained(request, codec("mistral").decode_request(encoded.value), encoded.losses)), wrong


@every_codec
@given(request=requests())
def test_what_is_emulated_is_said_in_other_words(wire_name: Wire, request: Request) -> None:
    encoded = codec(wire_name).encode_request(request)
    assert unspoken(request, encoded.value.body, encoded.losses) == []


@every_codec
@given(response=responses())
def test_what_a_response_encoder_reports_lost_is_exactly_what_differs(wire_name: Wire, response: Response) -> None:
    c = codec(wire_name)
    encoded = c.encode_response(response, ASKED)
    after = c.decode_response(encoded.value, response.model)
    assert not (wrong := unexplained(response, after, encoded.losses)), wrong


@every_codec
@given(response=responses())
def test_a_stream_says_what_the_plain_answer_says(wire_name: Wire, response: Response) -> None:
    c = codec(wire_name)
    encoder = c.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert not (wrong := unexplained(response, fold(_decoded(c, frames)), encoder.losses)), wrong


@every_codec
@given(response=responses())
def test_what_only_a_parts_end_brings_is_reported_too(wire_name: Wire, response: Response) -> None:
    c = codec(wire_name)
    encoder = c.stream_encoder(ASKED)
    frames = [frame for event in _late(unfold(response)) for frame in encoder.feed(event)] + encoder.close()
    assert not (wrong := unexplained(response, fold(_decoded(c, frames)), encoder.losses)), wrong


def _late(events: Iterable[Event]) -> Iterator[Event]:
    """The same events, but text and thoughts get their provider fields at their end, as citations come."""
    fields: Any = NOTHING
    for event in events:
        match event:
            case PartStarted(part=Text() | Reasoning() as part):
                fields = part.provider_fields
                yield replace(event, part=replace(part, provider_fields=NOTHING))
            case PartEnded():
                yield replace(event, provider_fields=fields)
                fields = NOTHING
            case _:
                yield event


@every_codec
@given(request=requests(), response=responses())
def test_no_codec_changes_what_it_is_given(wire_name: Wire, request: Request, response: Response) -> None:
    c = codec(wire_name)
    before = deepcopy((request, response))
    asked, answered = c.encode_request(request).value, c.encode_response(response, request).value
    encoder, decoder = c.stream_encoder(request), c.stream_decoder("m")
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert (request, response) == before
    wire = deepcopy((asked, answered, frames))
    c.decode_request(asked)
    c.decode_response(answered, "m")
    c.strip(asked.body, "m")
    for frame in frames:
        decoder.feed(frame)
    assert (asked, answered, frames) == wire


@every_codec
@given(response=responses(), data=st.data())
def test_any_split_of_a_streams_bytes_gives_the_same_events(
    wire_name: Wire, response: Response, data: st.DataObject
) -> None:
    c = codec(wire_name)
    wire = stream_bytes(c, response)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    pieces = [wire[start:end] for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    assert _from_bytes(c, pieces) == _from_bytes(c, [wire])


@every_codec
def test_a_stream_byte_by_byte_gives_the_same_events(wire_name: Wire) -> None:
    c = codec(wire_name)
    wire = stream_bytes(c, SAMPLE)
    assert _from_bytes(c, [wire[at : at + 1] for at in range(len(wire))]) == _from_bytes(c, [wire])


@every_codec
@given(response=responses())
def test_the_end_of_a_whole_stream_is_recognised(wire_name: Wire, response: Response) -> None:
    c = codec(wire_name)
    assert c.terminal.search(stream_bytes(c, response)[-16384:])


BEGINNINGS = {"message_start", "response.created", "response.in_progress"}


def _begins(frame: Any) -> bool:
    """Does it say that an answer begins, and nothing of it? Gemini has no such frame."""
    if "messageStart" in frame or frame.get("type") in BEGINNINGS:
        return True
    return [choice["delta"] for choice in frame.get("choices", ())] == [{"role": "assistant", "content": ""}]


@every_codec
@given(response=responses())
def test_a_stream_whose_server_does_not_say_that_it_begins_says_the_rest(wire_name: Wire, response: Response) -> None:
    c = codec(wire_name)
    encoder, again = c.stream_encoder(ASKED), codec("openai").stream_encoder(ASKED)
    whole = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    rest = [frame for frame in whole if not _begins(frame)]
    events = _decoded(c, rest)
    assert fold(events).candidates == fold(_decoded(c, whole)).candidates
    assert [frame for event in events for frame in again.feed(event)]


def stream_bytes(c: Codec, response: Response) -> bytes:
    """The whole stream of `response` on this codec's wire."""
    encoder = c.stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    return b"".join(map(c.frame, frames)) + c.end


def _from_bytes(c: Codec, pieces: list[bytes]) -> list[Event]:
    framer = c.framer()
    frames: list[Any] = [frame for piece in pieces for frame in framer.feed(piece)] + framer.close()
    return _decoded(c, frames)


def _decoded(c: Codec, frames: list[Any]) -> list[Event]:
    decoder = c.stream_decoder("model-a")
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


def test_the_law_itself_notices_a_hidden_loss_and_a_false_report() -> None:
    before, after = ASKED, replace(ASKED, seed=None, temperature=None)
    hidden = replace(before, seed=7)
    assert unexplained(hidden, after, ()) is not None
    assert unexplained(hidden, after, (Loss(path="seed", kind="dropped", matters="tuning"),)) is None
    assert unexplained(before, after, (Loss(path="seed", kind="dropped", matters="tuning"),)) is not None
    assert tree(before) == tree(after)
