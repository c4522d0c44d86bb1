"""A conversation comes home: turns that fallbacks served go back to the primary, as SDK objects, as they came."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import spaturzu
from spaturzu.sandbox import Reply, ToolCall
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.gemini.parts import SENTINEL
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import DOWN, DOWN_ONCE, House, served_model, sync_and_async

THOUGHT, ANSWER, QUESTION, RESULT = "The forecast says so.", "Let me look.", "Weather in Cluj?", "21 degrees"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALLING = Reply(ANSWER, reasoning=THOUGHT, tool_calls=(ToolCall(name="weather", arguments={"city": "Cluj"}),))
SAID = Reply("Sunny.")


@dataclass(frozen=True)
class Talk:
    """How a caller of one wire goes on with a conversation."""

    ask: Callable[[Any, list[Any]], Any]
    question: Any
    turns: Callable[[Any], list[Any]]
    """An answer's own objects, as history, and the result of the call in it."""
    legal_id: str = r".{1,64}"


def _function() -> dict[str, Any]:
    return {"name": "weather", "description": "d", "parameters": SCHEMA}


def _openai(client: Any, history: list[Any]) -> Any:
    tools = [{"type": "function", "function": _function()}]
    return client.chat.completions.create(model=MODELS["openai"], messages=history, tools=tools)


def _openai_turns(answer: Any) -> list[Any]:
    message = answer.choices[0].message
    return [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": RESULT}]


def _responses(client: Any, history: list[Any]) -> Any:
    return client.responses.create(
        model=MODELS["openai"], input=history, tools=[{"type": "function", "strict": False, **_function()}]
    )


def _responses_turns(answer: Any) -> list[Any]:
    call = next(item for item in answer.output if item.type == "function_call")
    return [*answer.output, {"type": "function_call_output", "call_id": call.call_id, "output": RESULT}]


def _anthropic(client: Any, history: list[Any]) -> Any:
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    return client.messages.create(model=MODELS["anthropic"], max_tokens=500, messages=history, tools=tools)


def _anthropic_turns(answer: Any) -> list[Any]:
    call = next(block for block in answer.content if block.type == "tool_use")
    result = {"type": "tool_result", "tool_use_id": call.id, "content": RESULT}
    return [{"role": "assistant", "content": answer.content}, {"role": "user", "content": [result]}]


def _bedrock(client: Any, history: list[Any]) -> Any:
    spec = {"name": "weather", "inputSchema": {"json": SCHEMA}}
    return client.converse(modelId=MODELS["bedrock"], messages=history, toolConfig={"tools": [{"toolSpec": spec}]})


def _bedrock_turns(answer: Any) -> list[Any]:
    message = answer["output"]["message"]
    call = next(block["toolUse"] for block in message["content"] if "toolUse" in block)
    result = {"toolResult": {"toolUseId": call["toolUseId"], "content": [{"text": RESULT}]}}
    return [message, {"role": "user", "content": [result]}]


def _gemini(client: Any, history: list[Any]) -> Any:
    function = {"name": "weather", "description": "d", "parameters_json_schema": SCHEMA}
    config = {"tools": [{"function_declarations": [function]}]}
    return client.models.generate_content(model=MODELS["gemini"], contents=history, config=config)


def _gemini_turns(answer: Any) -> list[Any]:
    result = {"function_response": {"name": "weather", "response": {"output": RESULT}}}
    return [answer.candidates[0].content, {"role": "user", "parts": [result]}]


def _mistral(client: Any, history: list[Any]) -> Any:
    tools = [{"type": "function", "function": _function()}]
    return client.chat.complete(model=MODELS["mistral"], messages=history, tools=tools)


def _mistral_turns(answer: Any) -> list[Any]:
    message = answer.choices[0].message
    return [message, {"role": "tool", "tool_call_id": message.tool_calls[0].id, "name": "weather", "content": RESULT}]


USER = {"role": "user", "content": QUESTION}
TALKS: dict[Wire, Talk] = {
    "openai": Talk(_openai, USER, _openai_turns, r".{1,40}"),
    "openai_responses": Talk(_responses, USER, _responses_turns),
    "anthropic": Talk(_anthropic, USER, _anthropic_turns, r"[a-zA-Z0-9_-]+"),
    "bedrock": Talk(
        _bedrock, {"role": "user", "content": [{"text": QUESTION}]}, _bedrock_turns, r"[a-zA-Z0-9_.:-]{1,64}"
    ),
    "gemini": Talk(_gemini, {"role": "user", "parts": [{"text": QUESTION}]}, _gemini_turns),
    "mistral": Talk(_mistral, USER, _mistral_turns, r"[a-zA-Z0-9]{9}"),
}
PAIRS = [(spoken, target) for spoken in WIRES for target in PROVIDERS if codec(spoken).provider != target]


@pytest.mark.parametrize(("spoken", "target"), PAIRS, ids=lambda name: name)
def test_the_primary_gets_what_fallbacks_said_without_their_thoughts(
    house: House, spoken: Wire, target: Provider
) -> None:
    talk, primary = TALKS[spoken], codec(spoken).provider
    client = house.chain(primary, target)
    house.answers(CALLING, target)
    house.answers(DOWN, primary)
    first = talk.ask(client, [talk.question])
    house.wire(primary).reply(SAID)
    client = house.chain(primary, target)

    talk.ask(client, [talk.question, *talk.turns(first)])

    record = spaturzu.last_call()
    assert record is not None
    assert [(hop.provider, hop.status) for hop in record.hops] == [(primary, "served")]
    body = house.wire(primary).requests[-1].body
    said = json.dumps(body)
    assert ANSWER in said
    assert RESULT in said
    assert (THOUGHT in said) == ({spoken, target} == {"anthropic", "bedrock"})  # Claude's own signature, on both
    assert not re.search(r'"signature": ""|_spaturzu_', said)
    _check_ids(talk, said)
    if THOUGHT not in said:
        _check_reported(spoken, record.hops[0].losses, said)


def _check_ids(talk: Talk, said: str) -> None:
    ids = re.findall(r'"(?:tool_call_id|call_id|tool_use_id|toolUseId)": "([^"]*)"', said)
    assert len(set(ids)) == 1 or (not ids and '"functionCall"' in said)
    assert all(re.fullmatch(talk.legal_id, one) for one in ids)


def _check_reported(spoken: Wire, losses: Any, said: str) -> None:
    """Where a thought was left out, the hop says so."""
    assert {(loss.kind, loss.matters) for loss in losses} <= {("dropped", "tuning")}
    assert losses
    if spoken == "gemini":
        assert SENTINEL in said  # the call that Gemini never made


def test_the_primarys_own_thoughts_stay_byte_for_byte(house: House) -> None:
    house.answers(CALLING)
    for spoken, talk in TALKS.items():
        client = house.chain(codec(spoken).provider, "anthropic")
        turns = talk.turns(talk.ask(client, [talk.question]))
        talk.ask(client, [talk.question, *turns])
        body = json.dumps(house.wire(codec(spoken).provider).requests[-1].body)
        record = spaturzu.last_call()
        assert record is not None
        assert record.hops[0].losses == ()
        assert THOUGHT in body or spoken == "openai"


def test_a_spare_of_the_same_provider_gets_none_either(house: House) -> None:
    house.answers(CALLING, "gemini")
    house.answers(DOWN, "anthropic")
    talk = TALKS["anthropic"]
    first = talk.ask(house.chain("anthropic", "gemini"), [talk.question])
    house.sandbox.reset()
    house.answers(SAID)
    house.wire("anthropic").script(DOWN_ONCE)

    talk.ask(house.chain("anthropic", "anthropic"), [talk.question, *talk.turns(first)])

    second = house.wire("anthropic").requests[-1].body
    assert second is not None
    assert second["model"] == served_model("anthropic")
    assert THOUGHT not in json.dumps(second)


@sync_and_async
def test_a_streams_message_comes_home_too(house: House, as_async: bool) -> None:
    house.answers(CALLING, "mistral")
    house.answers(DOWN, "anthropic")
    talk = TALKS["anthropic"]
    asked: dict[str, Any] = {"model": MODELS["anthropic"], "max_tokens": 500, "messages": [talk.question]}

    async def streamed(client: Any) -> Any:
        async with client.messages.stream(**asked) as stream:
            return await stream.get_final_message()

    client = house.chain("anthropic", "mistral", as_async=as_async)
    if as_async:
        first = house.run(streamed(client))
    else:
        with client.messages.stream(**asked) as stream:
            first = stream.get_final_message()
    house.wire("anthropic").reply(SAID)
    again = {**asked, "messages": [talk.question, *talk.turns(first)]}
    client = house.chain("anthropic", "mistral", as_async=as_async)
    answer = house.run(client.messages.create(**again)) if as_async else client.messages.create(**again)

    assert answer.content[0].text == SAID.text
    assert house.wire("anthropic").requests[-1].body["messages"][1]["content"][0]["type"] == "text"


def test_a_bedrock_stream_marks_what_a_fallback_thought(house: House) -> None:
    house.answers(CALLING, "gemini")
    house.answers(DOWN, "bedrock")
    client = house.chain("bedrock", "gemini")
    answer = client.converse_stream(
        modelId=MODELS["bedrock"], messages=[{"role": "user", "content": [{"text": QUESTION}]}]
    )
    deltas = [event["contentBlockDelta"]["delta"] for event in answer["stream"] if "contentBlockDelta" in event]
    thoughts = [delta["reasoningContent"] for delta in deltas if "reasoningContent" in delta]
    assert "".join(thought.get("text", "") for thought in thoughts) == THOUGHT
    assert thoughts[-1] == {"signature": ""}


def test_gemini_chunks_appended_as_they_came_come_home(house: House) -> None:
    house.answers(CALLING, "anthropic")
    house.answers(DOWN, "gemini")
    chunks = house.chain("gemini", "anthropic").models.generate_content_stream(model=MODELS["gemini"], contents="hi")
    parts = [part for chunk in chunks if chunk.candidates for part in chunk.candidates[0].content.parts or ()]
    assert any(part.thought for part in parts)
    house.wire("gemini").reply(SAID)
    history = ["hi", {"role": "model", "parts": parts}, {"role": "user", "parts": [{"text": "go on"}]}]
    house.chain("gemini", "anthropic").models.generate_content(model=MODELS["gemini"], contents=history)

    said = json.dumps(house.wire("gemini").requests[-1].body)
    assert THOUGHT not in said
    assert base64.b64encode(b"skip_thought_signature_validator").decode() in said


@pytest.mark.parametrize("served", ["openai", "anthropic"])
def test_an_old_claude_is_not_made_to_think_about_calls_that_others_made(house: House, served: Provider) -> None:
    """It refuses a budget after calls without a thought; its own have theirs."""
    budget = {"type": "enabled", "budget_tokens": 2000}
    asked: dict[str, Any] = {"model": "claude-opus-4-5", "max_tokens": 4000, "thinking": budget}
    tools = [{"name": "weather", "input_schema": SCHEMA}]
    client = house.chain("anthropic", "openai")
    house.answers(CALLING, "anthropic")
    if served == "openai":
        house.answers(Reply(tool_calls=CALLING.tool_calls), "openai")
        house.answers(DOWN, "anthropic")
    first = client.messages.create(**asked, tools=tools, messages=[USER])
    house.answers(SAID, "anthropic")
    house.chain("anthropic", "openai").messages.create(**asked, tools=tools, messages=[USER, *_anthropic_turns(first)])
    record, body = spaturzu.last_call(), house.wire("anthropic").requests[-1].body
    assert record is not None
    assert body is not None
    assert [hop.status for hop in record.hops] == ["served"]
    lost = [loss.path for loss in record.hops[0].losses]
    assert (body.get("thinking"), lost) == ((budget, []) if served == "anthropic" else (None, ["thinking"]))
