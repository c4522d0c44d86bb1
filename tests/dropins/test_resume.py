"""A stream that breaks after its first content goes on at another hop: the caller reads one whole native stream."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import openai
import pytest

import spaturzu
from spaturzu.demo.callers import CALLERS
from spaturzu.sandbox import Cut, ErrorEvent, NoTerminal, Reply, Reset, Stall, Status, Step, ToolCall, Usage
from spaturzu_translators.directions import DIRECTIONS, Direction
from spaturzu_translators.messages import Provider

from .chains import DOWN, House, each_primary, other, served_model, sync_and_async
from .test_streams import ERRORS

TEXT = "The river rises in the hills, runs past two old mills and ends in the sea."
WORDS = TEXT.split(" ")
WHOLE = Reply(TEXT, flush_each=True, usage=Usage(input=40, output=20))
CUT_AT = 8
SAID = " ".join(WORDS[:CUT_AT]) + " "
REST = " ".join(WORDS[CUT_AT:])
BROKEN = Cut(after_deltas=CUT_AT, framing="wrong", reply=WHOLE)
CALLING = Reply("I look it up.", tool_calls=(ToolCall(name="weather", arguments={"city": "Cluj"}),), flush_each=True)

BREAKS: dict[str, Step] = {
    "truncated": Cut(after_deltas=CUT_AT, reply=WHOLE),
    "truncated without framing": Cut(after_deltas=CUT_AT, framing="missing", reply=WHOLE),
    "cut off": BROKEN,
    "an error": ErrorEvent(after_deltas=CUT_AT, reply=WHOLE),
    "reset": Reset(after_deltas=CUT_AT, reply=WHOLE),
}
GOES_ON: dict[str, str] = {
    "from the start": TEXT,
    "with the last words": " ".join(WORDS[CUT_AT - 4 :]),
    "with one last word": " ".join(WORDS[CUT_AT - 1 :]),
    "after them": REST,
}

every_direction = pytest.mark.parametrize("direction", DIRECTIONS, ids=str)


def stitched(heard: Any) -> None:
    """Is it one whole stream that says all, once?"""
    assert heard.error is None
    assert heard.said.text == TEXT
    assert heard.statuses == ["failed", "served"]
    assert heard.record.stitched


@sync_and_async
@every_direction
def test_a_cut_stream_goes_on_in_every_direction(house: House, direction: Direction, as_async: bool) -> None:
    house.answers(BROKEN, direction.primary)
    house.answers(WHOLE, direction.target)
    client = house.chain(direction.primary, direction.target, as_async=as_async)
    whole = house.wire(direction.primary)

    heard = house.attempt(direction.primary, client, stream=True, as_async=as_async)

    stitched(heard)
    assert (heard.said.input_tokens, heard.said.output_tokens) == (40, 20)
    whole.script(WHOLE)
    unbroken = house.call(
        direction.primary, house.drop_in(direction.primary, as_async=as_async), stream=True, as_async=as_async
    )
    assert heard.said.finish == unbroken.said.finish
    assert {type(event) for event in heard.events} <= {type(event) for event in unbroken.events}


@sync_and_async
@pytest.mark.parametrize("name", BREAKS)
@each_primary
def test_however_it_breaks(house: House, primary: Provider, name: str, as_async: bool) -> None:
    house.answers(BREAKS[name], primary)
    house.answers(WHOLE, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async)

    stitched(house.attempt(primary, client, stream=True, as_async=as_async))


@pytest.mark.parametrize("name", GOES_ON)
@every_direction
def test_whatever_the_next_model_begins_with(house: House, direction: Direction, name: str) -> None:
    house.answers(BROKEN, direction.primary)
    house.answers(Reply(GOES_ON[name], flush_each=True), direction.target)

    stitched(house.attempt(direction.primary, house.chain(*direction_of(direction)), stream=True, as_async=False))


def direction_of(direction: Direction) -> tuple[Provider, Provider]:
    """Primary and target."""
    return direction.primary, direction.target


@sync_and_async
@pytest.mark.parametrize("text", ["Rivers end in the sea.", "The river is long.", "Sure! Here is the rest: runs past"])
@each_primary
def test_another_answer_is_not_glued_on(house: House, primary: Provider, text: str, as_async: bool) -> None:
    house.answers(BREAKS["an error"], primary)
    house.answers(Reply(text, flush_each=True), other(primary))
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert isinstance(heard.error, ERRORS[primary])
    assert heard.said.text == SAID
    assert [hop.code for hop in heard.record.hops[1:]] == ["diverged"]
    assert not heard.record.stitched
    assert heard.record.partial.candidates[0].parts[0].text == SAID


@each_primary
def test_the_error_is_the_one_that_broke_the_stream(house: House, primary: Provider) -> None:
    """Whatever the targets say that were to go on with it."""
    house.answers(BREAKS["an error"], primary)
    house.answers(Status(401, times=None), other(primary))
    client = house.chain(primary, other(primary))

    heard = house.attempt(primary, client, stream=True, as_async=False)

    house.wire(primary).reply(BREAKS["an error"])
    raw = house.attempt(primary, house.single(primary), stream=True, as_async=False)
    assert heard.error is not None
    assert type(heard.error).__name__ == type(raw.error).__name__
    assert heard.statuses == ["failed", "failed"]
    assert heard.record.hops[0].kind in ("overloaded", "server")


def test_a_connection_that_breaks_is_the_sdks_own_error_with_a_note(house: House) -> None:
    house.answers(BREAKS["reset"], "openai")
    house.answers(DOWN, "anthropic")

    heard = house.attempt("openai", house.chain("openai", "anthropic"), stream=True, as_async=False)

    assert isinstance(heard.error, openai.APIConnectionError)
    assert [line.split(":")[0].strip() for line in heard.error.__notes__[0].splitlines()[1:]] == [
        "1. openai/gpt-6-astra",
        f"2. anthropic/{served_model('anthropic')}",
    ]


@each_primary
def test_a_target_that_cannot_go_on_is_followed_by_the_next(house: House, primary: Provider) -> None:
    second, third = other(primary), other(other(primary))
    house.answers(BROKEN, primary)
    house.answers(DOWN, second)
    house.answers(WHOLE, third)

    heard = house.attempt(primary, house.chain(primary, second, third), stream=True, as_async=False)

    assert heard.said.text == TEXT
    assert heard.statuses == ["failed", "failed", "served"]


@sync_and_async
@each_primary
def test_a_target_that_breaks_is_gone_on_with_too(house: House, primary: Provider, as_async: bool) -> None:
    """Twice: the primary breaks, and so does the first that goes on."""
    second, third = other(primary), other(other(primary))
    house.answers(Cut(after_deltas=3, reply=WHOLE), primary)
    house.answers(BREAKS["truncated"], second)
    house.answers(WHOLE, third)
    client = house.chain(primary, second, third, as_async=as_async)

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert heard.error is None
    assert heard.said.text == TEXT
    assert heard.statuses == ["failed", "failed", "served"]


@sync_and_async
@each_primary
def test_a_stream_that_falls_silent_is_gone_on_with(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(Stall(after_deltas=CUT_AT, seconds=600, reply=WHOLE), primary)
    house.answers(WHOLE, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options={"idle_timeout": 0.2})

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    stitched(heard)
    assert (heard.record.hops[0].kind, heard.record.hops[0].code) == ("timeout", "idle_timeout")


@each_primary
def test_a_stream_that_lacks_only_its_end_gets_one(house: House, primary: Provider) -> None:
    house.answers(NoTerminal(reply=WHOLE), primary)
    house.answers(WHOLE, other(primary))

    stitched(house.attempt(primary, house.chain(primary, other(primary)), stream=True, as_async=False))


IN_CALL: dict[Provider, int] = {"openai": 6, "anthropic": 8, "bedrock": 7}
"""The events until half of the call's arguments has come; one more is the other half."""
each_that_sends_calls_in_pieces = pytest.mark.parametrize("primary", IN_CALL)


@sync_and_async
@each_that_sends_calls_in_pieces
def test_a_call_that_was_begun_is_made_again_and_goes_on(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(Cut(after_deltas=IN_CALL[primary], reply=CALLING), primary)
    house.answers(CALLING, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.attempt(primary, client, stream=True, tools=True, as_async=as_async)

    assert heard.error is None
    assert heard.said.text == CALLING.text
    ((name, arguments),) = heard.said.calls
    assert (name, json.loads(arguments)) == ("weather", {"city": "Cluj"})
    assert heard.record.stitched


@each_that_sends_calls_in_pieces
@pytest.mark.parametrize("call", [("weather", {"town": "Cluj"}), ("time", {"city": "Cluj"})], ids=lambda call: call[0])
def test_another_call_is_not_glued_on(house: House, primary: Provider, call: tuple[str, Any]) -> None:
    house.answers(Cut(after_deltas=IN_CALL[primary], reply=CALLING), primary)
    house.answers(replace(CALLING, tool_calls=(ToolCall(name=call[0], arguments=call[1]),)), other(primary))

    heard = house.attempt(primary, house.chain(primary, other(primary)), stream=True, tools=True, as_async=False)

    assert isinstance(heard.error, ERRORS[primary])
    assert [hop.code for hop in heard.record.hops[1:]] == ["diverged"]


@each_that_sends_calls_in_pieces
def test_a_whole_tool_call_that_was_shown_is_not_gone_on_with(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=IN_CALL[primary] + 1, reply=CALLING), primary)
    house.answers(CALLING, other(primary))

    heard = house.attempt(primary, house.chain(primary, other(primary)), stream=True, tools=True, as_async=False)

    assert heard.error is not None
    assert house.asked(other(primary)) == 0
    assert heard.said.calls


@pytest.mark.parametrize("primary", ["gemini", "mistral"])
def test_a_tool_call_of_which_nothing_was_shown_is_made_anew(house: House, primary: Provider) -> None:
    """OpenAI's fragments wait until a call is whole, as these two show them."""
    house.answers(DOWN, primary)
    house.answers(Cut(after_deltas=6, reply=CALLING), "openai")
    house.answers(CALLING, "anthropic")

    heard = house.attempt(primary, house.chain(primary, "openai", "anthropic"), stream=True, tools=True, as_async=False)

    assert heard.error is None
    assert heard.said.text == CALLING.text
    assert heard.said.calls == [("weather", {"city": "Cluj"})] or json.loads(heard.said.calls[0][1]) == {"city": "Cluj"}
    assert len(heard.said.calls) == 1


@each_primary
def test_a_call_after_the_text_is_part_of_what_comes_next(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=2, reply=CALLING), primary)
    house.answers(CALLING, other(primary))

    heard = house.attempt(primary, house.chain(primary, other(primary)), stream=True, tools=True, as_async=False)

    assert heard.error is None
    assert heard.said.text == CALLING.text
    assert len(heard.said.calls) == 1
    assert heard.record.stitched


THINKING = Reply(TEXT, reasoning="a b c d", flush_each=True, chunks=None)


@pytest.mark.parametrize("primary", ["anthropic", "bedrock"])
def test_thoughts_that_lack_their_signature_end_the_stream(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=2, reply=THINKING), primary)
    house.answers(WHOLE, other(primary))

    heard = house.attempt(primary, house.chain(primary, other(primary)), stream=True, as_async=False)

    assert heard.error is not None
    assert house.asked(other(primary)) == 0


@pytest.mark.parametrize("primary", ["gemini", "mistral"])
def test_thoughts_without_a_signature_are_followed_by_the_next_ones_answer(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=2, reply=THINKING), primary)
    house.answers(THINKING, other(primary))

    stitched(house.attempt(primary, house.chain(primary, other(primary)), stream=True, as_async=False))


@each_primary
def test_text_after_whole_thoughts_goes_on(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=9, reply=THINKING), primary)
    house.answers(THINKING, other(primary))

    stitched(house.attempt(primary, house.chain(primary, other(primary)), stream=True, as_async=False))


def asked_of(house: House, provider: Provider) -> list[Any]:
    """The bodies that a provider was sent."""
    return [request.body for request in house.wire(provider).requests]


def test_the_partial_is_quoted_in_the_last_turn_and_the_system_prompt_is_the_callers(house: House) -> None:
    house.answers(BROKEN, "openai")
    house.answers(WHOLE, "anthropic")
    client = house.chain("openai", "anthropic")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Tell me."}]

    list(client.chat.completions.create(model="gpt-6-astra", messages=messages, stream=True))

    (sent,) = asked_of(house, "anthropic")
    assert json.dumps(sent["system"]).count("Be brief.") == 1
    assert "broke" not in json.dumps(sent["system"])
    assert [message["role"] for message in sent["messages"]] == ["user"]
    said = json.dumps(sent["messages"][-1])
    assert "Tell me." in said
    assert SAID.strip() in said


def test_a_model_that_takes_a_beginning_gets_it_as_its_own(house: House) -> None:
    house.answers(BROKEN, "openai")
    house.answers(Reply(REST, flush_each=True), "mistral")

    stitched(house.attempt("openai", house.chain("openai", "mistral"), stream=True, as_async=False))

    (sent,) = asked_of(house, "mistral")
    assert sent["messages"][-1] == {"role": "assistant", "content": SAID.strip(), "prefix": True}


def test_a_model_that_refuses_a_beginning_is_asked_with_a_quote(house: House) -> None:
    house.answers(BROKEN, "openai")
    house.wire("mistral").script(Status(400), WHOLE)

    heard = house.attempt("openai", house.chain("openai", "mistral"), stream=True, as_async=False)

    stitched(heard)
    assert [body["messages"][-1]["role"] for body in asked_of(house, "mistral")] == ["assistant", "user"]
    assert heard.record.hops[1].attempts == 2


@pytest.mark.parametrize(
    "more",
    [{"n": 2}, {"logprobs": True}, {"response_format": {"type": "json_object"}}],
    ids=["several answers", "logprobs", "JSON"],
)
def test_what_two_models_cannot_say_together_ends_in_the_error(house: House, more: Any) -> None:
    house.answers(BROKEN, "openai")
    client = house.chain("openai", "anthropic", options={"on_loss": "allow"})
    messages = [{"role": "user", "content": "Tell me in JSON."}]

    with pytest.raises(Exception, match=r"."):
        list(client.chat.completions.create(model="gpt-6-astra", messages=messages, stream=True, **more))

    assert house.asked("anthropic") == 0


def test_each_hop_of_a_stitched_stream_tells_its_own_usage(house: House) -> None:
    house.answers(BREAKS["truncated"], "anthropic")
    house.answers(Reply(TEXT, flush_each=True, usage=Usage(input=99, output=33)), "openai")

    heard = house.attempt("anthropic", house.chain("anthropic", "openai"), stream=True, as_async=False)

    first, second = (hop.usage() for hop in heard.record.hops)
    assert first.input_tokens == 40
    assert (second.input_tokens, second.output_tokens) == (99, 33)
    assert (heard.said.input_tokens, heard.said.output_tokens) == (99, 33)
    assert heard.record.hops[0].answer().candidates[0].parts[0].text == SAID


def test_a_stitched_stream_that_is_left_early_is_abandoned(house: House) -> None:
    house.answers(Cut(after_deltas=1, reply=WHOLE), "openai")
    house.answers(Reply(TEXT, chunk_delay_s=0.02), "anthropic")
    stream = house.chain("openai", "anthropic").chat.completions.create(
        model="gpt-6-astra", messages=[{"role": "user", "content": "Hi"}], stream=True
    )
    for seen, _ in enumerate(stream):
        if seen > 4:
            break
    stream.close()

    record: Any = spaturzu.last_call()
    assert [hop.status for hop in record.hops] == ["failed", "abandoned"]
    assert record.stitched


def test_openais_stream_helper_reads_a_stitched_stream(house: House) -> None:
    house.answers(BROKEN, "openai")
    house.answers(WHOLE, "anthropic")
    with house.chain("openai", "anthropic").chat.completions.stream(
        model="gpt-6-astra", messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        assert "".join(event.delta for event in stream if event.type == "content.delta") == TEXT
        final = stream.get_final_completion()
    assert final.choices[0].message.content == TEXT
    assert final.choices[0].finish_reason == "stop"


def test_anthropics_stream_helper_reads_a_stitched_stream(house: House) -> None:
    house.answers(BROKEN, "anthropic")
    house.answers(WHOLE, "openai")
    with house.chain("anthropic", "openai").messages.stream(
        model="claude-haiku-5-5", max_tokens=50, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        text, final = "".join(stream.text_stream), stream.get_final_message()
    assert text == final.content[0].text == TEXT
    assert len(final.content) == 1
    assert final.stop_reason == "end_turn"
    assert final.usage.output_tokens == 20


@pytest.mark.parametrize("kind", ["with_raw_response", "with_streaming_response"])
def test_raw_responses_read_a_stitched_stream(house: House, kind: str) -> None:
    house.answers(BROKEN, "openai")
    house.answers(WHOLE, "anthropic")
    completions = house.chain("openai", "anthropic").chat.completions
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    if kind == "with_raw_response":
        stream = completions.with_raw_response.create(**asked).parse()
        said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    else:
        with completions.with_streaming_response.create(**asked) as response:
            stream = response.parse()
            said = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    assert "".join(said) == TEXT


@pytest.mark.parametrize("target", ["anthropic", "gemini"])
def test_a_responses_stream_goes_on_with_its_numbers_and_items(house: House, target: Provider) -> None:
    house.answers(BROKEN, "openai")
    house.answers(WHOLE, target)
    events = list(house.chain("openai", target).responses.create(model="gpt-6-astra", input="Hi", stream=True))

    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert events[-1].type == "response.completed"
    assert events[-1].response.output_text == TEXT
    assert len({event.item_id for event in events if hasattr(event, "item_id")}) == 1
    assert len({event.response.id for event in events if hasattr(event, "response")}) == 1
    assert events[-1].response.output[0].id == next(event.item_id for event in events if hasattr(event, "item_id"))


def test_a_stitched_openai_stream_has_one_id_and_one_end(house: House) -> None:
    house.answers(BROKEN, "openai")
    house.answers(WHOLE, "bedrock")
    chunks = list(CALLERS["openai"].create(house.chain("openai", "bedrock"), True, False, False))

    assert len({(chunk.id, chunk.created, chunk.model, chunk.object) for chunk in chunks}) == 1
    assert sum(bool(chunk.choices and chunk.choices[0].finish_reason) for chunk in chunks) == 1
    assert sum(bool(chunk.choices and chunk.choices[0].delta.role) for chunk in chunks) == 1
    assert sum(chunk.usage is not None for chunk in chunks) == 1


def test_another_model_of_the_same_provider_goes_on_too(house: House) -> None:
    house.wire("openai").script(BROKEN, WHOLE)
    client = house.chain("openai", "openai")

    heard = house.attempt("openai", client, stream=True, as_async=False)

    stitched(heard)
    assert heard.record.hops[1].model == served_model("openai")


def test_the_break_counts_against_the_primary(house: House) -> None:
    house.answers(Cut(after_deltas=2, reply=WHOLE, times=None), "openai")
    house.answers(WHOLE, "anthropic")
    client = house.chain("openai", "anthropic")

    for _ in range(5):
        house.attempt("openai", client, stream=True, as_async=False)

    assert house.asked("openai") < 5
