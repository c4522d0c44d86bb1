"""Recorded traffic of five providers goes through the codecs: home again, and to every caller on every other wire.

The recorded errors are in `tests/router/test_verdict_table.py`.
"""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from spaturzu_translators import WIRES, BadWire, Wire, codec
from spaturzu_translators.codec import Codec
from spaturzu_translators.events import Event, Failed, Started, StreamFailed, fold, unfold
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Response

from .corpus import ALL, WHY_SKIPPED, Record, events_of, every
from .equal import EQUAL, equal_answer
from .laws import unexplained
from .native import check_answer, check_frames, check_request

if not ALL:
    pytest.skip(WHY_SKIPPED, allow_module_level=True)

REFUSED_BY_ITS_PROVIDER = {"mistral-chat-054"}
"""The provider said that the body is not of its format (422), and so do we."""

CORRECTED = {"openai-chat-055"}
"""The API refused an image in a tool's message (400); we send it as the user's, and report that."""

MODELS: dict[Wire, str] = {
    "openai": "gpt-4o",
    "anthropic": "claude-sonnet-5-5",
    "bedrock": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-large-latest",
    "openai_responses": "gpt-4o",
}
REQUIRED_SINCE = {"usage.cache_creation_tokens", "usage.cache_read_tokens", "usage.reasoning_tokens"}
"""Counts that a response of OpenAI's has today and the recorded ones had not: 0 stands there."""
SAID_AS = {"connection": {"server", "overloaded"}, "content_policy": {"bad_request"}, "cancelled": {"server"}}
"""Kinds that not every provider has an error for, and what some of them say instead."""
HELLO = (Message(role="user", parts=(Text(text="hi"),)),)

asked = every(lambda record: isinstance(record.body, dict) and record.id not in REFUSED_BY_ITS_PROVIDER)
answered = every(lambda record: record.status == 200 and not record.is_streamed)
failed = every(lambda record: record.status >= 400)
refused = every(lambda record: record.id in REFUSED_BY_ITS_PROVIDER)
bodiless = every(lambda record: record.body is None)
streamed = every(lambda record: record.status == 200 and record.is_streamed)
every_target = pytest.mark.parametrize("target", WIRES)


def asking(wire: Wire) -> Request:
    """What the caller of an answer in `wire`'s shape asked."""
    return Request(model=MODELS[wire], messages=HELLO, stream=True)


def plain(body: Any) -> Any:
    return json.loads(json.dumps(body))


def test_no_record_of_the_corpus_is_left_out() -> None:
    ids = [record.id for record in ALL]
    for marks in ((asked, refused, bodiless), (answered, streamed, failed)):
        assert sorted(record.id for mark in marks for record in mark.args[1]) == ids
    assert len(ids) == 245


@failed
def test_an_error_is_a_failure_of_the_same_kind_for_every_caller(record: Record) -> None:
    """What it is of: `tests/router/test_verdict_table.py` compares it with the record's features."""
    failure = codec(record.provider).decode_error(record.error)
    for wire in WIRES:
        again = codec(wire).decode_error(codec(wire).encode_error(failure))
        assert again.kind in {failure.kind} | SAID_AS.get(failure.kind, set())


@asked
def test_a_request_goes_home_as_it_came(record: Record) -> None:
    encoded = record.codec.encode_request(record.codec.decode_request(record.wire))
    if record.id in CORRECTED:
        assert [loss.kind for loss in encoded.losses] == ["emulated"]
        return
    equal = EQUAL[record.spoken]
    named = {"model": record.model} if "model" in encoded.value.body else {}
    assert equal(plain(encoded.value.body)) == equal(plain(named | record.body))
    assert not [loss for loss in encoded.losses if loss.matters == "meaning"]
    if record.status == 200:
        check_request(record.spoken, encoded.value)


@refused
def test_a_body_that_its_provider_does_not_know_is_bad_wire(record: Record) -> None:
    with pytest.raises(BadWire):
        record.codec.decode_request(record.wire)


@asked
@every_target
def test_a_request_reaches_every_provider_with_exactly_the_reported_losses(record: Record, target: Wire) -> None:
    request = record.codec.decode_request(record.wire)
    if target != record.spoken:
        request = replace(request, model=MODELS[target])
    encoded = codec(target).encode_request(request)
    after = codec(target).decode_request(encoded.value)
    assert not (wrong := unexplained(request, after, encoded.losses)), wrong
    if target != record.spoken or record.status == 200:
        check_request(target, encoded.value)


@answered
@every_target
def test_an_answer_reaches_every_caller_with_exactly_the_reported_losses(record: Record, target: Wire) -> None:
    response = record.codec.decode_response(record.answer, record.model)
    encoded = codec(target).encode_response(response, asking(target))
    after = codec(target).decode_response(encoded.value, MODELS[target])
    assert not (wrong := unexplained(response, _named(after, target, response), encoded.losses)), wrong
    if target != record.spoken or _takes(check_answer, target, record.answer):
        check_answer(target, encoded.value)


def _named(after: Response, target: Wire, response: Response) -> Response:
    """Bedrock's answers name no model: the caller's stands there."""
    return replace(after, model=response.model) if target == "bedrock" else after


def _takes(check: Any, wire: Wire, recorded: Any) -> bool:
    """Does the SDK's own model take what its provider sent? Of later fields of theirs, not always."""
    try:
        check(wire, recorded)
    except (ValueError, KeyError):
        return False
    return True


@answered
@every_target
def test_a_plain_answer_told_as_a_stream_says_the_same(record: Record, target: Wire) -> None:
    response = record.codec.decode_response(record.answer, record.model)
    _told(response, list(unfold(response)), target, native=target != record.spoken)


@streamed
@every_target
def test_a_stream_reaches_every_caller_with_exactly_the_reported_losses(record: Record, target: Wire) -> None:
    events = events_of(record.codec, [record.stream], record.model)
    try:
        response = fold(events)
    except StreamFailed:
        _fails(events, target)
        return
    assert all(candidate.finish_reason for candidate in response.candidates)
    losses = _told(response, events, target, native=target != record.spoken)
    if target == record.spoken:
        assert losses <= (REQUIRED_SINCE if target == "openai_responses" else set())


def _told(response: Response, events: list[Event], target: Wire, *, native: bool) -> set[str]:
    """The paths of what was lost, which is exactly what was reported."""
    frames, losses = _frames(codec(target), events)
    decoder = codec(target).stream_decoder(MODELS[target])
    after = fold([event for frame in frames for event in decoder.feed(frame)] + decoder.close())
    assert not (wrong := unexplained(response, _named(after, target, response), losses)), wrong
    if native:
        check_frames(target, frames)
    wire = b"".join(map(codec(target).frame, frames)) + codec(target).end
    assert codec(target).terminal.search(wire[-16384:])
    return {loss.path for loss in losses}


def _frames(c: Codec, events: list[Event]) -> tuple[list[dict[str, Any]], Any]:
    encoder = c.stream_encoder(asking(c.wire))
    frames = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    return frames, encoder.losses


def _fails(events: list[Event], target: Wire) -> None:
    """A failure inside a stream is its last event, and fails the stream of every caller in the same way."""
    assert isinstance(events[-1], Failed)
    frames, _ = _frames(codec(target), events)
    decoder = codec(target).stream_decoder("m")
    assert isinstance([event for frame in frames for event in decoder.feed(frame)][-1], Failed)


@asked
def test_no_codec_changes_a_request(record: Record) -> None:
    before = deepcopy(record.raw)
    request = record.codec.decode_request(record.wire)
    decoded = deepcopy(request)
    record.codec.strip(record.body, record.model)
    for target in WIRES:
        codec(target).encode_request(request)
    assert (record.raw, request) == (before, decoded)


@answered
def test_no_codec_changes_an_answer(record: Record) -> None:
    before = deepcopy(record.raw)
    response = record.codec.decode_response(record.answer, record.model)
    decoded = deepcopy(response)
    for target in WIRES:
        codec(target).encode_response(response, asking(target))
    assert (record.raw, response) == (before, decoded)


@streamed
def test_no_codec_changes_a_streams_frames_or_events(record: Record) -> None:
    framer, decoder = record.codec.framer(), record.codec.stream_decoder(record.model)
    frames: list[Any] = [*framer.feed(record.stream), *framer.close()]
    before = deepcopy(frames)
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.close()
    decoded = deepcopy(events)
    for target in WIRES:
        _frames(codec(target), events)
    assert (frames, events) == (before, decoded)


@answered
def test_an_answer_goes_home_as_it_came(record: Record) -> None:
    response = record.codec.decode_response(record.answer, record.model)
    request = record.codec.decode_request(record.wire) if record.body else asking(record.spoken)
    encoded = record.codec.encode_response(response, request)
    assert {loss.path for loss in encoded.losses} <= (REQUIRED_SINCE if record.spoken == "openai_responses" else set())
    after = record.codec.decode_response(encoded.value, record.model)
    assert not (wrong := unexplained(response, after, encoded.losses)), wrong
    assert equal_answer(record.spoken, plain(encoded.value)) == equal_answer(record.spoken, plain(record.answer))


@streamed
def test_a_streams_bytes_may_be_split_anywhere(record: Record) -> None:
    whole = events_of(record.codec, [record.stream], record.model)
    assert isinstance(whole[0], Started | Failed)
    for pieces in splits(record.stream):
        assert events_of(record.codec, pieces, record.model) == whole
    assert record.codec.terminal.search(record.stream[-16384:]) or isinstance(whole[-1], Failed)


def splits(wire: bytes) -> list[list[bytes]]:
    """Byte by byte; inside every character of more than one byte; inside every line; at and inside every frame."""
    inside = [at for at in range(1, len(wire)) if wire[at] & 0xC0 == 0x80]
    lines = [at for at, byte in enumerate(wire) if byte == 0x0A]
    return [
        [wire[at : at + 1] for at in range(len(wire))],
        cut(wire, inside),
        cut(wire, [at + 1 for at in lines]),
        cut(wire, [at for at in lines if wire[at - 1 : at] == b"\r"] or lines),
        cut(wire, [(one + other) // 2 for one, other in pairwise([0, *lines, len(wire)])]),
        cut(wire, range(7, len(wire), 7)),
        cut(wire, range(1000, len(wire), 1000)),
    ]


def cut(wire: bytes, places: Any) -> list[bytes]:
    borders = sorted({0, *places, len(wire)})
    return [wire[start:end] for start, end in pairwise(borders)]
