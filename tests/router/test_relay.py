"""What a streamed answer lets out, and when: held until its first content, complete only on its terminal signal."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu.router.relay import HELD_BYTES, HELD_EVENTS, MALFORMED, TRUNCATED, FrameRelay, NativeRelay, Relay
from spaturzu_translators.codec import codec
from spaturzu_translators.directions import DIRECTIONS, Direction
from spaturzu_translators.events import Event, Failed, Finished, Started, TextDelta, is_content
from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import PROVIDERS, JSONObject, Provider, Text, ToolCall
from spaturzu_translators.responses import Candidate

from .stage import ASKED, bytes_of, frames_of, saying

STREAMED = replace(ASKED, stream=True)
OVERLOADED = Failure(kind="overloaded", code="overloaded_error")

every_provider = pytest.mark.parametrize("provider", PROVIDERS)
every_direction = pytest.mark.parametrize("direction", DIRECTIONS, ids=str)


def native(provider: Provider) -> NativeRelay:
    return NativeRelay(codec(provider), lambda: STREAMED)


def translating(direction: Direction) -> FrameRelay:
    source = codec(direction.target)
    return FrameRelay(
        codec(direction.primary), STREAMED, source=source, model="other", renamed_tools={}, elapsed_s=lambda: 1.5
    )


def identical(provider: Provider) -> FrameRelay:
    return FrameRelay(codec(provider), STREAMED, source=None, model="other", renamed_tools={}, elapsed_s=lambda: 1.5)


def through(relay: Relay[Any], items: list[Any]) -> bytes:
    """All that the caller gets of a stream that ends after `items`, if nothing goes on with it."""
    said = b"".join(map(relay.feed, items)) + (b"" if relay.failure else relay.end())
    return said + (relay.error() if relay.failure and relay.committed else b"")


def events_of(provider: Provider, data: bytes) -> list[Event]:
    """What the caller's SDK would read."""
    known = codec(provider)
    framer, decoder = known.framer(), known.stream_decoder("m")
    frames = [*framer.feed(data), *framer.close()]
    assert all(isinstance(frame, dict) for frame in frames)
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()  # type: ignore[arg-type]


def error_frame(provider: Provider, failure: Failure = OVERLOADED) -> JSONObject:
    (frame,) = codec(provider).stream_encoder(STREAMED).feed(Failed(failure=failure))
    return frame


def split_at_content(provider: Provider) -> tuple[list[JSONObject], list[JSONObject]]:
    """The frames before the first content, and those from it on."""
    decoder, frames = codec(provider).stream_decoder("m"), frames_of(provider)
    for at, frame in enumerate(frames):
        if any(map(is_content, decoder.feed(frame))):
            return frames[:at], frames[at:]
    raise AssertionError("the stream has no content")


# the caller's own provider, byte for byte


@every_provider
def test_a_native_stream_goes_out_as_it_came(provider: Provider) -> None:
    relay, data = native(provider), bytes_of(provider)
    assert through(relay, [data]) == data
    assert (relay.failure, relay.complete, relay.committed) == (None, True, True)


@given(st.sampled_from(PROVIDERS), st.lists(st.integers(0, 2000), max_size=12))
def test_any_split_of_a_native_stream_gives_the_same_bytes(provider: Provider, cuts: list[int]) -> None:
    data = bytes_of(provider)
    bounds = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    relay = native(provider)
    assert through(relay, [data[start:end] for start, end in itertools.pairwise(bounds)]) == data
    assert relay.failure is None


@every_provider
def test_a_native_stream_byte_by_byte_commits_at_its_first_content(provider: Provider) -> None:
    before, after = split_at_content(provider)
    relay, known = native(provider), codec(provider)
    lifecycle, content = b"".join(map(known.frame, before)), known.frame(after[0])
    assert b"".join(relay.feed(bytes([byte])) for byte in lifecycle) == b""
    assert not relay.committed
    assert b"".join(relay.feed(bytes([byte])) for byte in content) == lifecycle + content
    assert relay.committed


@every_provider
def test_a_native_stream_knows_its_model_before_it_is_let_out(provider: Provider) -> None:
    relay = native(provider)
    relay.feed(bytes_of(provider))
    assert relay.model == ("" if provider == "bedrock" else "served")


@every_provider
def test_a_native_stream_that_is_cut_is_a_failure(provider: Provider) -> None:
    before, after = split_at_content(provider)
    known = codec(provider)
    for frames, committed in ((before, False), ([*before, after[0]], True)):
        relay = native(provider)
        said = through(relay, [known.frame(frame) for frame in frames])
        if any(known.terminal.search(known.frame(frame)) for frame in frames):
            continue  # Gemini may say it all in one event
        assert relay.failure == TRUNCATED
        assert relay.committed == committed
        if committed:
            failed = events_of(provider, said)[-1]
            assert isinstance(failed, Failed)
        else:
            assert said == b""


@every_provider
def test_a_native_error_before_content_lets_nothing_out(provider: Provider) -> None:
    before, _ = split_at_content(provider)
    relay, known = native(provider), codec(provider)
    items = [known.frame(frame) for frame in (*before, error_frame(provider))]
    assert b"".join(map(relay.feed, items)) == b""
    assert relay.failure is not None
    assert relay.failure.kind == "overloaded"


@every_provider
def test_a_native_error_after_content_is_the_callers_sdks_to_raise(provider: Provider) -> None:
    before, after = split_at_content(provider)
    relay, known = native(provider), codec(provider)
    items = [known.frame(frame) for frame in (*before, after[0], error_frame(provider))]
    assert b"".join(map(relay.feed, items)) + relay.error() == b"".join(items)
    assert relay.failure is not None
    assert relay.failure.kind == "overloaded"


def malformed(provider: Provider) -> bytes:
    """An event that is no JSON, or whose checksum is wrong."""
    broken = bytearray(codec("bedrock").frame({"contentBlockStop": {"contentBlockIndex": 0}}))
    broken[-1] ^= 0xFF
    return bytes(broken) if provider == "bedrock" else b'data: {"id": "cut\n\n'


@every_provider
def test_a_malformed_event_is_left_out_and_counted(provider: Provider) -> None:
    before, after = split_at_content(provider)
    known = codec(provider)
    frames = [known.frame(frame) for frame in (*before, *after)]
    for at in range(len(frames) + 1):
        relay = native(provider)
        said = through(relay, [*frames[:at], malformed(provider), *frames[at:], known.end])
        assert said == bytes_of(provider)
        assert (relay.failure, relay.malformed) == (None, 1)


@every_provider
def test_a_malformed_event_is_left_out_of_a_block_of_many(provider: Provider) -> None:
    before, after = split_at_content(provider)
    known = codec(provider)
    first, rest = b"".join(map(known.frame, (*before, after[0]))), b"".join(map(known.frame, after[1:])) + known.end
    for block in ([first + malformed(provider) + rest], [first, malformed(provider) + rest]):
        relay = native(provider)
        assert through(relay, block) == bytes_of(provider)
        assert (relay.failure, relay.malformed) == (None, 1)


@pytest.mark.parametrize("provider", [provider for provider in PROVIDERS if provider != "bedrock"])
@pytest.mark.parametrize(("was", "becomes"), [(b'":', b'" '), (b"{", b"{no json "), (b'"}', b'\x01"}')])
def test_an_event_with_its_quotes_and_brackets_in_place_that_is_no_json_is_left_out(
    provider: Provider, was: bytes, becomes: bytes
) -> None:
    before, (content, *after) = split_at_content(provider)
    relay, known = native(provider), codec(provider)
    begun = [known.frame(frame) for frame in (*before, *[content] * 5)]
    rest = [known.frame(frame) for frame in after] + [known.end]
    broken = known.frame(content).replace(was, becomes)

    said = through(relay, [*begun, broken, *rest])

    assert said == b"".join(begun + rest)
    assert (relay.failure, relay.malformed) == (None, 1)


@every_provider
def test_three_malformed_events_in_a_row_are_a_failure(provider: Provider) -> None:
    before, after = split_at_content(provider)
    for frames in (before, [*before, after[0]]):
        relay = native(provider)
        for frame in frames:
            relay.feed(codec(provider).frame(frame))
        assert [relay.feed(malformed(provider)) for _ in range(3)] == [b"", b"", b""]
        assert (relay.failure, relay.malformed) == (MALFORMED, 3)


@every_provider
def test_a_malformed_event_within_a_tool_call_is_a_failure(provider: Provider) -> None:
    """It may have been a fragment of the arguments."""
    if provider in ("gemini", "mistral"):
        pytest.skip("calls come whole")
    call = ToolCall(id="call_1", name="look_up", arguments='{"city":"Cluj"}')
    answer = replace(saying(), candidates=(Candidate(parts=(call,), finish_reason="tool_calls"),))
    relay = native(provider)
    for frame in frames_of(provider, answer):
        relay.feed(codec(provider).frame(frame))
        if "Cluj" in str(frame):
            break
    assert relay.feed(malformed(provider)) == b""
    assert relay.failure == MALFORMED


@every_provider
def test_an_empty_native_stream_is_a_failure(provider: Provider) -> None:
    relay = native(provider)
    assert relay.end() == b""
    assert (relay.failure, relay.committed) == (TRUNCATED, False)


def test_openais_stream_without_done_is_complete() -> None:
    relay, data = native("openai"), bytes_of("openai").removesuffix(codec("openai").end)
    assert through(relay, [data]) == data
    assert relay.failure is None


def test_a_long_last_event_does_not_hide_its_terminal_signal() -> None:
    sources = {"groundingMetadata": {"searchEntryPoint": {"renderedContent": "x" * 40_000}}}
    frame = frames_of("gemini")[-1]
    frame["candidates"][0] |= {"finishReason": "STOP", **sources}
    relay = native("gemini")
    through(relay, [codec("gemini").frame(frame)])
    assert relay.failure is None


# what is held


def lifecycle() -> JSONObject:
    """An event of OpenAI's that says nothing yet."""
    return frames_of("openai")[0]


def test_what_is_held_is_bounded_in_events() -> None:
    relay, item = native("openai"), codec("openai").frame(lifecycle())
    fed = 0
    while not relay.committed:
        said, fed = relay.feed(item), fed + 1
        assert fed <= HELD_EVENTS + 1
    assert said == item * fed


def test_what_is_held_is_bounded_in_bytes() -> None:
    relay, comment = native("openai"), b": " + b"x" * 1020 + b"\n\n"  # of the size that divides the bound
    for _ in range(HELD_BYTES // len(comment)):
        assert relay.feed(comment) == b""
    assert relay.feed(comment) == comment * (HELD_BYTES // len(comment) + 1)


def test_a_translated_stream_holds_as_little() -> None:
    relay = identical("openai")
    said = [relay.feed(lifecycle()) for _ in range(HELD_EVENTS + 1)]
    assert relay.committed
    assert sum(map(bool, said)) == 1


# targets, frame by frame


@every_direction
def test_a_translated_stream_is_the_callers_own_kind(direction: Direction) -> None:
    relay = translating(direction)
    said = through(relay, frames_of(direction.target))
    assert relay.failure is None
    assert relay.complete
    events = events_of(direction.primary, said)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "Hello"
    assert [event.finish_reason for event in events if isinstance(event, Finished)] == ["stop"]
    assert native_verdict(direction.primary, said) is None


def native_verdict(provider: Provider, said: bytes) -> Failure | None:
    """Would our own door take this stream for a whole one?"""
    relay = native(provider)
    through(relay, [said])
    return relay.failure


@every_direction
def test_a_translated_stream_names_the_model_that_served(direction: Direction) -> None:
    relay = translating(direction)
    said = through(relay, frames_of(direction.target))
    served = "other" if direction.target == "bedrock" else "served"
    assert relay.model == served
    if direction.primary != "bedrock":
        assert [event.model for event in events_of(direction.primary, said) if isinstance(event, Started)] == [served]


@every_direction
def test_a_translated_stream_lets_nothing_out_before_content(direction: Direction) -> None:
    before, after = split_at_content(direction.target)
    relay = translating(direction)
    assert b"".join(map(relay.feed, before)) == b""
    assert not relay.committed
    relay.feed(after[0])
    assert relay.committed


@every_direction
def test_a_target_that_fails_before_content_lets_nothing_out(direction: Direction) -> None:
    before, _ = split_at_content(direction.target)
    relay = translating(direction)
    assert b"".join(map(relay.feed, (*before, error_frame(direction.target)))) == b""
    assert relay.failure is not None
    assert relay.failure.kind == "overloaded"


@every_direction
def test_a_target_that_fails_after_content_is_the_callers_own_error(direction: Direction) -> None:
    before, after = split_at_content(direction.target)
    if codec(direction.target).terminal.search(codec(direction.target).frame(after[0])):
        pytest.skip("one event says it all")
    relay = translating(direction)
    said = b"".join(map(relay.feed, (*before, after[0], error_frame(direction.target)))) + relay.error()
    last = events_of(direction.primary, said)[-1]
    assert isinstance(last, Failed)
    assert [isinstance(event, Started) for event in events_of(direction.primary, said)].count(True) <= 1
    assert native_verdict(direction.primary, said) is not None


@every_direction
def test_a_target_that_is_cut_after_content_is_the_callers_own_error(direction: Direction) -> None:
    before, after = split_at_content(direction.target)
    if codec(direction.target).terminal.search(codec(direction.target).frame(after[0])):
        pytest.skip("one event says it all")
    relay = translating(direction)
    said = through(relay, [*before, after[0]])
    assert relay.failure == TRUNCATED
    last = events_of(direction.primary, said)[-1]
    assert isinstance(last, Failed)
    assert last.failure.kind in ("server", "overloaded", "connection")


@every_direction
def test_a_target_that_ends_before_content_lets_nothing_out(direction: Direction) -> None:
    before, _ = split_at_content(direction.target)
    relay = translating(direction)
    assert through(relay, before) == b""
    assert relay.failure == TRUNCATED


@every_provider
def test_a_target_of_the_callers_own_provider_goes_out_as_it_came(provider: Provider) -> None:
    relay = identical(provider)
    assert through(relay, frames_of(provider)) == bytes_of(provider)
    assert relay.failure is None
    assert relay.losses == ()


@every_provider
def test_an_own_target_that_is_cut_is_a_failure(provider: Provider) -> None:
    before, _ = split_at_content(provider)
    relay = identical(provider)
    assert through(relay, before) == b""
    assert relay.failure == TRUNCATED


def test_a_frame_that_is_not_the_targets_is_a_failure() -> None:
    relay = translating(Direction("openai", "anthropic"))
    for _ in range(3):
        assert relay.failure is None
        assert relay.feed({"type": "content_block_delta", "index": "x", "delta": 7}) == b""
    assert (relay.failure, relay.malformed) == (MALFORMED, 3)


def test_a_source_that_breaks_after_content_ends_in_the_callers_own_error() -> None:
    relay = translating(Direction("anthropic", "openai"))
    before, after = split_at_content("openai")
    head = b"".join(map(relay.feed, (*before, after[0])))
    relay.broke(Failure(kind="connection", code="ReadError"))
    said = relay.error()
    assert isinstance(events_of("anthropic", head + said)[-1], Failed)
    assert said.startswith(b"event: error")


def test_a_source_that_breaks_before_content_says_nothing() -> None:
    relay = translating(Direction("anthropic", "openai"))
    assert relay.broke(Failure(kind="connection")) == b""


def test_a_stream_that_is_given_up_is_not_complete() -> None:
    relay = translating(Direction("mistral", "gemini"))
    assert not relay.complete
    whole = translating(Direction("mistral", "gemini"))
    through(whole, frames_of("gemini"))
    assert whole.complete


def test_a_renamed_tool_has_the_callers_name() -> None:
    call = ToolCall(id="call_1", name="look_up", arguments="{}")
    answer = replace(saying(), candidates=(Candidate(parts=(Text(text="a"), call), finish_reason="tool_calls"),))
    names = {"look_up": "look.up"}
    relay = FrameRelay(
        codec("gemini"), STREAMED, source=codec("openai"), model="m", renamed_tools=names, elapsed_s=lambda: 1.5
    )
    assert b'"look.up"' in through(relay, frames_of("openai", answer))
