"""Streams that break: before their first content the call falls back, after it the caller's SDK raises."""

from __future__ import annotations

import asyncio
import gc
import pickle
import threading
from collections.abc import Callable
from typing import Any

import anthropic
import botocore.exceptions
import google.genai.errors
import mistralai.client.errors
import openai
import pytest

import spaturzu
from spaturzu.demo.callers import CALLERS
from spaturzu.sandbox import Cut, ErrorEvent, Malformed, NoTerminal, Reply, Reset, Stall, Step
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators.messages import Provider
from tests.waiting import asoon, soon

from .chains import DOWN, SERVED, House, each_primary, other, sync_and_async

LONG = Reply("one two three four five six", flush_each=True)
SLOW = Reply(" ".join(["word"] * 400), chunk_delay_s=0.02)

BEFORE: dict[str, Step] = {
    "nothing": Cut(after_events=0),
    "lifecycle events only": Cut(after_deltas=0),
    "an error first": ErrorEvent(after_events=0),
    "an error before content": ErrorEvent(after_deltas=0),
    "reset after the head": Reset(after_events=0),
    "reset before content": Reset(after_deltas=0),
    "cut off": Cut(after_deltas=0, framing="wrong"),
}
AFTER: dict[str, Step] = {
    "truncated": Cut(after_deltas=2, reply=LONG),
    "truncated without framing": Cut(after_deltas=2, framing="missing", reply=LONG),
    "cut off": Cut(after_deltas=2, framing="wrong", reply=LONG),
    "an error": ErrorEvent(after_deltas=2, reply=LONG),
    "reset": Reset(after_deltas=2, reply=LONG),
}


@sync_and_async
@pytest.mark.parametrize("name", BEFORE)
@each_primary
def test_before_content_the_call_falls_back_silently(
    house: House, primary: Provider, name: str, as_async: bool
) -> None:
    house.answers(BEFORE[name], primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.call(primary, client, stream=True, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "served"]


@sync_and_async
@pytest.mark.parametrize("name", BEFORE)
@each_primary
def test_a_target_that_breaks_before_content_is_left_too(
    house: House, primary: Provider, name: str, as_async: bool
) -> None:
    second, third = other(primary), other(other(primary))
    house.answers(DOWN, primary)
    house.answers(BEFORE[name], second)
    house.answers(SERVED, third)
    client = house.chain(primary, second, third, as_async=as_async)

    heard = house.call(primary, client, stream=True, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "failed", "served"]


ERRORS: dict[Provider, tuple[type[Exception], ...]] = {
    "openai": (openai.APIError,),
    "anthropic": (anthropic.APIError,),
    "bedrock": (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError),
    "gemini": (google.genai.errors.APIError,),
    "mistral": (mistralai.client.errors.MistralError,),
}
"""What each SDK raises inside a stream. The primary's own broken transport may be raised as its SDK leaves it, too."""


@sync_and_async
@pytest.mark.parametrize("name", AFTER)
@each_primary
def test_after_content_a_broken_primary_is_an_error_where_the_caller_wants_one(
    house: House, primary: Provider, name: str, as_async: bool
) -> None:
    house.answers(AFTER[name], primary)
    client = house.chain(primary, other(primary), as_async=as_async, options={"on_stream_break": "raise"})

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert heard.error is not None
    assert heard.said.text == "one two "
    assert heard.statuses == ["failed"]
    assert house.asked(other(primary)) == 0
    assert_it_has_what_came(heard, "one two ")


def assert_it_has_what_came(heard: Any, text: str) -> None:
    """The partial answer and its tokens, in another process as well."""
    record = heard.error.spaturzu
    assert record is heard.record
    assert heard.error.__notes__[-1] == record.note
    for told in (record, pickle.loads(pickle.dumps(record))):  # noqa: S301 - our own
        assert told.partial.text == text
        assert told.partial.usage.input_tokens > 0
        assert told.partial.usage.output_tokens > 0


@sync_and_async
@pytest.mark.parametrize("where", [{"after_events": 0}, {"after_deltas": 0}, {"after_deltas": 2}], ids=str)
@each_primary
def test_a_malformed_event_is_left_out_of_the_primarys_stream(
    house: House, primary: Provider, where: Any, as_async: bool
) -> None:
    house.answers(Malformed(**where, reply=LONG), primary)
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.call(primary, client, stream=True, as_async=as_async)

    assert heard.said.text == LONG.text
    assert heard.statuses == ["served"]
    assert heard.record.hops[0].malformed == 1


@sync_and_async
@pytest.mark.parametrize("name", AFTER)
@each_primary
def test_after_content_a_broken_target_is_the_callers_own_error(
    house: House, primary: Provider, name: str, as_async: bool
) -> None:
    house.answers(DOWN, primary)
    house.answers(AFTER[name], other(primary))
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert isinstance(heard.error, ERRORS[primary])
    assert heard.said.text == "one two "
    assert heard.statuses == ["failed", "failed"]
    assert_it_has_what_came(heard, "one two ")


@sync_and_async
@each_primary
def test_a_stall_is_the_sdks_own_timeout_with_what_came(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(Stall(after_deltas=2, reply=LONG, times=None), primary)
    options = {"on_stream_break": "raise", "idle_timeout": 0.3}
    client = house.chain(primary, other(primary), as_async=as_async, options=options)

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert "Timeout" in type(heard.error).__name__
    assert (heard.record.hops[0].kind, heard.record.hops[0].code) == ("timeout", "idle_timeout")
    assert_it_has_what_came(heard, "one two ")


@pytest.mark.parametrize("name", ["OpenAI", "Anthropic"])
def test_who_reads_bytes_finds_the_error_in_them(house: House, name: str) -> None:
    primary: Provider = "openai" if name == "OpenAI" else "anthropic"
    house.answers(ErrorEvent(after_deltas=2, reply=LONG, times=None), primary)
    client = house.chain(primary, other(primary), options={"on_stream_break": "raise"})
    create = client.chat.completions if primary == "openai" else client.messages
    asked = {"model": MODELS[primary], "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 9, "stream": True}

    with create.with_streaming_response.create(**asked) as response:
        said = b"".join(response.iter_bytes())

    assert b"two" in said
    assert b"verloaded" in said.splitlines()[-2]


@sync_and_async
@pytest.mark.parametrize("down", [False, True], ids=["primary", "target"])
@each_primary
def test_a_stream_without_its_terminal_event_is_a_failure(
    house: House, primary: Provider, down: bool, as_async: bool
) -> None:
    house.answers(NoTerminal(reply=LONG, times=None))
    if down:
        house.answers(DOWN, primary)
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.attempt(primary, client, stream=True, as_async=as_async)

    assert isinstance(heard.error, ERRORS[primary])
    assert heard.said.text == LONG.text
    assert heard.record.hops[-1].code == "stream_truncated"


@each_primary
def test_a_truncated_stream_is_an_error_without_a_chain_too(house: House, primary: Provider) -> None:
    house.answers(AFTER["truncated"], primary)

    heard = house.attempt(primary, house.drop_in(primary), stream=True, as_async=False)

    assert isinstance(heard.error, ERRORS[primary])


def _leave(primary: Provider, client: Any) -> None:
    caller = CALLERS[primary]
    answer = caller.create(client, True, False, False)
    stream = caller.events(answer)
    for event in stream:
        del event
        break
    stream.close()


async def _aleave(primary: Provider, client: Any) -> None:
    caller = CALLERS[primary]
    answer = await caller.create(client, True, False, True)
    stream = caller.events(answer)
    async for event in stream:
        del event
        break
    closed = stream.aclose() if hasattr(stream, "aclose") else stream.close()
    if closed is not None:
        await closed


async def _aleft(primary: Provider, client: Any, lets_go: Callable[[], bool]) -> Any:
    await _aleave(primary, client)
    record: Any = spaturzu.last_call()
    if primary == "gemini":  # the SDK closes no inner generator: an abandoned async stream's connection waits for these
        for _ in range(200):
            gc.collect()
            await asyncio.sleep(0.02)
            if record.hops[-1].status == "abandoned" and lets_go():
                break
    return record


def _connections(provider: Provider) -> int:
    """How many connections the sandbox serves: it has a thread for each, and one that accepts."""
    return sum(thread.name == f"sandbox-{provider}" for thread in threading.enumerate())


def _settles(provider: Provider, at_most: int) -> bool:
    return soon(lambda: _connections(provider) <= at_most)


@sync_and_async
@pytest.mark.parametrize("down", [False, True], ids=["primary", "target"])
@each_primary
def test_an_abandoned_stream_lets_go_of_its_connection(
    house: House, primary: Provider, down: bool, as_async: bool
) -> None:
    serving = other(primary) if down else primary
    house.answers(SLOW, serving)
    if down:
        house.answers(DOWN, primary)
    client = house.chain(primary, other(primary), as_async=as_async)
    before = _connections(serving)

    if as_async:
        record: Any = house.run(_aleft(primary, client, lambda: _connections(serving) <= before))
    else:
        _leave(primary, client)
        record = spaturzu.last_call()

    assert record.hops[-1].status == "abandoned"
    assert _settles(serving, before), f"{_connections(serving)} connections, {before} before"


@each_primary
def test_streams_leave_no_connection_behind(house: House, primary: Provider) -> None:
    """Neither those read to their end nor those that failed; botocore's lie open until the caller drops them."""
    client = house.chain(primary, other(primary))
    house.call(primary, client, stream=True)
    before = _connections(primary)

    for step in (LONG, AFTER["truncated"], AFTER["an error"], BEFORE["an error first"], LONG):
        house.wire(primary).script(step)
        house.attempt(primary, client, stream=True, as_async=False)
    gc.collect()

    assert _settles(primary, before)


def test_a_complete_stream_that_is_closed_early_is_served(house: House) -> None:
    """The caller stops at the finish reason, before usage and `[DONE]`."""
    client = house.chain("openai", "anthropic")
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)

    for chunk in stream:
        if chunk.choices and chunk.choices[0].finish_reason:
            break
    stream.close()

    record = spaturzu.last_call()
    assert record is not None
    assert [hop.status for hop in record.hops] == ["served"]


def test_a_cancelled_task_closes_its_stream(house: House) -> None:
    house.answers(SLOW, "openai")
    client = house.chain("openai", "anthropic", as_async=True)
    before = _connections("openai")
    seen: list[Any] = []

    async def read() -> None:
        stream = await CALLERS["openai"].create(client, True, False, True)
        seen.append(spaturzu.last_call())
        async for _ in stream:
            pass

    async def cancel() -> None:
        task = asyncio.create_task(read())
        assert await asoon(lambda: seen)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    house.run(cancel())

    assert seen[0].hops[-1].status == "abandoned"
    assert house.asked("anthropic") == 0
    assert _settles("openai", before)


@sync_and_async
def test_a_connection_that_breaks_after_the_terminal_event_breaks_no_answer(house: House, as_async: bool) -> None:
    """One word, and OpenAI's finish reason: all has been said."""
    house.answers(Cut(after_events=3, framing="wrong", times=None), "openai")
    heard = house.call("openai", house.chain("openai", "anthropic", as_async=as_async), stream=True, as_async=as_async)
    assert (heard.said.text, heard.said.finish) == ("Hello", "stop")
    assert heard.statuses == ["served"]
