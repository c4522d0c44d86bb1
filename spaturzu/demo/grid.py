"""All twenty directions, six ways each: in every cell a real call meets a 503, and its fallback serves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Literal, TypeAlias

from spaturzu.router.breakers import PROCESS
from spaturzu.router.hop import CallRecord
from spaturzu.sandbox import Reply, Sandbox, Status, ToolCall, clients
from spaturzu.sandbox.clients import MODELS
from spaturzu.tracked.door import last_call
from spaturzu_translators.directions import DIRECTIONS, Direction
from spaturzu_translators.messages import PROVIDERS, Provider

from .callers import CALLERS, Caller, Said

Kind: TypeAlias = Literal["plain", "streamed", "tool call"]

DEADLINE_S = 20.0
CALL = ("weather", {"city": "Cluj"})


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to make the call: a column of the grid."""

    kind: Kind
    as_async: bool

    def __str__(self) -> str:
        return f"{self.kind}, {'async' if self.as_async else 'sync'}"


_KINDS: tuple[Kind, ...] = ("plain", "streamed", "tool call")
MODES: tuple[Mode, ...] = tuple(Mode(kind, as_async) for as_async in (False, True) for kind in _KINDS)

ANSWERS: dict[Provider, str] = {
    "openai": "openai.ChatCompletion",
    "anthropic": "anthropic.Message",
    "bedrock": "botocore.dict",
    "gemini": "google.GenerateContentResponse",
    "mistral": "mistralai.ChatCompletionResponse",
}
"""The class of a plain answer, as each SDK has it."""

EVENTS: dict[Provider, str] = {
    "openai": "openai.ChatCompletionChunk",
    "anthropic": "anthropic.RawMessageStartEvent",
    "bedrock": "builtins.dict",
    "gemini": "google.GenerateContentResponse",
    "mistral": "mistralai.CompletionEvent",
}
"""The class of a stream's first event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """What came of one call. `wrong` says what is not as it has to be; empty: ok."""

    direction: Direction
    mode: Mode
    ms: float
    wrong: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Did the caller get what it has to get?"""
        return not self.wrong

    def to_json(self) -> dict[str, Any]:
        """As `spaturzu demo --json` prints it."""
        names = {"primary": self.direction.primary, "target": self.direction.target}
        return {**names, "mode": str(self.mode), "ok": self.ok, "ms": round(self.ms, 1), "wrong": list(self.wrong)}


class Grid:
    """Makes the calls. It owns the targets' clients and the event loop of the async columns.

    `texts` are what the sandbox's providers say; the default is what the cells expect.
    """

    def __init__(self, sandbox: Sandbox, texts: Mapping[Provider, str] | None = None) -> None:
        self._sandbox = sandbox
        self._texts = {provider: text_of(provider) for provider in PROVIDERS} | dict(texts or {})
        self._targets: dict[Provider, Any] = {name: vars(clients)[name](sandbox) for name in PROVIDERS}
        self._async_targets: dict[Provider, Any] = {
            "openai": clients.async_openai(sandbox),
            "anthropic": clients.async_anthropic(sandbox),
        }
        self._runner = asyncio.Runner()

    def cells(self) -> Iterator[Cell]:
        """All cells, row by row, as they are made."""
        for direction in DIRECTIONS:
            for mode in MODES:
                yield self.cell(direction, mode)

    def cell(self, direction: Direction, mode: Mode) -> Cell:
        """One call, after a 503 of its primary."""
        self._set_the_scene(direction, mode)
        caller = CALLERS[direction.primary]
        client = caller.make(self._sandbox, self._options(direction, mode), mode.as_async)
        started = perf_counter()
        try:
            said, record = self._ask(caller, client, mode)
            found = tuple(wrong(said, record, direction, mode))
        except Exception as error:  # noqa: BLE001 - a cell says what went wrong, whatever it is
            found = (f"raised {type(error).__name__}: {error}", *getattr(error, "__notes__", ()))
        ms = (perf_counter() - started) * 1000
        self._close(caller, client, mode)
        return Cell(direction=direction, mode=mode, ms=ms, wrong=found)

    def close(self) -> None:
        """Let go of every connection."""
        self._runner.run(self._aclose())
        self._runner.close()

    def __enter__(self) -> Grid:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def _set_the_scene(self, direction: Direction, mode: Mode) -> None:
        self._sandbox.reset()
        PROCESS.forget()  # each cell is a day of its own
        primary, target = self._sandbox.wires[direction.primary], self._sandbox.wires[direction.target]
        primary.reply(Status(503, times=None))
        if mode.kind == "tool call":
            target.reply(Reply(tool_calls=(ToolCall(name=CALL[0], arguments=CALL[1]),)))
        else:
            target.reply(Reply(self._texts[direction.target]))

    def _options(self, direction: Direction, mode: Mode) -> dict[str, Any]:
        """Clients that serve both sync and async callers (Bedrock's, Gemini's, Mistral's) need targets that do too."""
        client = self._targets[direction.target]
        if mode.as_async and direction.primary in self._async_targets:
            client = self._async_targets.get(direction.target, client)
        target = {"provider": direction.target, "client": client, "model": MODELS[direction.target]}
        return {"fallback": [target], "deadline": DEADLINE_S}

    def _ask(self, caller: Caller, client: Any, mode: Mode) -> tuple[Said, CallRecord | None]:
        if mode.as_async:
            return self._runner.run(_aask(caller, client, mode))
        if mode.kind == "streamed":
            return caller.stream(client), last_call()
        return caller.plain(client, tools=mode.kind == "tool call"), last_call()

    def _close(self, caller: Caller, client: Any, mode: Mode) -> None:
        if mode.as_async:
            self._runner.run(_awaited(caller.aclose(client)))
        else:
            caller.close(client)

    async def _aclose(self) -> None:
        for name, client in self._async_targets.items():
            await CALLERS[name].aclose(client)
        for name, client in self._targets.items():
            if name in ("gemini", "mistral"):
                await CALLERS[name].aclose(client)
            else:
                CALLERS[name].close(client)


async def _aask(caller: Caller, client: Any, mode: Mode) -> tuple[Said, CallRecord | None]:
    if mode.kind == "streamed":
        return await caller.astream(client), last_call()
    return await caller.aplain(client, tools=mode.kind == "tool call"), last_call()


async def _awaited(closing: Awaitable[None]) -> None:
    await closing


def text_of(provider: Provider) -> str:
    """What `provider` says when it serves."""
    return f"{provider} says: 21 degrees and sunny in Cluj."


def wrong(said: Said, record: CallRecord | None, direction: Direction, mode: Mode) -> Iterator[str]:
    """What the caller, or `last_call()`, has that is not as it has to be."""
    for name, (found, expected) in _compared(said, record, direction, mode).items():
        if found != expected:
            yield f"{name} is {found!r}, not {expected!r}"


def _compared(
    said: Said, record: CallRecord | None, direction: Direction, mode: Mode
) -> dict[str, tuple[object, object]]:
    """Found and expected, by name. A Bedrock answer names no model: there the record says who served."""
    hops = record.hops if record else []
    primary, model = direction.primary, MODELS[direction.target]
    streamed, tool = mode.kind == "streamed", mode.kind == "tool call"
    return {
        "class": (said.event_kind, EVENTS[primary]) if streamed else (said.kind, ANSWERS[primary]),
        "text": (said.text, "" if tool else text_of(direction.target)),
        "calls": ([(name, _object(arguments)) for name, arguments in said.calls], [CALL] if tool else []),
        "model": (said.model or (hops[-1].model if hops else ""), model),
        "hops": ([str(hop.http_status or hop.status) for hop in hops], ["503", "served"]),
        "server": (hops[-1].provider if hops else None, direction.target),
    }


def _object(arguments: Any) -> Any:
    return json.loads(arguments) if isinstance(arguments, str) else arguments
