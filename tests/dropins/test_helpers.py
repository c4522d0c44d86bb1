"""The SDKs' own helpers on a fallback answer: they see the wire only, so all of them work."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from spaturzu.sandbox import Reply, ToolCall
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import DOWN, DOWN_ONCE, SERVED, House, plain_and_stream, served_model, sync_and_async
from .generation import WHOLE_HISTORY

USER = [{"role": "user", "content": "What is the weather in Cluj?"}]
JSON = Reply(json={"city": "Cluj", "celsius": 21})


class Weather(BaseModel):
    """What a structured answer is."""

    city: str
    celsius: int


CLUJ = Weather(city="Cluj", celsius=21)


def _down(house: House, primary: Provider, target: Provider, reply: Reply, *, as_async: bool = False) -> Any:
    """A drop-in whose provider is down, and whose target says `reply`."""
    house.answers(DOWN, primary)
    house.answers(reply, target)
    return house.chain(primary, target, as_async=as_async)


def targets_of(primary: Provider) -> Any:
    """Each other provider in turn."""
    return pytest.mark.parametrize("target", [provider for provider in PROVIDERS if provider != primary])


@targets_of("openai")
def test_openai_parse(house: House, target: Provider) -> None:
    client = _down(house, "openai", target, JSON)

    answer = client.chat.completions.parse(model="m", messages=USER, response_format=Weather)

    assert answer.choices[0].message.parsed == CLUJ
    assert answer.model == served_model(target)


@targets_of("openai")
def test_openai_async_parse(house: House, target: Provider) -> None:
    client = _down(house, "openai", target, JSON, as_async=True)

    answer = house.run(client.chat.completions.parse(model="m", messages=USER, response_format=Weather))

    assert answer.choices[0].message.parsed == CLUJ


@targets_of("openai")
def test_openai_parse_of_tool_arguments(house: House, target: Provider) -> None:
    import openai

    client = _down(house, "openai", target, Reply(tool_calls=(ToolCall(name="Weather", arguments=CLUJ.model_dump()),)))
    tools = [openai.pydantic_function_tool(Weather)]

    answer = client.chat.completions.parse(model="m", messages=USER, tools=tools)

    assert answer.choices[0].message.tool_calls[0].function.parsed_arguments == CLUJ


@targets_of("openai")
def test_openai_stream_helper(house: House, target: Provider) -> None:
    client = _down(house, "openai", target, JSON)

    with client.chat.completions.stream(model="m", messages=USER, response_format=Weather) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()

    assert json.loads("".join(deltas)) == CLUJ.model_dump()
    assert final.choices[0].message.parsed == CLUJ


@targets_of("openai")
def test_openai_async_stream_helper(house: House, target: Provider) -> None:
    client = _down(house, "openai", target, SERVED, as_async=True)

    async def ask() -> Any:
        async with client.chat.completions.stream(model="m", messages=USER) as stream:
            return await stream.get_final_completion()

    assert house.run(ask()).choices[0].message.content == SERVED.text


@targets_of("openai")
def test_openai_raw_responses(house: House, target: Provider) -> None:
    client = _down(house, "openai", target, SERVED)

    raw = client.chat.completions.with_raw_response.create(model="m", messages=USER)
    assert raw.parse().choices[0].message.content == SERVED.text
    assert (raw.headers["x-spaturzu-provider"], raw.http_response.status_code) == (target, 200)
    assert raw.http_response.json()["model"] == served_model(target)

    with client.chat.completions.with_streaming_response.create(model="m", messages=USER) as streamed:
        assert streamed.headers["x-spaturzu-provider"] == target
        assert streamed.parse().choices[0].message.content == SERVED.text


def test_openai_raw_response_of_a_stream(house: House) -> None:
    client = _down(house, "openai", "anthropic", SERVED)

    raw = client.chat.completions.with_raw_response.create(model="m", messages=USER, stream=True)

    text = "".join(chunk.choices[0].delta.content or "" for chunk in raw.parse() if chunk.choices)
    assert (text, raw.headers["x-spaturzu-provider"]) == (SERVED.text, "anthropic")


def test_openai_streaming_response_lines(house: House) -> None:
    client = _down(house, "openai", "anthropic", SERVED)

    with client.chat.completions.with_streaming_response.create(model="m", messages=USER, stream=True) as response:
        lines = [line for line in response.iter_lines() if line]

    assert lines[-1] == "data: [DONE]"
    assert all(line.startswith("data: ") for line in lines)


@targets_of("anthropic")
def test_anthropic_stream_helper(house: House, target: Provider) -> None:
    client = _down(house, "anthropic", target, SERVED)

    with client.messages.stream(model="m", max_tokens=99, messages=USER) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert text == final.content[0].text == SERVED.text
    assert (final.stop_reason, final.model) == ("end_turn", served_model(target))
    assert stream.response.headers["x-spaturzu-provider"] == target


@targets_of("anthropic")
def test_anthropic_async_stream_helper_with_tools(house: House, target: Provider) -> None:
    reply = Reply("Let me see.", tool_calls=(ToolCall(name="weather", arguments={"city": "Cluj"}),))
    client = _down(house, "anthropic", target, reply, as_async=True)
    tools = [{"name": "weather", "description": "d", "input_schema": {"type": "object", "properties": {}}}]

    async def ask() -> Any:
        async with client.messages.stream(model="m", max_tokens=99, messages=USER, tools=tools) as stream:
            return await stream.get_final_message()

    final = house.run(ask())
    assert [block.type for block in final.content] == ["text", "tool_use"]
    assert final.content[1].input == {"city": "Cluj"}


@targets_of("anthropic")
def test_anthropic_parse(house: House, target: Provider) -> None:
    client = _down(house, "anthropic", target, JSON)

    answer = client.messages.parse(model="m", max_tokens=99, messages=USER, output_format=Weather)

    assert answer.parsed_output == CLUJ


def test_anthropic_raw_response(house: House) -> None:
    client = _down(house, "anthropic", "openai", SERVED)

    raw = client.messages.with_raw_response.create(model="m", max_tokens=99, messages=USER)

    assert raw.parse().content[0].text == SERVED.text
    assert raw.headers["x-spaturzu-provider"] == "openai"


def _weather_tool() -> Any:
    import anthropic

    @anthropic.beta_tool
    def weather(city: str) -> str:
        """The weather in a city.

        Args:
            city: where
        """
        return f"21 °C in {city}"

    return weather


def test_anthropic_tool_runner(house: House) -> None:
    client = _down(house, "anthropic", "mistral", SERVED)
    house.wire("mistral").script(Reply(tool_calls=(ToolCall(name="weather", arguments={"city": "Cluj"}),)))

    tools = [_weather_tool()]
    runner = client.beta.messages.tool_runner(model="m", max_tokens=99, messages=USER, tools=tools, **WHOLE_HISTORY)
    final = runner.until_done()

    assert final.content[0].text == SERVED.text
    assert "21 °C in Cluj" in json.dumps(house.wire("mistral").requests[-1].body, ensure_ascii=False)


@pytest.mark.skipif(not WHOLE_HISTORY, reason="this generation keeps no conversation at the provider")
def test_anthropic_conversations_that_the_provider_keeps_stay_there(house: House) -> None:
    import anthropic

    client = _down(house, "anthropic", "mistral", SERVED)
    runner = client.beta.messages.tool_runner(model="m", max_tokens=99, messages=USER, tools=[_weather_tool()])

    with pytest.raises(anthropic.InternalServerError) as caught:
        runner.until_done()

    assert "skipped, it cannot carry provider_fields.anthropic.thread" in caught.value.__notes__[0]


@targets_of("gemini")
def test_gemini_parsed(house: House, target: Provider) -> None:
    client = _down(house, "gemini", target, JSON)
    config = {"response_mime_type": "application/json", "response_schema": Weather}

    answer = client.models.generate_content(model="m", contents="Weather?", config=config)

    assert answer.parsed == CLUJ


@targets_of("gemini")
def test_gemini_calls_python_functions(house: House, target: Provider) -> None:
    asked: list[str] = []

    def weather(city: str) -> str:
        """The weather in a city."""
        asked.append(city)
        return "21 °C"

    client = _down(house, "gemini", target, SERVED)
    house.wire(target).script(Reply(tool_calls=(ToolCall(name="weather", arguments={"city": "Cluj"}),)))

    answer = client.models.generate_content(model="m", contents="Weather in Cluj?", config={"tools": [weather]})

    assert (asked, answer.text) == (["Cluj"], SERVED.text)
    assert "21 °C" in json.dumps(house.wire(target).requests[-1].body, ensure_ascii=False)


def test_gemini_chats_remember(house: House) -> None:
    client = _down(house, "gemini", "openai", SERVED)
    chat = client.chats.create(model="m")

    chat.send_message("First")
    chat.send_message("Second")

    body: Any = house.wire("openai").requests[-1].body
    assert [message["role"] for message in body["messages"]] == ["user", "assistant", "user"]


@targets_of("mistral")
def test_mistral_parse(house: House, target: Provider) -> None:
    client = _down(house, "mistral", target, JSON)

    answer = client.chat.parse(model="m", messages=USER, response_format=Weather)

    assert answer.choices[0].message.parsed == CLUJ


def test_mistral_parse_stream(house: House) -> None:
    client = _down(house, "mistral", "openai", JSON)

    events = client.chat.parse_stream(model="m", messages=USER, response_format=Weather)

    assert json.loads("".join(event.data.choices[0].delta.content or "" for event in events)) == CLUJ.model_dump()


@targets_of("bedrock")
def test_bedrock_structured_output(house: House, target: Provider) -> None:
    client = _down(house, "bedrock", target, JSON)
    schema = {"schema": json.dumps(Weather.model_json_schema()), "name": "weather"}
    output = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}
    messages = [{"role": "user", "content": [{"text": "Weather?"}]}]

    answer = client.converse(modelId="m", messages=messages, outputConfig=output)

    assert json.loads(answer["output"]["message"]["content"][0]["text"]) == CLUJ.model_dump()
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert answer["ResponseMetadata"]["HTTPHeaders"]["x-spaturzu-provider"] == target


@plain_and_stream
@sync_and_async
def test_anthropics_betas_hold_at_another_key_too(house: House, stream: bool, as_async: bool) -> None:
    """They stand in a header, and without it the body would be refused."""
    house.wire("anthropic").script(DOWN_ONCE)
    client = house.chain("anthropic", "anthropic", as_async=as_async)
    create: Any = client.beta.messages.create

    answer = create(model="m", max_tokens=9, messages=USER, betas=["files-api-2025-04-14", "second"], stream=stream)
    if as_async:
        house.run(answer)

    first, second = house.wire("anthropic").requests
    assert second.headers["anthropic-beta"] == first.headers["anthropic-beta"] == "files-api-2025-04-14,second"
    assert "extra_headers" not in second.body


def test_a_targets_own_headers_stand_over_the_callers_betas(house: House) -> None:
    house.wire("anthropic").script(DOWN_ONCE)
    own = {"extra_headers": {"anthropic-beta": "own"}}
    client = house.drop_in("anthropic", options={"fallback": [house.target("anthropic", params=own)]})

    client.beta.messages.create(model="m", max_tokens=9, messages=USER, betas=["callers"])

    assert house.wire("anthropic").requests[1].headers["anthropic-beta"] == "own"


@plain_and_stream
@pytest.mark.parametrize("primary", ["openai", "anthropic", "gemini", "mistral"])
def test_an_answer_of_bedrock_has_an_id(house: House, primary: Provider, stream: bool) -> None:
    """Its body has none: the request's stands for it."""
    client = _down(house, primary, "bedrock", SERVED)

    heard = [house.call(primary, client, stream=stream) for _ in range(2)]

    named = [_id_of(primary, one.events[0] if stream else one.answer) for one in heard]
    assert [one.record.served_by.response_id for one in heard] == named
    assert len({*named}) == 2
    assert all(name.startswith("00000000-0000-4000-8000-") for name in named)  # the sandbox's


def test_responses_of_bedrock_have_ids(house: House) -> None:
    client = _down(house, "openai", "bedrock", SERVED)

    answers = [client.responses.create(model="m", input="hi") for _ in range(2)]

    assert len({answer.id for answer in answers}) == len({answer.output[0].id for answer in answers}) == 2


def _id_of(primary: Provider, answer: Any) -> str:
    match primary:
        case "anthropic":
            return getattr(answer, "message", answer).id
        case "gemini":
            return answer.response_id
        case _:
            return getattr(answer, "data", answer).id


def test_the_sdk_finds_the_request_id_of_a_fallbacks_answer(house: House) -> None:
    """Anthropic's reads another header than OpenAI's."""
    import spaturzu

    ask: Any = {"model": "m", "max_tokens": 9, "messages": USER}
    seen: list[tuple[Any, str]] = []

    def note(request_id: Any) -> None:
        record = spaturzu.last_call()
        assert record is not None
        seen.append((request_id, record.id))

    openai, anthropic = (_down(house, primary, "gemini", SERVED) for primary in ("openai", "anthropic"))
    house.answers(DOWN, "openai")
    note(openai.chat.completions.create(model="m", messages=USER)._request_id)
    note(anthropic.messages.create(**ask)._request_id)
    note(anthropic.messages.with_raw_response.create(**ask).request_id)
    with anthropic.messages.stream(**ask) as stream:
        note(stream.request_id)

    assert all(request_id == record_id for request_id, record_id in seen)
