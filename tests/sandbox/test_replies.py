"""Replies as the real SDKs hear them."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu.sandbox import Reply, Sandbox, ToolCall, Usage, clients
from spaturzu.sandbox.clients import MODELS
from spaturzu.sandbox.replies import split

from .talk import SCHEMA, SPEAKERS, USER, Heard, Speaker

each_speaker = pytest.mark.parametrize("speaker", SPEAKERS, ids=str)
each_way = pytest.mark.parametrize("way", ["plain", "stream", "aplain", "astream"])

STOPS = {"openai": "stop", "anthropic": "end_turn", "bedrock": "end_turn", "gemini": "STOP", "mistral": "stop"}
TOOLS = {
    "openai": "tool_calls",
    "anthropic": "tool_use",
    "bedrock": "tool_use",
    "gemini": "STOP",
    "mistral": "tool_calls",
}
LENGTHS = {"openai": "length", "anthropic": "max_tokens", "bedrock": "max_tokens", "gemini": "MAX_TOKENS"}
CALLS = (ToolCall(name="look", arguments={"where": "Zürich"}), ToolCall(name="wait"))


def hear(speaker: Speaker, sandbox: Sandbox, way: str) -> Heard:
    heard = Heard()
    match way:
        case "plain":
            return speaker.plain(sandbox)
        case "aplain":
            return asyncio.run(speaker.aplain(sandbox))
        case "stream":
            speaker.stream(sandbox, heard)
        case _:
            asyncio.run(speaker.astream(sandbox, heard))
    return heard


@each_way
@each_speaker
def test_every_sdk_hears_the_default_reply(sandbox: Sandbox, speaker: Speaker, way: str) -> None:
    heard = hear(speaker, sandbox, way)
    assert (heard.text, heard.finish, heard.tokens) == ("Hello", STOPS[speaker.provider], (12, 7))
    assert heard.model == MODELS[speaker.provider]


@each_way
@each_speaker
def test_every_sdk_hears_tool_calls(sandbox: Sandbox, speaker: Speaker, way: str) -> None:
    sandbox.wires[speaker.provider].reply(Reply(tool_calls=CALLS))
    heard = hear(speaker, sandbox, way)
    calls = [(name, json.loads(given) if isinstance(given, str) else given) for name, given in heard.calls]
    assert calls == [("look", {"where": "Zürich"}), ("wait", {})]
    assert (heard.text, heard.finish) == ("", TOOLS[speaker.provider])


@each_speaker
def test_a_stream_has_as_many_deltas_as_asked_for(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Reply("abcdefgh", chunks=4), Reply("two words"))
    first, second = hear(speaker, sandbox, "stream"), hear(speaker, sandbox, "stream")
    assert first.texts == ["ab", "cd", "ef", "gh"]
    assert second.texts == ["two ", "words"]


@each_speaker
def test_finish_and_usage_are_told_in_the_providers_words(sandbox: Sandbox, speaker: Speaker) -> None:
    usage = Usage(input=100, output=30, cache_read=40, cache_write=10, reasoning=5)
    sandbox.wires[speaker.provider].reply(Reply("cut", finish="length", usage=usage))
    expected = {"anthropic": (50, 30), "bedrock": (50, 30), "gemini": (100, 25)}.get(speaker.provider, (100, 30))
    for way in ("plain", "stream"):
        heard = hear(speaker, sandbox, way)
        assert (heard.finish, heard.tokens) == (LENGTHS.get(speaker.provider, "length"), expected)


@each_speaker
def test_delays_hold_back_the_answer_and_its_parts(sandbox: Sandbox, speaker: Speaker) -> None:
    wire = sandbox.wires[speaker.provider]
    wire.reply(Reply("a b c d e", delay_s=0.05, chunk_delay_s=0.02, flush_each=True))
    loop = asyncio.new_event_loop()
    began = loop.time()
    hear(speaker, sandbox, "stream")
    assert loop.time() - began > 0.05 + 4 * 0.02
    loop.close()


def test_openai_streams_tell_usage_only_to_those_who_ask(sandbox: Sandbox) -> None:
    client = clients.openai(sandbox)
    chunks = list(client.chat.completions.create(model="m", messages=USER, stream=True))
    assert all(chunk.choices and chunk.usage is None for chunk in chunks)


def test_reasoning_is_heard_where_the_provider_shows_it(sandbox: Sandbox) -> None:
    for wire in sandbox.wires.values():
        wire.reply(Reply("So.", reasoning="Let me think"))
    client = clients.anthropic(sandbox)
    with client.messages.stream(model="m", max_tokens=9, messages=USER) as stream:
        thinking, text = stream.get_final_message().content
    assert (thinking.thinking, thinking.signature, text.text) == ("Let me think", "c2FuZGJveA==", "So.")
    gemini = clients.gemini(sandbox)
    thought, _ = gemini.models.generate_content(model="m", contents="x").candidates[0].content.parts
    assert (thought.text, thought.thought) == ("Let me think", True)
    thought, _ = clients.mistral(sandbox).chat.complete(model="m", messages=USER).choices[0].message.content
    assert thought.thinking[0].text == "Let me think"
    message = [{"role": "user", "content": [{"text": "x"}]}]
    content = clients.bedrock(sandbox).converse(modelId="m", messages=message)["output"]["message"]["content"]
    assert content[0]["reasoningContent"]["reasoningText"]["text"] == "Let me think"


def test_structured_output_is_the_replys_json_where_it_is_demanded(sandbox: Sandbox) -> None:
    for wire in sandbox.wires.values():
        wire.reply(Reply("free text", json={"a": 1}))
    schema = {"name": "n", "schema": SCHEMA, "strict": True}
    form = {"type": "json_schema", "json_schema": schema}
    openai = clients.openai(sandbox).chat.completions
    gemini = clients.gemini(sandbox)
    texts = [
        openai.create(model="m", messages=USER, response_format=form).choices[0].message.content,
        clients.anthropic(sandbox)
        .messages.create(
            model="m",
            max_tokens=9,
            messages=USER,
            output_config={"format": {"type": "json_schema", "schema": SCHEMA}},
        )
        .content[0]
        .text,
        clients.bedrock(sandbox).converse(
            modelId="m",
            messages=[{"role": "user", "content": [{"text": "x"}]}],
            outputConfig={
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(SCHEMA)}}}
            },
        )["output"]["message"]["content"][0]["text"],
        gemini.models.generate_content(
            model="m",
            contents="x",
            config={"response_mime_type": "application/json", "response_json_schema": SCHEMA},
        ).text,
        clients.mistral(sandbox)
        .chat.complete(model="m", messages=USER, response_format=form)
        .choices[0]
        .message.content,
    ]
    assert [json.loads(text) for text in texts] == [{"a": 1}] * 5
    assert openai.create(model="m", messages=USER).choices[0].message.content == "free text"


def test_a_raw_body_replaces_the_rendered_answer(sandbox: Sandbox) -> None:
    sandbox.openai.reply(Reply(body={"id": "x", "object": "chat.completion", "vendor": 1}, headers={"x-test": "yes"}))
    answer = clients.openai(sandbox).chat.completions.with_raw_response.create(model="m", messages=USER)
    assert answer.http_response.json() == {"id": "x", "object": "chat.completion", "vendor": 1}
    assert answer.headers["x-test"] == "yes"


def test_several_choices_come_when_several_are_asked_for(sandbox: Sandbox) -> None:
    client = clients.openai(sandbox)
    assert len(client.chat.completions.create(model="m", messages=USER, n=3).choices) == 3
    chunks = client.chat.completions.create(model="m", messages=USER, n=2, stream=True)
    assert {choice.index for chunk in chunks for choice in chunk.choices} == {0, 1}


@each_speaker
def test_every_answer_has_ids_of_its_own(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].reply(Reply(tool_calls=CALLS))
    ids = {call_id for _ in range(2) for call_id in ids_of(speaker, sandbox)}
    assert len(ids) == (0 if speaker.provider == "gemini" else 4)
    if speaker.provider == "mistral":
        assert all(len(call_id) == 9 and call_id.isalnum() for call_id in ids)


def ids_of(speaker: Speaker, sandbox: Sandbox) -> list[str]:
    match speaker.provider:
        case "openai":
            answer = clients.openai(sandbox).chat.completions.create(model="m", messages=USER)
            return [call.id for call in answer.choices[0].message.tool_calls]
        case "anthropic":
            answer = clients.anthropic(sandbox).messages.create(model="m", max_tokens=9, messages=USER)
            return [block.id for block in answer.content]
        case "bedrock":
            message = [{"role": "user", "content": [{"text": "x"}]}]
            events = clients.bedrock(sandbox).converse_stream(modelId="m", messages=message)["stream"]
            starts = [event["contentBlockStart"]["start"] for event in events if "contentBlockStart" in event]
            return [start["toolUse"]["toolUseId"] for start in starts]
        case "gemini":
            client = clients.gemini(sandbox)
            calls = client.models.generate_content(model="m", contents="x").function_calls
            return [call.id for call in calls if call.id]
        case "mistral":
            answer = clients.mistral(sandbox).chat.complete(model="m", messages=USER)
            return [call.id for call in answer.choices[0].message.tool_calls]


def test_request_ids_differ_although_the_reply_is_rendered_once(sandbox: Sandbox) -> None:
    client = clients.openai(sandbox)
    answers = [client.chat.completions.create(model="m", messages=USER) for _ in range(3)]
    assert len({answer.id for answer in answers}) == len({answer._request_id for answer in answers}) == 3


@given(st.text(max_size=40), st.none() | st.integers(1, 50))
def test_pieces_join_to_the_text_and_none_is_empty(text: str, count: int | None) -> None:
    pieces = split(text, count)
    assert "".join(pieces) == text
    assert all(pieces)
    assert count is None or len(pieces) == min(count, len(text))
