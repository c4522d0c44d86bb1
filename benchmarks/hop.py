"""A fallback from a 503: through the drop-in, and the two calls written by hand with the raw SDKs.

The hand that writes them converts the messages and the text of the answer; it knows nothing of tools, losses or
breakers. Two hands: one is content with the text, the other also makes the native object that the caller's code reads.
Every call names a model of its own, so that no breaker opens: both sides make both requests each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import anthropic
import openai
from anthropic.types import Message
from openai.types.chat import ChatCompletion

import spaturzu.anthropic
import spaturzu.openai
from spaturzu.sandbox import Reply, Status, clients
from spaturzu_translators.messages import Provider

from .callers import MESSAGES, MODELS, chain, key_and_url
from .measure import Row, alone, compare
from .provider import Servers

BOUND, ROUNDS, CALLS = 1.10, 800, 1
WALL_BOUND_MS, WALL_CALLS = 50, 200
SYSTEM = "Answer in one sentence."
ASKED: list[Any] = [{"role": "system", "content": SYSTEM}, *MESSAGES]
DOWN = Status(503, times=None)
_MODEL = (f"primary-{number}" for number in count())

Contender = Callable[[], Any]


def rows() -> Iterator[Row]:
    """Three directions."""
    with Servers() as servers:
        for (primary, target), pair in DIRECTIONS.items():
            _set(servers, primary, target)
            ours, by_hand = pair(servers)
            for what, native in (("text", False), ("native object", True)):
                hand = partial(by_hand, native)
                assert _text(ours()) == _text(hand())
                times = compare(partial(_batch, ours), partial(_batch, hand), rounds=ROUNDS, calls=CALLS)
                yield times.row(f"fallback {primary}->{target}, by hand: {what}", "us", BOUND)


def wall_rows() -> Iterator[Row]:
    """How long the caller waits when the first provider is down, with default settings: no backoff."""
    with Servers() as servers:
        _set(servers, "openai", "anthropic")
        ours, _ = _openai_to_anthropic(servers)
        first = _wall(ours)
        for _ in range(5):
            ours()
        waits = [_wall(ours) for _ in range(WALL_CALLS)]
        yield alone("fallback wall, median", "ms", waits, WALL_BOUND_MS)
        yield alone("fallback wall, longest", "ms", [max(waits)], WALL_BOUND_MS)
        yield alone("fallback wall, first of the process", "ms", [first], None)


def _wall(call: Contender) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def _set(servers: Servers, primary: Provider, target: Provider) -> None:
    servers.reply(primary, DOWN)
    servers.reply(target, Reply("Hello " * 20))


def _batch(call: Contender) -> None:
    for _ in range(CALLS):
        call()


def _openai_to_anthropic(servers: Servers) -> tuple[Contender, Callable[[bool], Any]]:
    ours = spaturzu.openai.OpenAI(**key_and_url(servers, "openai"), spaturzu=chain(servers, "anthropic"))
    first = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    second = anthropic.Anthropic(**key_and_url(servers, "anthropic"), max_retries=0)

    def through() -> Any:
        return ours.chat.completions.create(model=next(_MODEL), messages=ASKED)

    def by_hand(native: bool) -> Any:
        try:
            return first.chat.completions.create(model=next(_MODEL), messages=ASKED)
        except openai.InternalServerError:
            answer: Any = second.messages.create(
                model=MODELS["anthropic"],
                max_tokens=4096,
                system="\n".join(message["content"] for message in ASKED if message["role"] == "system"),
                messages=[message for message in ASKED if message["role"] != "system"],
            )
            text, usage = answer.content[0].text, answer.usage
            return _completion(answer.id, text, usage.input_tokens, usage.output_tokens) if native else text

    return through, by_hand


def _anthropic_to_openai(servers: Servers) -> tuple[Contender, Callable[[bool], Any]]:
    ours = spaturzu.anthropic.Anthropic(**key_and_url(servers, "anthropic"), spaturzu=chain(servers, "openai"))
    first = anthropic.Anthropic(**key_and_url(servers, "anthropic"), max_retries=0)
    second = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    asked: dict[str, Any] = {"max_tokens": 256, "system": SYSTEM, "messages": MESSAGES}

    def through() -> Any:
        return ours.messages.create(model=next(_MODEL), **asked)

    def by_hand(native: bool) -> Any:
        try:
            return first.messages.create(model=next(_MODEL), **asked)
        except anthropic.InternalServerError:
            answer: Any = second.chat.completions.create(
                model=MODELS["openai"],
                max_completion_tokens=asked["max_tokens"],
                messages=[{"role": "system", "content": asked["system"]}, *asked["messages"]],
            )
            text, usage = answer.choices[0].message.content, answer.usage
            return _message(answer.id, text, usage.prompt_tokens, usage.completion_tokens) if native else text

    return through, by_hand


def _openai_to_gemini(servers: Servers) -> tuple[Contender, Callable[[bool], Any]]:
    sandbox: Any = servers
    ours = spaturzu.openai.OpenAI(**key_and_url(servers, "openai"), spaturzu=chain(servers, "gemini"))
    first = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    second = clients.gemini(sandbox)
    roles = {"user": "user", "assistant": "model"}

    def through() -> Any:
        return ours.chat.completions.create(model=next(_MODEL), messages=ASKED)

    def by_hand(native: bool) -> Any:
        try:
            return first.chat.completions.create(model=next(_MODEL), messages=ASKED)
        except openai.InternalServerError:
            contents: Any = [
                {"role": roles[message["role"]], "parts": [{"text": message["content"]}]}
                for message in ASKED
                if message["role"] != "system"
            ]
            system = "\n".join(message["content"] for message in ASKED if message["role"] == "system")
            answer: Any = second.models.generate_content(
                model=MODELS["gemini"], contents=contents, config={"system_instruction": system}
            )
            text, usage = answer.text, answer.usage_metadata
            counts = (usage.prompt_token_count, usage.candidates_token_count)
            return _completion(answer.response_id, text, *counts) if native else text

    return through, by_hand


def _completion(id_: str, text: str, tokens_in: int, tokens_out: int) -> ChatCompletion:
    """OpenAI's object, of the little that a hand would put there."""
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    choices = [{"index": 0, "message": message, "finish_reason": "stop"}]
    said = {"id": id_, "object": "chat.completion", "created": int(time.time()), "model": "other"}
    return ChatCompletion.model_validate({**said, "choices": choices, "usage": usage})


def _message(id_: str, text: str, tokens_in: int, tokens_out: int) -> Message:
    """Anthropic's."""
    said = {"id": id_, "type": "message", "role": "assistant", "model": "other", "stop_reason": "end_turn"}
    usage = {"input_tokens": tokens_in, "output_tokens": tokens_out}
    return Message.model_validate({**said, "content": [{"type": "text", "text": text}], "usage": usage})


def _text(answer: Any) -> str:
    match answer:
        case str():
            return answer
        case ChatCompletion():
            return answer.choices[0].message.content or ""
        case _:
            return answer.content[0].text


DIRECTIONS: dict[tuple[Provider, Provider], Callable[[Servers], tuple[Contender, Callable[[bool], Any]]]] = {
    ("openai", "anthropic"): _openai_to_anthropic,
    ("anthropic", "openai"): _anthropic_to_openai,
    ("openai", "gemini"): _openai_to_gemini,
}
