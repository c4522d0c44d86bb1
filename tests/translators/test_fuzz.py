"""Whatever comes over the wire, a decoder answers with a value or with BadWire: bounded fuzzing of all of them.

`tests/fuzz/decoders.py` runs the same targets under atheris, without an end.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators import PROVIDERS, BadWire, Provider, codec
from spaturzu_translators.codec import FailedAnswer, MalformedFrame
from spaturzu_translators.events import unfold
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.requests import WireRequest

from .strategies import requests, responses
from .test_laws import ASKED, stream_bytes

every_codec = pytest.mark.parametrize("provider", PROVIDERS)

JUNK: list[Any] = [None, True, 0, -1, 1.5, "", "junk", "\ud83d", [], [None], [[]], {}, {"type": []}, {"type": "junk"}]

anything = st.recursive(
    st.sampled_from(JUNK) | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw: st.DrawFn, whole: Any) -> Any:
    """`whole` with one to three of its inner values replaced, renamed or left out."""
    value = json.loads(json.dumps(whole))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = _place(draw, value)
        if holder is None:
            return draw(anything)
        match draw(st.integers(0, 3)):
            case 0 if isinstance(holder, dict):
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[draw(st.sampled_from(sorted(_NAMES)))] = holder.pop(key)
            case _:
                holder[key] = deepcopy(draw(st.sampled_from(JUNK) | anything))  # the next damage may be inside it
    return value


_NAMES = {"type", "text", "content", "parts", "role", "toolUse", "functionCall", "index", "delta", "usage", "input"}


def _place(draw: st.DrawFn, value: Any) -> tuple[Any, Any]:
    """Somewhere inside `value`: a container, and the key of one of its members."""
    holder, key = None, None
    while isinstance(value, dict | list) and value:
        holder = value
        key = draw(st.sampled_from(sorted(value) if isinstance(value, dict) else range(len(value))))
        value = value[key]
        if draw(st.integers(0, 2)) == 0:
            break
    return holder, key


def survives(decode: Callable[[], Any]) -> Any:
    """What `decode` gives, or None where it says BadWire; anything else it raises fails the test."""
    try:
        return decode()
    except BadWire:
        return None


@every_codec
@given(data=st.data())
def test_a_damaged_request_is_bad_wire_or_a_request(provider: Provider, data: st.DataObject) -> None:
    c = codec(provider)
    wire = c.encode_request(data.draw(requests())).value
    body = data.draw(damaged(wire.body))
    request = survives(lambda: c.decode_request(WireRequest(body=body, model="m")))
    if request is not None:
        c.encode_request(request)


@every_codec
@given(data=st.data())
def test_a_damaged_answer_is_bad_wire_or_an_answer(provider: Provider, data: st.DataObject) -> None:
    c = codec(provider)
    body = data.draw(damaged(c.encode_response(data.draw(responses()), ASKED).value))
    response = survives(lambda: c.decode_response(body, "m"))
    if response is not None:
        c.encode_response(response, ASKED)


@every_codec
@given(data=st.data())
def test_a_damaged_stream_is_bad_wire_or_events(provider: Provider, data: st.DataObject) -> None:
    c = codec(provider)
    encoder, decoder, again = c.stream_encoder(ASKED), c.stream_decoder("m"), c.stream_encoder(ASKED)
    frames = [frame for event in unfold(data.draw(responses())) for frame in encoder.feed(event)] + encoder.close()
    hit = data.draw(st.integers(0, len(frames) - 1))
    for number, sound in enumerate(frames):
        frame = data.draw(damaged(sound)) if number == hit else sound
        events = survives(lambda frame=frame: decoder.feed(frame)) if isinstance(frame, dict) else []
        if events is None:
            return  # who reads a stream gives it up there
        for event in events:
            b"".join(map(c.frame, again.feed(event)))
    decoder.close()


@every_codec
@given(body=anything, status=st.sampled_from([200, 400, 401, 403, 404, 413, 429, 500, 503, 529]))
def test_any_json_is_bad_wire_or_decoded(provider: Provider, body: Any, status: int) -> None:
    c = codec(provider)
    survives(lambda: c.decode_request(WireRequest(body=body, model="m")))
    survives(lambda: c.decode_response(body, "m"))
    if isinstance(body, dict):
        survives(lambda: c.stream_decoder("m").feed(body))
    headers = {"retry-after": str(body), "x-should-retry": str(body)}
    assert c.decode_error(ErrorReply(status=status, headers=headers, body=body)).kind


@every_codec
@given(data=st.data())
def test_a_damaged_error_still_has_a_kind(provider: Provider, data: st.DataObject) -> None:
    c = codec(provider)
    whole = {
        "error": {"type": "invalid_request_error", "code": 400, "message": "m", "status": "X", "details": [{"a": {}}]},
        "message": "m",
        "type": "t",
        "code": "c",
        "object": "error",
        "detail": [{"msg": "m", "loc": ["a"]}],
    }
    assert c.decode_error(ErrorReply(status=400, body=data.draw(damaged(whole)))).kind


@every_codec
@given(data=st.data())
def test_bytes_of_any_kind_are_frames_or_malformed(provider: Provider, data: st.DataObject) -> None:
    c = codec(provider)
    wire = bytearray(data.draw(st.binary(max_size=200)) or stream_bytes(c, data.draw(responses())))
    for _ in range(data.draw(st.integers(0, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    framer, decoder = c.framer(), c.stream_decoder("m")
    for frame in [*framer.feed(bytes(wire)), *framer.close()]:
        if not isinstance(frame, MalformedFrame):
            survives(lambda frame=frame: decoder.feed(frame))


def test_an_answer_that_says_it_failed_is_bad_wire_too() -> None:
    assert issubclass(FailedAnswer, BadWire)
