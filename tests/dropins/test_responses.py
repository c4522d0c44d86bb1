"""OpenAI Responses: its callers fall back anywhere, and it reaches the models that think with tools there only."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

import spaturzu
from spaturzu import ConfigError
from spaturzu.sandbox import Cut, ErrorEvent, Failing, Reply, ToolCall, Usage
from spaturzu.sandbox.clients import MODELS
from spaturzu.tracked.door import remember
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import DOWN, DOWN_ONCE, House, plain_and_stream, served_model, sync_and_async

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
USAGE = Usage(input=31, output=17)
TEXT = Reply("Sunny in Cluj, 21 °C.", usage=USAGE)
CITIES = ("Cluj", "Iași")
TOOLS = Reply(tool_calls=tuple(ToolCall(name="weather", arguments={"city": city}) for city in CITIES), usage=USAGE)
JSON = Reply(json={"city": "Cluj", "celsius": 21})
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "name": "weather", "description": "d", "parameters": SCHEMA, "strict": False}
CHAT_WEATHER = {"type": "function", "function": {"name": "weather", "description": "d", "parameters": SCHEMA}}
QUESTION = "What is the weather in Cluj?"
EVENTS = (
    *("response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"),
    *("response.output_text.delta", "response.output_text.done", "response.content_part.done"),
    *("response.output_item.done", "response.completed"),
)

each_target = pytest.mark.parametrize("target", PROVIDERS)


class Weather(BaseModel):
    """What a structured answer is."""

    city: str
    celsius: int


def down(house: House, target: Provider, reply: Any, *, as_async: bool = False, **options: Any) -> Any:
    """A drop-in whose OpenAI is down, once where it is its own fallback, and whose target says `reply`."""
    house.answers(reply, target)
    if target == "openai":
        house.wire("openai").script(DOWN_ONCE)
    else:
        house.answers(DOWN, "openai")
    return house.chain("openai", target, as_async=as_async, options=options)


def ask(house: House, client: Any, *, stream: bool = False, as_async: bool = False, **more: Any) -> Any:
    """The answer; of a stream the events."""
    asked = {"model": MODELS["openai"], "input": QUESTION, "instructions": "Be brief.", "stream": stream, **more}
    if as_async:
        answer, record = house.run(_aask(client, stream, asked))
        remember(record)
        return answer
    answer = client.responses.create(**asked)
    return list(answer) if stream else answer


async def _aask(client: Any, stream: bool, asked: dict[str, Any]) -> tuple[Any, Any]:
    answer = await client.responses.create(**asked)
    read = [event async for event in answer] if stream else answer
    return read, spaturzu.last_call()


def whole(answer: Any) -> Response:
    """The response, checked as strictly as the SDK can; of a stream the last event's."""
    if not isinstance(answer, list):
        return Response.model_validate(answer.to_dict())
    for event in answer:
        EVENT.validate_python(event.to_dict())
    assert [event.sequence_number for event in answer] == list(range(len(answer)))
    return Response.model_validate(answer[-1].response.to_dict())


def hops() -> list[tuple[str, str]]:
    """Who was asked in the last call, and how it ended."""
    record = spaturzu.last_call()
    assert record is not None
    return [(hop.provider, hop.status) for hop in record.hops]


def paths(house: House) -> list[str]:
    """Where OpenAI was asked."""
    return [request.path for request in house.wire("openai").requests]


@each_target
@plain_and_stream
@sync_and_async
def test_text_comes_back_as_a_response(house: House, target: Provider, stream: bool, as_async: bool) -> None:
    client = down(house, target, TEXT, as_async=as_async)

    answer = ask(house, client, stream=stream, as_async=as_async)

    response = whole(answer)
    assert response.output_text == TEXT.text
    assert (response.status, response.model) == ("completed", served_model(target))
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.output_tokens) == (USAGE.input, USAGE.output)
    assert hops() == [("openai", "failed"), (target, "served")]
    if stream:
        assert tuple(dict.fromkeys(event.type for event in answer)) == EVENTS
        deltas = [event.delta for event in answer if event.type == "response.output_text.delta"]
        assert "".join(deltas) == TEXT.text


@each_target
@plain_and_stream
@sync_and_async
def test_calls_come_back_and_their_results_go_out_again(
    house: House, target: Provider, stream: bool, as_async: bool
) -> None:
    client = down(house, target, TOOLS, as_async=as_async)
    how: dict[str, Any] = {"stream": stream, "as_async": as_async, "tools": [WEATHER]}

    first = whole(ask(house, client, **how))

    calls = [item for item in first.output if item.type == "function_call"]
    assert [(call.name, json.loads(call.arguments)) for call in calls] == [("weather", {"city": c}) for c in CITIES]
    house.answers(TEXT, target)
    if target == "openai":
        house.wire("openai").script(DOWN_ONCE)
    results = [{"type": "function_call_output", "call_id": call.call_id, "output": "21"} for call in calls]
    again = ask(house, client, **{**how, "input": [{"role": "user", "content": QUESTION}, *first.output, *results]})
    assert whole(again).output_text == TEXT.text


@each_target
def test_parse_gives_the_callers_object(house: House, target: Provider) -> None:
    client = down(house, target, JSON)

    answer = client.responses.parse(model="m", input=QUESTION, text_format=Weather)

    assert answer.output_parsed == Weather(city="Cluj", celsius=21)
    assert answer.model == served_model(target)


@each_target
@pytest.mark.parametrize("reply", [TEXT, TOOLS], ids=["text", "tools"])
def test_the_stream_helper_follows_a_fallbacks_events(house: House, target: Provider, reply: Reply) -> None:
    client = down(house, target, reply)
    more: dict[str, Any] = {"tools": [WEATHER]} if reply is TOOLS else {}

    with client.responses.stream(model="m", input=QUESTION, **more) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_response()

    assert final.output_text == (reply.text or "")
    assert len([item for item in final.output if item.type == "function_call"]) == len(reply.tool_calls)
    assert "response.completed" in kinds


def test_the_async_stream_helper_parses(house: House) -> None:
    client = down(house, "gemini", JSON, as_async=True)

    async def parsed() -> Any:
        async with client.responses.stream(model="m", input=QUESTION, text_format=Weather) as stream:
            return (await stream.get_final_response()).output_parsed

    assert house.run(parsed()) == Weather(city="Cluj", celsius=21)


def test_openai_itself_gets_the_callers_own_request(house: House) -> None:
    client = down(house, "openai", TEXT)
    ask(house, client, store=False, include=["reasoning.encrypted_content"], previous_response_id="resp_1")

    first, second = (request.body for request in house.wire("openai").requests)
    assert second == {**first, "model": served_model("openai")}
    assert paths(house) == ["/v1/responses", "/v1/responses"]


def test_a_limit_of_the_target_takes_the_place_of_the_callers(house: House) -> None:
    house.answers(TEXT)
    house.wire("openai").script(DOWN_ONCE)
    client = house.drop_in("openai", options={"fallback": [house.target("openai", max_tokens=99)]})
    ask(house, client, max_output_tokens=500)

    assert house.wire("openai").requests[-1].body["max_output_tokens"] == 99


@pytest.mark.parametrize("target", ["anthropic", "gemini"])
def test_state_that_only_openai_holds_keeps_the_call_from_leaving(house: House, target: Provider) -> None:
    client = down(house, target, TEXT)
    with pytest.raises(openai.InternalServerError):
        ask(house, client, previous_response_id="resp_1")

    assert hops() == [("openai", "failed"), (target, "skipped")]


def test_a_failed_response_on_a_200_falls_back(house: House) -> None:
    failed = _failed(house)
    house.answers(Reply(body=failed), "openai")
    house.answers(TEXT, "mistral")

    response = whole(ask(house, house.chain("openai", "mistral")))

    assert response.output_text == TEXT.text
    assert hops() == [("openai", "failed"), ("mistral", "served")]


def _failed(house: House) -> dict[str, Any]:
    """A response that says that it failed."""
    house.answers(TEXT, "openai")
    body = ask(house, house.single("openai")).to_dict()
    error = {"code": "server_error", "message": "The model failed."}
    return {**body, "status": "failed", "error": error, "output": [], "usage": None}


def test_a_failed_response_reaches_the_caller_without_a_chain(house: House) -> None:
    house.answers(Reply(body=_failed(house)), "openai")
    assert ask(house, house.drop_in("openai")).status == "failed"


def test_a_failed_response_everywhere_is_the_primarys_error(house: House) -> None:
    failed = _failed(house)
    house.answers(Reply(body=failed))
    client = house.chain("openai", "openai")
    with pytest.raises(openai.InternalServerError) as caught:
        ask(house, client)

    assert hops() == [("openai", "failed"), ("openai", "failed")]
    assert "spaturzu tried" in caught.value.__notes__[0]


def _failing_stream(house: House) -> bytes:
    """`response.failed`, before any content."""
    body = _failed(house)
    begun = {"type": "response.created", "sequence_number": 0, "response": {**body, "status": "in_progress"}}
    ended = {"type": "response.failed", "sequence_number": 1, "response": body}
    frames = (f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in (begun, ended))
    return "".join(frames).encode()


@sync_and_async
def test_a_stream_that_fails_before_its_content_falls_back(house: House, as_async: bool) -> None:
    house.answers(Reply(body=_failing_stream(house)), "openai")
    house.answers(TEXT, "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async)

    assert whole(ask(house, client, stream=True, as_async=as_async)).output_text == TEXT.text
    assert hops() == [("openai", "failed"), ("anthropic", "served")]


def test_a_stream_that_only_begins_and_ends_is_cut(house: House) -> None:
    house.answers(Cut(after_events=2, reply=TEXT), "openai")
    house.answers(TEXT, "bedrock")

    assert whole(ask(house, house.chain("openai", "bedrock"), stream=True)).output_text == TEXT.text


@pytest.mark.parametrize("target", ["openai", "anthropic"])
def test_an_error_after_the_first_content_is_raised_as_openais(house: House, target: Provider) -> None:
    client = down(house, target, ErrorEvent(after_deltas=1, reply=TEXT))
    stream = client.responses.create(model="m", input=QUESTION, stream=True)
    seen: list[str] = []
    with pytest.raises(openai.APIError):
        seen.extend(event.type for event in stream)

    assert seen[-1] == "response.output_text.delta"
    assert hops()[-1] == (target, "failed")


@each_target
def test_an_exhausted_chain_raises_the_primarys_own_error(house: House, target: Provider) -> None:
    house.answers(Failing("rate_limit", times=None))
    client = house.chain("openai", target)
    with pytest.raises(openai.RateLimitError) as caught:
        ask(house, client)

    assert caught.value.code == "rate_limit_exceeded"
    assert len(hops()) == 2


def test_reasoning_of_another_provider_is_shown_and_never_replayed_as_openais(house: House) -> None:
    thinking = Reply("Yes.", reasoning="Let me think.")
    client = down(house, "anthropic", thinking)
    first = ask(house, client, reasoning={"effort": "low", "summary": "auto"})
    item = first.output[0]
    assert (item.type, item.summary[0].text, item.encrypted_content) == ("reasoning", "Let me think.", None)

    ask(house, client, input=[{"role": "user", "content": QUESTION}, *first.output, {"role": "user", "content": "?"}])
    asked = json.dumps(house.wire("anthropic").requests[-1].body)
    assert "Let me think." not in asked


@plain_and_stream
@sync_and_async
def test_an_answer_of_another_provider_is_known_again_where_a_call_would_go_on_from_it(
    house: House, stream: bool, as_async: bool
) -> None:
    client = down(house, "anthropic", TEXT, as_async=as_async)
    answer = whole(ask(house, client, stream=stream, as_async=as_async))
    assert answer.id.startswith("resp_spaturzu_")
    assert answer.to_dict()["store"] is False

    house.answers(TEXT, "openai")
    sent = len(house.wire("openai").requests), len(house.wire("anthropic").requests)
    reference: Any = {"type": "item_reference", "id": answer.output[0].id}
    goes_on: Any = {"previous_response_id": {"previous_response_id": answer.id}, "input[0]": {"input": [reference]}}
    for place, more in goes_on.items():
        with pytest.raises(openai.BadRequestError, match="another provider gave in openai's place") as error:
            ask(house, client, stream=stream, as_async=as_async, **more)
        assert (error.value.code, error.value.param) == ("previous_response_not_found", place)
    assert (len(house.wire("openai").requests), len(house.wire("anthropic").requests)) == sent

    said: Any = [{"role": "user", "content": QUESTION}, *answer.output, {"role": "user", "content": "And tomorrow?"}]
    assert whole(ask(house, client, stream=stream, as_async=as_async, input=said)).output_text == TEXT.text


def test_without_a_chain_openai_says_itself_what_it_does_not_know(house: House) -> None:
    house.answers(TEXT)
    ask(house, house.drop_in("openai"), previous_response_id="resp_spaturzu_m")
    assert house.wire("openai").requests[-1].body["previous_response_id"] == "resp_spaturzu_m"


def test_other_paths_below_responses_pass_through(house: House) -> None:
    client = house.chain("openai", "anthropic")
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_1")
    with pytest.raises(openai.NotFoundError):
        client.responses.cancel("resp_1")
    assert house.asked("anthropic") == 0


@plain_and_stream
@pytest.mark.parametrize("primary", PROVIDERS)
def test_models_that_think_with_tools_are_reached_by_responses(house: House, primary: Provider, stream: bool) -> None:
    house.answers(TOOLS)
    if primary == "openai":
        house.wire("openai").script(DOWN_ONCE)
    else:
        house.answers(DOWN, primary)
    heard = house.call(primary, house.chain(primary, "openai"), stream=stream, tools=True)

    assert [name for name, _ in heard.said.calls] == ["weather", "weather"]
    assert paths(house)[-1] == "/v1/responses"
    body = house.wire("openai").requests[-1].body
    assert body["store"] is False
    assert body["tools"][0]["name"] == "weather"


@pytest.mark.parametrize(
    ("target", "asked", "path"),
    [
        ({}, {}, "/v1/chat/completions"),
        ({}, {"tools": [CHAT_WEATHER]}, "/v1/responses"),
        ({}, {"tools": [CHAT_WEATHER], "reasoning_effort": "none"}, "/v1/chat/completions"),
        ({"model": "gpt-4.1"}, {"tools": [CHAT_WEATHER]}, "/v1/chat/completions"),
        ({"model": "gpt-5.4"}, {"tools": [CHAT_WEATHER]}, "/v1/chat/completions"),
        ({"model": "gpt-5.4"}, {"tools": [CHAT_WEATHER], "reasoning_effort": "low"}, "/v1/responses"),
        ({"api": "chat"}, {"tools": [CHAT_WEATHER]}, "/v1/chat/completions"),
        ({"api": "responses"}, {}, "/v1/responses"),
    ],
)
def test_which_api_a_target_is_reached_by(
    house: House, target: dict[str, Any], asked: dict[str, Any], path: str
) -> None:
    house.answers(TEXT)
    house.wire("openai").script(DOWN_ONCE)
    client = house.drop_in("openai", options={"fallback": [{**house.target("openai"), **target}]})
    answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "hi"}], **asked)

    assert answer.choices[0].message.content == TEXT.text
    assert paths(house) == ["/v1/chat/completions", path]


def test_a_responses_caller_may_be_served_by_chat_completions(house: House) -> None:
    house.answers(TEXT)
    house.wire("openai").script(DOWN_ONCE)
    client = house.drop_in("openai", options={"fallback": [house.target("openai", api="chat")]})

    assert whole(ask(house, client, max_output_tokens=500)).output_text == TEXT.text
    assert paths(house) == ["/v1/responses", "/v1/chat/completions"]
    body = house.wire("openai").requests[-1].body
    assert body["messages"][0] == {"role": "system", "content": "Be brief."}
    assert not body.keys() & {"input", "store", "instructions"}


def test_api_is_openais_only(house: House) -> None:
    with pytest.raises(ConfigError, match=r"fallback\[0\]\.api"):
        house.drop_in("openai", options={"fallback": [house.target("mistral", api="responses")]})


def test_a_client_without_responses_is_reached_by_chat(house: House) -> None:
    class Completions:
        def create(self, **asked: Any) -> Any:
            return {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": asked["model"],
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
            }

    class Chat:
        completions = Completions()

    class Duck:
        chat = Chat()

    house.answers(DOWN, "openai")
    fallback = [{"provider": "openai", "client": Duck(), "model": "gpt-6-astra"}]
    client = house.drop_in("openai", options={"fallback": fallback})
    assert whole(ask(house, client)).output_text == "ok"


def test_raw_responses_say_who_served(house: House) -> None:
    client = down(house, "mistral", TEXT)
    raw = client.responses.with_raw_response.create(model="m", input=QUESTION)
    assert raw.headers["x-spaturzu-provider"] == "mistral"
    assert raw.parse().output_text == TEXT.text


def test_an_unreachable_primary_falls_back(house: House) -> None:
    house.answers(TEXT, "gemini")
    with house.wire("openai").refuse():
        response = ask(house, house.chain("openai", "gemini"))
    assert whole(response).output_text == TEXT.text
