"""What passes unparsed is JSON, and of a kind that was seen: whatever a proxy or a bug made of an event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators.codec import MalformedFrame
from spaturzu_translators.sse import SseScanner, data_frame, named_frame
from spaturzu_translators.sse_patterns import beginning

CHUNK = {
    "id": "chatcmpl-1",
    "created": 1795305600,
    "choices": [{"index": 0, "delta": {"content": " hi"}, "logprobs": None, "finish_reason": None}],
    "cost": -1.5e-3,
    "obfuscation": "x8Kd",
}
EVENTS = {
    "data": data_frame(CHUNK),
    "named": named_frame("content_block_delta", {"type": "content_block_delta", "delta": {"text": "hi"}, "index": 0}),
    "crlf": data_frame({"candidates": [{"content": {"parts": [{"text": "hi"}]}}]})[:-2] + b"\r\n\r\n",
}
each_event = pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS)


def learned(event: bytes) -> SseScanner:
    scanner = SseScanner()
    scanner.learn(event)
    scanner.learn(event)
    return scanner


def reads_on(event: bytes) -> Callable[[bytes], bool]:
    """Does it pass, in a stream of which it is known how its events begin?"""
    passed = list[bytes]()
    read = learned(event).reader(passed.append, lambda odd: b"")
    for text in (b"ho", b"ha"):
        read(event.replace(b"hi", text))
    assert len(passed) == 2

    def passes(data: bytes) -> bool:
        read(data)
        return passed[-1] is data

    return passes


def said(event: bytes) -> Any:
    return SseScanner().read(event)


@each_event
def test_an_event_of_a_learned_kind_passes_and_so_do_several(event: bytes) -> None:
    scanner = learned(event)
    other = event.replace(b"hi", b'\\u0041 and \\"so\\n on')
    assert scanner.passes(event)
    assert scanner.passes(other + event)
    assert not scanner.passes(event[:-1])
    assert not scanner.passes(other + event[:-3])


def test_one_event_is_no_kind_yet() -> None:
    scanner = SseScanner()
    event = data_frame({"once": {"only": "in this test"}})
    scanner.learn(event)
    assert not scanner.passes(event)


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b'"id":', b'"id" '),
        (b'"created":1795305600,', b'"created":1795305600 '),
        (b"1795305600", b"01795305600"),
        (b"1795305600", b"not a number"),
        (b"null", b"nul1"),
        (b" hi", b" h\ti"),
        (b" hi", b" \\x41"),
        (b" hi", b" \\u12g4"),
        (b" hi", b" \xff"),
        (b"-0.0015", b"--0.0015"),
        (b'{"id"', b'no JSON {"id"'),
    ],
)
def test_what_is_no_json_with_all_its_quotes_and_brackets_does_not_pass(was: bytes, becomes: bytes) -> None:
    event = data_frame(CHUNK)
    broken = event.replace(was, becomes)
    assert broken != event
    assert isinstance(said(broken), MalformedFrame)
    assert not learned(event).passes(broken)
    assert not reads_on(event)(broken)


@pytest.mark.parametrize("name", [b'"delta"', b'"choices"', b'"id"'])
def test_an_event_with_another_key_is_of_another_kind(name: bytes) -> None:
    event = data_frame(CHUNK)
    assert not learned(event).passes(event.replace(name, b'"other"'))
    assert not reads_on(event)(event.replace(name, b'"other"'))


@each_event
@given(data=st.data())
def test_what_passes_is_json_however_it_was_changed(event: bytes, data: st.DataObject) -> None:
    passes, changed = data.draw(st.sampled_from([learned(event).passes, reads_on(event)])), bytearray(event)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    if passes(bytes(changed)):
        frame = said(bytes(changed))
        assert isinstance(frame, dict)
        assert list(frame) == list(said(event))


@given(st.text(max_size=40))
def test_any_text_passes_as_a_provider_writes_it(text: str) -> None:
    changed = {**CHUNK, "id": text}
    event = data_frame(changed)
    assert learned(data_frame(CHUNK)).passes(event)
    assert reads_on(data_frame(CHUNK))(event)


@each_event
def test_what_events_have_in_common_at_their_beginning_is_compared_and_only_the_rest_is_matched(event: bytes) -> None:
    found = beginning(event, event.replace(b"hi", b"ho"))
    assert found is not None
    head, rest = found
    at = event.index(b'" hi' if b" hi" in event else b'"hi')
    assert head == event[:at]
    assert rest(event.replace(b"hi", b"\\u0041 and \\n"), at)
    assert not rest(event[:-1], at)
    assert not rest(event + event, at)


@each_event
def test_events_that_say_the_same_have_no_beginning_of_their_own(event: bytes) -> None:
    assert beginning(event, event) is None
    assert beginning(event + event, event) is None


@each_event
def test_a_stream_goes_on_where_its_events_begin_in_another_way(event: bytes) -> None:
    passes = reads_on(event)
    assert passes(event.replace(b"hi", b"on"))
    assert passes(event + event.replace(b"hi", b"on"))
    assert not passes(event[:-3])


def test_events_that_tell_of_an_error_are_never_learned() -> None:
    event = data_frame({"error": {"message": "overloaded"}})
    assert not learned(event).passes(event)


def test_kinds_that_take_turns_all_pass() -> None:
    events = [data_frame({f"kind {number}": "text"}) for number in range(4)]
    scanner = SseScanner()
    for event in events * 2:
        scanner.learn(event)
    assert all(scanner.passes(event) for event in events * 3)
