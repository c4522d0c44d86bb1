"""A user's turn that says nothing, and a request without a turn, for providers that refuse the one or the other."""

from __future__ import annotations

from dataclasses import replace

import pytest

from spaturzu_translators import codec
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSON, Message, Provider, Text
from spaturzu_translators.prefill import BEGIN, SILENT
from spaturzu_translators.requests import WireRequest

MODELS: dict[Provider, tuple[str, ...]] = {
    "anthropic": ("claude-opus-5-5", "claude-3-haiku-20240307"),
    "bedrock": ("anthropic.claude-opus-5-5-v1:0", "anthropic.claude-3-haiku-20240307-v1:0", "amazon.nova-lite-v1:0"),
}
REFUSES = [(provider, model) for provider, models in MODELS.items() for model in models]
refusing = pytest.mark.parametrize(("provider", "model"), REFUSES)
NOTHING_SAID: list[JSON] = ["", " \n", [], [{"type": "text", "text": ""}]]
nothing_said = pytest.mark.parametrize("content", NOTHING_SAID)
ANSWERED: list[JSON] = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


def translated(provider: Provider, model: str, messages: list[JSON]) -> tuple[tuple[Message, ...], set[Loss]]:
    """The turns that arrive there, asked for by a caller of OpenAI's, and what was reported of turns."""
    asked = codec("openai").decode_request(
        WireRequest(body={"model": model, "messages": messages, "max_tokens": 9}, model=model, stream=False)
    )
    encoded = codec(provider).encode_request(asked)
    return codec(provider).decode_request(encoded.value).messages, set(encoded.losses)


def emulated(path: str) -> set[Loss]:
    return {Loss(path=path, kind="emulated", matters="tuning")}


def said(message: Message) -> list[str]:
    return [part.text for part in message.parts if isinstance(part, Text)]


@nothing_said
@refusing
def test_an_empty_last_turn_says_so_in_words_and_is_reported(provider: Provider, model: str, content: JSON) -> None:
    turns, losses = translated(provider, model, [*ANSWERED, {"role": "user", "content": content}])
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert said(turns[-1]) == [SILENT]
    assert losses == emulated("messages[2]")


@nothing_said
@refusing
def test_an_empty_turn_alone_is_not_sent_as_none(provider: Provider, model: str, content: JSON) -> None:
    turns, losses = translated(provider, model, [{"role": "user", "content": content}])
    assert list(map(said, turns)) == [[SILENT]]
    assert losses == emulated("messages[0]")


@nothing_said
def test_gemini_takes_an_empty_text(content: JSON) -> None:
    turns, losses = translated("gemini", "gemini-3-flash", [*ANSWERED, {"role": "user", "content": content}])
    assert [turn.role for turn in turns] == ["user", "assistant", "user"]
    assert "".join(said(turns[-1])).strip() == ""
    assert not losses


@nothing_said
@refusing
def test_no_answer_gets_the_first_word(provider: Provider, model: str, content: JSON) -> None:
    history: list[JSON] = [{"role": "assistant", "content": "Hello"}, {"role": "user", "content": "Hi"}]
    turns, losses = translated(provider, model, [{"role": "user", "content": content}, *history])
    assert list(map(said, turns)) == [[SILENT], ["Hello"], ["Hi"]]
    assert losses == emulated("messages[0]")


@pytest.mark.parametrize(("provider", "model"), [*REFUSES, ("gemini", "gemini-3-flash")])
def test_instructions_alone_begin(provider: Provider, model: str) -> None:
    turns, losses = translated(provider, model, [{"role": "system", "content": "Write a poem."}])
    assert list(map(said, turns)) == [[BEGIN]]
    assert losses == emulated("messages")


@nothing_said
@refusing
def test_an_empty_turn_beside_another_of_the_users_is_just_left_out(
    provider: Provider, model: str, content: JSON
) -> None:
    turns, losses = translated(
        provider, model, [{"role": "user", "content": "Hi"}, {"role": "user", "content": content}]
    )
    assert [text for text in said(turns[0]) if text.strip()] == ["Hi"]
    assert len(turns) == 1
    assert {loss.kind for loss in losses} <= {"dropped"}


def test_what_stands_in_a_text_without_words_is_no_silence() -> None:
    found = {"anthropic": {"search_result": {"type": "search_result", "source": "s", "title": "t", "content": []}}}
    asked = codec("openai").decode_request(
        WireRequest(body={"model": "m", "messages": ANSWERED}, model="claude-opus-5-5", stream=False)
    )
    turn = Message(role="user", parts=(Text(text="", provider_fields=found),))
    encoded = codec("anthropic").encode_request(replace(asked, messages=(*asked.messages, turn)))
    assert encoded.value.body["messages"][-1]["content"] == [found["anthropic"]["search_result"]]
