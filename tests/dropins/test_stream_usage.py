"""A stream's usage: asked for where only those learn it who ask, and hidden from callers who did not."""

from __future__ import annotations

from typing import Any

import pytest

import spaturzu
from spaturzu.router.chain import Chain
from spaturzu.sandbox import Cut, Reply, Usage
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


def test_who_asks_for_usage_sees_it(house: House) -> None:
    house.answers(SAID, "openai")
    client = house.drop_in("openai", options={"stream_usage": True})
    chunks = list(client.chat.completions.create(**ASKED, stream_options={"include_usage": True}))

    assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [17]


def test_an_unknown_server_is_not_asked(house: House) -> None:
    house.answers(SAID, "openai")
    list(house.drop_in("openai").chat.completions.create(**ASKED))

    (request,) = house.wire("openai").requests
    assert "stream_options" not in request.body


@pytest.mark.parametrize(
    ("host", "path", "wanted", "asked"),
    [
        ("api.openai.com", "/v1/chat/completions", None, True),
        ("eu.api.openai.com", "/v1/chat/completions", None, True),
        ("mine.openai.azure.com", "/openai/v1/chat/completions", None, True),
        ("mine.openai.azure.com", "/openai/deployments/m/chat/completions", None, False),
        ("notopenai.com", "/v1/chat/completions", None, False),
        ("localhost", "/v1/chat/completions", None, False),
        ("localhost", "/v1/chat/completions", True, True),
        ("api.openai.com", "/v1/chat/completions", False, False),
        ("api.openai.com", "/v1/responses", True, False),
    ],
)
def test_only_those_are_asked_who_are_known_to_answer(host: str, path: str, wanted: bool | None, asked: bool) -> None:
    surface = recognise("openai", path)
    assert surface is not None
    call = make_call(Fake("anthropic").target())
    call.chain = Chain(stream_usage=wanted, record=lambda call, hop: None)
    assert asks_usage(call, surface, host, path) is asked


def test_the_body_is_otherwise_as_it_was() -> None:
    assert with_usage_asked(b'{"a":1}') == b'{"a":1,"stream_options":{"include_usage":true}}'
    assert with_usage_asked(b'{"stream_options":{"include_usage":false}}') is None
    assert with_usage_asked(b"[]") is None
