"""Claude on Google Cloud, by the anthropic SDK's own client for it: as the primary, and as a target."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic
import openai
import pytest

import spaturzu
from spaturzu.openai import OpenAI
from spaturzu.sandbox import Reply, Sandbox, Status, clients

MODEL = "claude-opus-5-5"
ASK: dict[str, Any] = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
PATH = "/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-opus-5-5"
DOWN, SERVED = Status(503, times=None), Reply("From the other place")


def vertex(sandbox: Sandbox, cls: Any = anthropic.AnthropicVertex) -> Any:
    base_url = f"{sandbox.url('anthropic')}/v1"
    return cls(region="us-east5", project_id="p", access_token="t", base_url=base_url, max_retries=0)


def target(sandbox: Sandbox) -> dict[str, Any]:
    return {"provider": "openai", "client": clients.openai(sandbox), "model": "gpt-6-astra"}


@pytest.fixture
def sandbox() -> Any:
    with Sandbox() as sandbox:
        yield sandbox


def hops() -> list[tuple[str, str]]:
    record = spaturzu.last_call()
    assert record is not None
    return [(hop.provider, hop.status) for hop in record.hops]


FELL_BACK = [("anthropic", "failed"), ("openai", "served")]


def test_as_the_primary_it_falls_back(sandbox: Sandbox) -> None:
    sandbox.anthropic.reply(DOWN)
    sandbox.openai.reply(SERVED)
    client = spaturzu.Spaturzu().wrap_anthropic(vertex(sandbox), fallback=[target(sandbox)])

    answer = client.with_agent("triage").messages.create(**ASK)

    assert isinstance(client, anthropic.AnthropicVertex)
    assert isinstance(answer, anthropic.types.Message)
    assert answer.content[0].text == SERVED.text
    assert hops() == FELL_BACK
    assert sandbox.anthropic.requests[0].path == f"{PATH}:rawPredict"


def test_its_stream_falls_back(sandbox: Sandbox) -> None:
    sandbox.anthropic.reply(DOWN)
    sandbox.openai.reply(SERVED)
    client = spaturzu.Spaturzu().wrap_anthropic(vertex(sandbox), fallback=[target(sandbox)])

    with client.messages.stream(**ASK) as stream:
        assert stream.get_final_text() == SERVED.text

    assert hops() == FELL_BACK
    assert sandbox.anthropic.requests[0].path == f"{PATH}:streamRawPredict"


def test_its_async_client_falls_back(sandbox: Sandbox) -> None:
    sandbox.anthropic.reply(DOWN)
    sandbox.openai.reply(SERVED)

    async def ask() -> str:
        places = [{**target(sandbox), "client": clients.async_openai(sandbox)}]
        raw = vertex(sandbox, anthropic.AsyncAnthropicVertex)
        client = spaturzu.Spaturzu().wrap_anthropic(raw, fallback=places)
        answer = await client.messages.create(**ASK)
        assert hops() == FELL_BACK
        return answer.content[0].text

    assert asyncio.run(ask()) == SERVED.text


def test_its_original_does_not_fall_back(sandbox: Sandbox) -> None:
    sandbox.anthropic.reply(DOWN)
    original = vertex(sandbox)
    spaturzu.Spaturzu().wrap_anthropic(original, fallback=[target(sandbox)])
    with pytest.raises(anthropic.APIStatusError) as raised:  # of another class in each generation
        original.messages.create(**ASK)
    assert raised.value.status_code == 503


def test_anthropics_own_address_is_not_sent_google_clouds_version(sandbox: Sandbox) -> None:
    with Sandbox() as down:
        down.anthropic.reply(DOWN)
        spare = {"provider": "anthropic", "client": clients.anthropic(sandbox), "model": "claude-haiku-5-5"}
        spaturzu.Spaturzu().wrap_anthropic(vertex(down), fallback=[spare]).messages.create(**ASK)
    sent = sandbox.anthropic.requests[0].body
    assert (sent["model"], "anthropic_version" in sent) == ("claude-haiku-5-5", False)


@pytest.mark.parametrize("stream", [False, True])
def test_as_a_target_it_serves(sandbox: Sandbox, stream: bool) -> None:
    sandbox.openai.reply(DOWN)
    sandbox.anthropic.reply(SERVED)
    place = {"provider": "anthropic", "client": vertex(sandbox), "model": MODEL}
    client = OpenAI(base_url=sandbox.url("openai"), api_key="k", spaturzu={"fallback": [place]})

    answer: Any = client.chat.completions.create(model="gpt-6-astra", messages=ASK["messages"], stream=stream)

    if stream:
        assert "".join(chunk.choices[0].delta.content or "" for chunk in answer if chunk.choices) == SERVED.text
    else:
        assert isinstance(answer, openai.types.chat.ChatCompletion)
        assert answer.choices[0].message.content == SERVED.text
    assert hops()[-1] == ("anthropic", "served")
    assert sandbox.anthropic.requests[0].path == f"{PATH}:{'streamRawPredict' if stream else 'rawPredict'}"
    assert "anthropic_version" in sandbox.anthropic.requests[0].body
