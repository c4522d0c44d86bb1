"""A stream's usage: asked for where only those learn it who ask, and hidden from callers who did not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

import spaturzu
from spaturzu.router import asking
from spaturzu.router.chain import Chain
from spaturzu.sandbox import Cut, Reply, Status, Usage
from spaturzu.tracked.calls import asks_usage, with_usage_asked
from spaturzu.tracked.surfaces import recognise
from spaturzu_translators.messages import Provider

from ..router.stage import Fake, make_call
from .chains import DOWN, DOWN_ONCE, House, each_primary, other, sync_and_async

SAID = Reply("one two three four", usage=Usage(input=31, output=17, cache_read=3, reasoning=0), flush_each=True)
ASKED: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Hi"}], "stream": True}


@sync_and_async
@each_primary
def test_a_streams_usage_is_on_its_hop(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(SAID, primary)
    client = house.chain(primary, other(primary), as_async=as_async)

    heard = house.call(primary, client, stream=True, as_async=as_async)

    (hop,) = heard.record.hops
    usage = hop.usage()
    assert (usage.input_tokens, usage.output_tokens) == (31, 17)
    assert hop.answer().candidates[0].parts[0].text == SAID.text
    assert 0 < hop.first_token_s <= hop.duration_s


@each_primary
def test_a_targets_usage_is_on_its_hop(house: House, primary: Provider) -> None:
    house.answers(DOWN, primary)
    house.answers(SAID, other(primary))

    heard = house.call(primary, house.chain(primary, other(primary)), stream=True)

    usage = heard.record.hops[1].usage()
    assert (usage.input_tokens, usage.output_tokens) == (31, 17)


@each_primary
def test_what_a_failed_stream_used_is_told_as_far_as_it_is_known(house: House, primary: Provider) -> None:
    house.answers(Cut(after_deltas=2, reply=SAID), primary)
    client = house.chain(primary, other(primary), options={"on_stream_break": "raise"})

    heard = house.attempt(primary, client, stream=True, as_async=False)

    (hop,) = heard.record.hops
    usage = hop.usage()
    assert (usage.input_tokens if usage else None) == (31 if primary in ("anthropic", "gemini") else None)
    assert hop.answer().candidates[0].parts[0].text == "one two "


@pytest.mark.parametrize("serving", ["primary", "target", "second openai"])
def test_usage_is_asked_for_and_hidden(house: House, serving: str) -> None:
    house.answers(SAID)
    if serving == "target":
        house.answers(DOWN, "openai")
    elif serving == "second openai":
        house.wire("openai").script(DOWN_ONCE)
    target: Provider = "anthropic" if serving == "target" else "openai"
    options = {"fallback": [house.target(target)], "stream_usage": True, "retry": {"attempts": 1}}
    chunks = list(house.drop_in("openai", options=options).chat.completions.create(**ASKED))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAID.text
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)
    record: Any = spaturzu.last_call()
    usage = record.hops[-1].usage()
    assert (usage.input_tokens, usage.output_tokens) == (31, 17)


def test_a_chunk_says_nothing_of_a_usage_that_nobody_asked_for(house: House) -> None:
    """As the provider's own stream would be; what the model writes stays as it is."""
    said = Reply('It sent {"choices":[],"usage":null} at last.', chunks=2)
    house.answers(said, "openai")
    chunks = list(house.drop_in("openai").chat.completions.create(**ASKED))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == said.text
    assert not [chunk for chunk in chunks if "usage" in chunk.model_fields_set]
    assert house.wire("openai").requests[0].body["stream_options"] == {"include_usage": True}


def test_who_asks_for_usage_sees_it(house: House) -> None:
    house.answers(SAID, "openai")
    client = house.drop_in("openai", options={"stream_usage": True})
    chunks = list(client.chat.completions.create(**ASKED, stream_options={"include_usage": True}))

    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [17]


COMPLAINTS = {
    "by its name": {"error": {"message": "Unrecognized request argument supplied: stream_options"}},
    "as a validator does": {"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"]}]},
    "in general": {"message": "unknown field in request"},
}


@pytest.fixture
def _forgetful() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    asking.forget()


@pytest.mark.usefixtures("_forgetful")
@sync_and_async
@pytest.mark.parametrize("chained", [False, True], ids=["alone", "with a chain"])
@pytest.mark.parametrize("complaint", COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_server_that_complains_of_the_question_is_not_asked_again(
    house: House, complaint: Any, chained: bool, as_async: bool
) -> None:
    house.wire("openai").script(Status(400, complaint))
    house.answers(SAID, "openai")
    alone = house.drop_in("openai", as_async=as_async)
    client = house.chain("openai", "anthropic", as_async=as_async) if chained else alone

    async def read() -> list[Any]:
        return [chunk async for chunk in await client.chat.completions.create(**ASKED)]

    for _ in range(2):
        chunks = house.runner.run(read()) if as_async else list(client.chat.completions.create(**ASKED))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == SAID.text
    asked = ["stream_options" in request.body for request in house.wire("openai").requests]
    assert asked == [True, False, False]


@pytest.mark.usefixtures("_forgetful")
def test_another_mistake_is_the_callers_and_told_at_once(house: House) -> None:
    house.wire("openai").script(Status(400, {"error": {"message": "messages is too long"}}))
    with pytest.raises(openai.BadRequestError, match="too long"):
        house.drop_in("openai").chat.completions.create(**ASKED)
    assert len(house.wire("openai").requests) == 1


@pytest.mark.parametrize(
    ("path", "wanted", "asked"),
    [
        ("/v1/chat/completions", None, True),
        ("/openai/deployments/m/chat/completions", None, True),
        ("/v1/chat/completions", False, False),
        ("/v1/responses", True, False),
    ],
)
def test_who_is_asked(path: str, wanted: bool | None, asked: bool) -> None:
    surface = recognise("openai", path)
    assert surface is not None
    call = make_call(Fake("anthropic").target())
    call.chain = Chain(stream_usage=wanted, record=lambda call, hop: None)
    assert asks_usage(call, surface, ("localhost", 80)) is asked


def test_the_body_is_otherwise_as_it_was() -> None:
    assert with_usage_asked(b'{"a":1}') == b'{"a":1,"stream_options":{"include_usage":true}}'
    assert with_usage_asked(b'{"stream_options":{"include_usage":false}}') is None
    assert with_usage_asked(b"[]") is None
