"""A fallback from a 503: through the drop-in, and the two calls written by hand with the raw SDKs.

The hand that writes them converts the messages and reads the text; it knows nothing of tools, losses or cooldowns.
Every call names a model of its own, so that no cooldown opens: both sides make both requests each time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from typing import Any

import anthropic
import openai

import spaturzu.anthropic
import spaturzu.openai
from spaturzu.sandbox import Reply, Status, clients
from spaturzu_translators.messages import Provider

from .callers import MESSAGES, MODELS, chain, key_and_url
from .measure import Row, alone, compare
from .provider import Servers

BOUND, ROUNDS, CALLS = 1.10, 300, 3
WALL_BOUND_MS, WALL_CALLS = 50, 200
SYSTEM = "Answer in one sentence."
ASKED: list[Any] = [{"role": "system", "content": SYSTEM}, *MESSAGES]
DOWN = Status(503, times=None)
_MODEL = (f"primary-{number}" for number in count())

Contender = Callable[[], str]


def rows() -> Iterator[Row]:
    """Three directions."""
    with Servers() as servers:
        for (primary, target), pair in DIRECTIONS.items():
            _set(servers, primary, target)
            ours, by_hand = pair(servers)
            assert ours() == by_hand()
            times = compare(partial(_batch, ours), partial(_batch, by_hand), rounds=ROUNDS, calls=CALLS)
            yield times.row(f"fallback {primary}->{target}", "us", BOUND)


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


def _openai_to_anthropic(servers: Servers) -> tuple[Contender, Contender]:
    ours = spaturzu.openai.OpenAI(**key_and_url(servers, "openai"), spaturzu=chain(servers, "anthropic"))
    first = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    second = anthropic.Anthropic(**key_and_url(servers, "anthropic"), max_retries=0)

    def through() -> str:
        return _openai_text(ours.chat.completions.create(model=next(_MODEL), messages=ASKED))

    def by_hand() -> str:
        try:
            return _openai_text(first.chat.completions.create(model=next(_MODEL), messages=ASKED))
        except openai.InternalServerError:
            answer: Any = second.messages.create(
                model=MODELS["anthropic"],
                max_tokens=4096,
                system="\n".join(message["content"] for message in ASKED if message["role"] == "system"),
                messages=[message for message in ASKED if message["role"] != "system"],
            )
            return _anthropic_text(answer)

    return through, by_hand


def _anthropic_to_openai(servers: Servers) -> tuple[Contender, Contender]:
    ours = spaturzu.anthropic.Anthropic(**key_and_url(servers, "anthropic"), spaturzu=chain(servers, "openai"))
    first = anthropic.Anthropic(**key_and_url(servers, "anthropic"), max_retries=0)
    second = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    asked: dict[str, Any] = {"max_tokens": 256, "system": SYSTEM, "messages": MESSAGES}

    def through() -> str:
        return _anthropic_text(ours.messages.create(model=next(_MODEL), **asked))

    def by_hand() -> str:
        try:
            return _anthropic_text(first.messages.create(model=next(_MODEL), **asked))
        except anthropic.InternalServerError:
            return _openai_text(
                second.chat.completions.create(
                    model=MODELS["openai"],
                    max_completion_tokens=asked["max_tokens"],
                    messages=[{"role": "system", "content": asked["system"]}, *asked["messages"]],
                )
            )

    return through, by_hand


def _openai_to_gemini(servers: Servers) -> tuple[Contender, Contender]:
    sandbox: Any = servers
    ours = spaturzu.openai.OpenAI(**key_and_url(servers, "openai"), spaturzu=chain(servers, "gemini"))
    first = openai.OpenAI(**key_and_url(servers, "openai"), max_retries=0)
    second = clients.gemini(sandbox)
    roles = {"user": "user", "assistant": "model"}

    def through() -> str:
        return _openai_text(ours.chat.completions.create(model=next(_MODEL), messages=ASKED))

    def by_hand() -> str:
        try:
            return _openai_text(first.chat.completions.create(model=next(_MODEL), messages=ASKED))
        except openai.InternalServerError:
            contents: Any = [
                {"role": roles[message["role"]], "parts": [{"text": message["content"]}]}
                for message in ASKED
                if message["role"] != "system"
            ]
            system = "\n".join(message["content"] for message in ASKED if message["role"] == "system")
            answer = second.models.generate_content(
                model=MODELS["gemini"], contents=contents, config={"system_instruction": system}
            )
            return answer.text or ""

    return through, by_hand


def _openai_text(answer: Any) -> str:
    return answer.choices[0].message.content


def _anthropic_text(answer: Any) -> str:
    return answer.content[0].text


DIRECTIONS: dict[tuple[Provider, Provider], Callable[[Servers], tuple[Contender, Contender]]] = {
    ("openai", "anthropic"): _openai_to_anthropic,
    ("anthropic", "openai"): _anthropic_to_openai,
    ("openai", "gemini"): _openai_to_gemini,
}
