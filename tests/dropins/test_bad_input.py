"""What no provider should send and no caller should ask: a clear error or the next target, and nothing hangs."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import anthropic
import botocore.exceptions
import google.genai.errors
import mistralai.client.errors
import openai
import pytest

import spaturzu
from spaturzu.sandbox import ErrorEvent, Html, Malformed, Refused, Reply, Step
from spaturzu_translators.messages import Provider

from .chains import DOWN, DOWN_ONCE, SERVED, House, each_primary, other, plain_and_stream, sync_and_async

pytestmark = pytest.mark.timeout(20)

NESTED = '{"a": ' + "[" * 200_000 + "]" * 200_000 + "}"
"""More levels than any CPython reads."""

NO_ANSWERS: dict[str, Step] = {
    "a page on a 200": Html(times=None),
    "a page on a 503": Html(status=503, times=None),
    "broken JSON": Malformed(times=None),
    "an error on a 200": ErrorEvent(times=None),
    "a list": Reply(body="[1, 2]", headers={"content-type": "application/json"}),
    "a number": Reply(body="5", headers={"content-type": "application/json"}),
    "null": Reply(body="null", headers={"content-type": "application/json"}),
    "nothing": Reply(body="", headers={"content-type": "application/json"}),
    "nested too deeply": Reply(body=NESTED, headers={"content-type": "application/json"}),
    "bytes": Reply(body=b"\xff\xfe\x00", headers={"content-type": "application/json"}),
}

OTHER_FORM = '{"choices": 5, "content": 5, "output": 5, "candidates": 5}'
NO_CANDIDATE = '{"choices": [], "content": 5, "output": 5, "candidates": []}'
OTHER_FORM_INSIDE = """{"choices": [{"message": 5}], "content": [5], "output": {"message": {"content": 5}},
"candidates": [{"content": {"parts": 5}}]}"""

NO_ANSWERS_OF_TARGETS: dict[str, Step] = {
    **NO_ANSWERS,
    "another form": Reply(body=OTHER_FORM, headers={"content-type": "application/json"}),
    "no candidate": Reply(body=NO_CANDIDATE, headers={"content-type": "application/json"}),
    "another form inside": Reply(body=OTHER_FORM_INSIDE, headers={"content-type": "application/json"}),
}


@sync_and_async
@pytest.mark.parametrize("name", NO_ANSWERS)
@each_primary
def test_what_is_no_answer_falls_back(house: House, primary: Provider, name: str, as_async: bool) -> None:
    house.answers(NO_ANSWERS[name], primary)
    house.answers(SERVED, other(primary))

    heard = house.call(primary, house.chain(primary, other(primary), as_async=as_async), as_async=as_async)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "served"]


@pytest.mark.parametrize("name", ["a page on a 200", "a page on a 503", "an error on a 200", "nothing"])
@each_primary
def test_what_is_no_stream_falls_back(house: House, primary: Provider, name: str) -> None:
    house.answers(NO_ANSWERS[name], primary)
    house.answers(SERVED, other(primary))

    heard = house.call(primary, house.chain(primary, other(primary)), stream=True)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "served"]


@sync_and_async
@plain_and_stream
@pytest.mark.parametrize("name", NO_ANSWERS_OF_TARGETS)
@each_primary
def test_a_target_without_an_answer_is_left(
    house: House, primary: Provider, name: str, stream: bool, as_async: bool
) -> None:
    """And that is its failure, no bad request, which would leave its breaker closed."""
    second, third = other(primary), other(other(primary))
    house.answers(DOWN, primary)
    house.answers(NO_ANSWERS_OF_TARGETS[name], second)
    house.answers(SERVED, third)

    client = house.chain(primary, second, third, as_async=as_async)
    heard = house.call(primary, client, stream=stream, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "failed", "served"]
    assert heard.record.hops[1].kind in ("server", "connection", "overloaded")


@plain_and_stream
@pytest.mark.parametrize("chained", [True, False], ids=["chain", "no chain"])
@pytest.mark.parametrize("name", ["a page on a 200", "a page on a 503", "broken JSON", "nothing"])
@each_primary
def test_if_nobody_answers_the_callers_sdk_raises(
    house: House, primary: Provider, name: str, chained: bool, stream: bool
) -> None:
    house.answers(NO_ANSWERS[name])
    if stream and name == "broken JSON":
        pytest.skip("one malformed event is left out, and the rest is an answer")
    options = {"fallback": [house.target(other(primary))]} if chained else None

    heard = house.attempt(primary, house.drop_in(primary, options=options), stream=stream, as_async=False)

    assert heard.error is not None
    assert type(heard.error).__module__.partition(".")[0] in ("openai", "anthropic", "botocore", "google", "mistralai")
    if chained:
        assert other(primary) in heard.error.__notes__[0]


MALFORMED: dict[str, Any] = {
    "content is a number": [{"role": "user", "content": 5}],
    "a part is text": [{"role": "user", "content": ["Hi"]}],
    "a message is text": ["Hi"],
    "messages are text": "Hi",
    "no role": [{"content": "Hi"}],
    "an unknown role": [{"role": "clown", "content": "Hi"}],
    "a tool call without a function": [{"role": "assistant", "tool_calls": [{"id": "a"}]}],
}


@plain_and_stream
@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_history_surfaces_the_outage(house: House, name: str, stream: bool) -> None:
    """It cannot be translated, so the targets are skipped, and the note says why."""
    house.answers(DOWN, "openai")
    client = house.chain("openai", "anthropic", "gemini")

    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="m", messages=MALFORMED[name], stream=stream)

    note = caught.value.__notes__[0]
    assert note.count("skipped, ") == 2, note
    assert (house.asked("anthropic"), house.asked("gemini")) == (0, 0)


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_history_is_the_primarys_to_judge(house: House, name: str) -> None:
    client = house.chain("openai", "anthropic")

    answer = client.chat.completions.create(model="m", messages=MALFORMED[name])

    assert answer.choices[0].message.content == "Hello"


def test_the_same_providers_other_model_takes_any_history(house: House) -> None:
    """Nothing is translated there."""
    house.wire("openai").script(DOWN_ONCE)
    client = house.chain("openai", "openai")

    answer = client.chat.completions.create(model="m", messages=MALFORMED["content is a number"])

    assert answer.choices[0].message.content == "Hello"


SAID_CLEARLY: dict[Provider, tuple[type[Exception], ...]] = {
    "openai": (openai.APIError,),
    "anthropic": (anthropic.APIError,),
    "bedrock": (botocore.exceptions.ClientError,),
    "gemini": (google.genai.errors.APIError, ValueError),
    "mistral": (mistralai.client.errors.MistralError,),
}


@each_primary
def test_no_messages_at_all(house: House, primary: Provider) -> None:
    """An SDK may refuse them itself; an answer or a native error are both clear."""
    house.answers(DOWN, primary)
    client = house.chain(primary, other(primary))
    calls: dict[Provider, Any] = {
        "openai": lambda: client.chat.completions.create(model="m", messages=[]),
        "anthropic": lambda: client.messages.create(model="m", max_tokens=9, messages=[]),
        "bedrock": lambda: client.converse(modelId="m", messages=[]),
        "gemini": lambda: client.models.generate_content(model="m", contents=[]),
        "mistral": lambda: client.chat.complete(model="m", messages=[]),
    }
    with suppress(*SAID_CLEARLY[primary]):
        calls[primary]()


def test_a_body_that_is_no_object(house: House) -> None:
    house.answers(Refused(), "openai")
    client = house.chain("openai", "anthropic")

    with pytest.raises(openai.APIConnectionError) as caught:
        client.post("/chat/completions", body=[1, 2], cast_to=object)

    assert "skipped, the request cannot be read" in caught.value.__notes__[0]


INVALID = '{"city": "Clu'


def _openai_call(arguments: str) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": arguments}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    head = {"id": "1", "object": "chat.completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], "usage": usage}


def _openai_stream(arguments: str) -> bytes:
    body = _openai_call(arguments)
    choice = body["choices"][0]
    delta = {"role": "assistant", "tool_calls": [{"index": 0, **choice["message"]["tool_calls"][0]}]}
    head = {**body, "object": "chat.completion.chunk", "usage": None}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
        {**head, "choices": [], "usage": body["usage"]},
    ]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"


@plain_and_stream
@pytest.mark.parametrize("primary", ["anthropic", "bedrock", "gemini", "mistral"])
def test_invalid_arguments_from_a_model_are_not_lost(house: House, primary: Provider, stream: bool) -> None:
    """The caller gets the call with what the model wrote, in whatever form its SDK has for it."""
    house.answers(DOWN, primary)
    house.answers(Reply(body=_openai_stream(INVALID) if stream else _openai_call(INVALID)), "openai")
    client = house.drop_in(primary, options={"fallback": [house.target("openai", model="gpt-4.1")]})

    heard = house.call(primary, client, stream=stream, tools=True)

    ((name, arguments),) = heard.said.calls
    assert name == "weather"
    assert "Clu" in str(arguments)


def test_invalid_arguments_in_a_history_still_fall_back(house: House) -> None:
    house.answers(DOWN, "openai")
    house.answers(SERVED, "anthropic")
    call = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": INVALID}}
    messages: Any = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "no"},
    ]

    answer = house.chain("openai", "anthropic").chat.completions.create(model="m", messages=messages)

    assert answer.choices[0].message.content == SERVED.text


def test_a_picture_that_is_no_base64_is_no_outage_of_the_target(house: House) -> None:
    """Else callers who send it would open a healthy target's breaker."""
    house.answers(DOWN, "openai")
    house.answers(SERVED, "mistral")
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64,@@@"}}
    messages: Any = [{"role": "user", "content": [picture]}]

    house.chain("openai", "bedrock", "mistral").chat.completions.create(model="m", messages=messages)

    record = spaturzu.last_call()
    assert record is not None
    assert [hop.kind for hop in record.hops] == ["overloaded", "bad_request", None]
