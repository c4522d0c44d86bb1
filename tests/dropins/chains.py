"""What the drop-ins' tests share: one sandbox, drop-ins over raw clients that point at it, and calls read off them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import pytest
from botocore.config import Config

import spaturzu
from spaturzu.demo.callers import CALLERS, Caller, Said
from spaturzu.router.breakers import PROCESS
from spaturzu.sandbox import Reply, Sandbox, Status, Step, Wire, clients
from spaturzu.sandbox.clients import KEY, MODELS
from spaturzu_translators.messages import PROVIDERS, Provider

from .generation import HTTP

DOWN = Status(503, times=None)
DOWN_ONCE = Status(503)
SERVED = Reply("Sunny in Cluj, 21 °C.")

_DROP_INS: dict[Provider, tuple[str, str, str]] = {
    "openai": ("openai", "OpenAI", "AsyncOpenAI"),
    "anthropic": ("anthropic", "Anthropic", "AsyncAnthropic"),
    "bedrock": ("bedrock", "BedrockRuntime", "AsyncBedrockRuntime"),
    "gemini": ("google", "Client", "Client"),
    "mistral": ("mistral", "Mistral", "Mistral"),
}
ASYNC_CLASSES: tuple[Provider, ...] = ("openai", "anthropic")
"""Whose SDK has an async client of its own; only their async drop-ins take async targets."""

each_primary = pytest.mark.parametrize("primary", PROVIDERS)
sync_and_async = pytest.mark.parametrize("as_async", [False, True], ids=["sync", "async"])
plain_and_stream = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


@dataclass(kw_only=True)
class Heard:
    """One call: what was said, the native objects, the record, and the error that ended it."""

    said: Said
    answer: Any = None
    events: list[Any] = field(default_factory=list[Any])
    error: Exception | None = None
    record: Any = None

    @property
    def statuses(self) -> list[str]:
        """How each hop ended."""
        return [hop.status for hop in self.record.hops]


@dataclass(frozen=True, kw_only=True)
class House:
    """A sandbox and an event loop; raw clients are made once, as they hold no state of a test's."""

    sandbox: Sandbox
    runner: asyncio.Runner
    raw_clients: dict[tuple[Provider, bool], Any] = field(default_factory=dict[tuple[Provider, bool], Any])
    singles: dict[Provider, Any] = field(default_factory=dict[Provider, Any])
    http: Any = field(default_factory=HTTP.Client)
    async_http: Any = field(default_factory=HTTP.AsyncClient)

    def wire(self, provider: Provider) -> Wire:
        """A provider's server."""
        return self.sandbox.wires[provider]

    def asked(self, provider: Provider) -> int:
        """How many requests it has had."""
        return len(self.wire(provider).requests)

    def answers(self, step: Step, *providers: Provider) -> None:
        """What these (all, if none is named) answer from now on."""
        for provider in providers or PROVIDERS:
            self.wire(provider).reply(step)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """On the one event loop of the session."""
        return self.runner.run(coroutine)

    def raw(self, provider: Provider, *, as_async: bool = False) -> Any:
        """The SDK's own client, as a target."""
        own = as_async and provider in ASYNC_CLASSES
        if (provider, own) not in self.raw_clients:
            make = getattr(clients, f"async_{provider}" if own else provider)
            self.raw_clients[provider, own] = make(self.sandbox)
        return self.raw_clients[provider, own]

    def single(self, provider: Provider) -> Any:
        """The SDK's own client, without retries."""
        if provider not in self.singles:
            self.singles[provider] = getattr(clients, provider)(self.sandbox, **without_retries(provider))
        return self.singles[provider]

    def raw_error(self, provider: Provider, step: Step, *, stream: bool = False) -> Exception:
        """What the SDK's own client raises for `step`, asked once: what its drop-in is to raise."""
        self.wire(provider).script(step)
        heard = _heard(CALLERS[provider], self.single(provider), stream, tools=False)
        self.sandbox.reset()
        assert heard.error is not None
        return heard.error

    def target(self, provider: Provider, *, as_async: bool = False, **more: Any) -> dict[str, Any]:
        """A fallback target; its model is not the default one, so that answers tell who served."""
        client = self.raw(provider, as_async=as_async)
        return {"provider": provider, "client": client, "model": served_model(provider), **more}

    def drop_in(self, provider: Provider, *, as_async: bool = False, options: Any = None, **more: Any) -> Any:
        """A drop-in; `more` goes to the SDK's constructor, over the sandbox's place.

        Those of a test share their HTTP clients: to make one takes ten times as long as all the rest.
        """
        module, sync_name, async_name = _DROP_INS[provider]
        cls = getattr(import_module(f"spaturzu.{module}"), async_name if as_async else sync_name)
        given = {**self.place(provider, as_async=as_async), **more}
        if provider == "gemini":
            given["http_options"] = self.place(provider)["http_options"] | more.get("http_options", {})
        return cls(**given, spaturzu=options)

    def place(self, provider: Provider, *, as_async: bool = False) -> dict[str, Any]:
        """The constructor's options that lead to the sandbox."""
        url = self.sandbox.url(provider)
        match provider:
            case "openai" | "anthropic":
                return {"base_url": url, "api_key": KEY, "http_client": self.async_http if as_async else self.http}
            case "bedrock":
                keys = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY}
                return {"endpoint_url": url, "region_name": "us-east-1", **keys}
            case "gemini":
                shared = {"httpx_client": self.http, "httpx_async_client": self.async_http}
                return {"api_key": KEY, "http_options": {"base_url": url, **shared}}
            case "mistral":
                return {"server_url": url, "api_key": KEY, "client": self.http, "async_client": self.async_http}

    def chain(
        self, primary: Provider, *targets: Provider, as_async: bool = False, options: Any = None, **more: Any
    ) -> Any:
        """A drop-in with a chain of raw clients: async ones where the primary is async and takes them."""
        takes_async = as_async and primary in ASYNC_CLASSES
        fallback = [self.target(target, as_async=takes_async) for target in targets]
        return self.drop_in(primary, as_async=as_async, options={"fallback": fallback, **(options or {})}, **more)

    def attempt(self, primary: Provider, client: Any, *, stream: bool, as_async: bool, tools: bool = False) -> Heard:
        """One call, to its end or its error."""
        caller = CALLERS[primary]
        if as_async:
            return self.run(_aheard(caller, client, stream, tools))
        return _heard(caller, client, stream, tools)

    def call(self, primary: Provider, client: Any, **how: bool) -> Heard:
        """One call that succeeds."""
        heard = self.attempt(primary, client, **{"stream": False, "as_async": False, **how})
        if heard.error is not None:
            raise heard.error
        return heard


def without_retries(provider: Provider) -> dict[str, Any]:
    """The constructor's options that switch the SDK's own retries off."""
    match provider:
        case "openai" | "anthropic":
            return {"max_retries": 0}
        case "bedrock":
            return {"config": Config(retries={"total_max_attempts": 1, "mode": "standard"})}
        case "gemini" | "mistral":
            return {}  # these retry only where asked


def served_model(provider: Provider) -> str:
    """A model that no primary in these tests asks for."""
    return f"{MODELS[provider]}-spare"


def other(provider: Provider) -> Provider:
    """Some other provider, so that each is a target of one test's primary."""
    return PROVIDERS[(PROVIDERS.index(provider) + 1) % len(PROVIDERS)]


def _heard(caller: Caller, client: Any, stream: bool, tools: bool) -> Heard:
    heard = Heard(said=Said(kind=""))
    try:
        heard.answer = caller.create(client, stream, tools, False)
        if not stream:
            heard.said = caller.read(heard.answer)
        for event in caller.events(heard.answer) if stream else ():
            heard.events.append(event)
            caller.add(heard.said, event)
    except Exception as error:  # noqa: BLE001 - the tests look at it
        heard.error = error
    heard.record = spaturzu.last_call()
    return heard


async def _aheard(caller: Caller, client: Any, stream: bool, tools: bool) -> Heard:
    heard = Heard(said=Said(kind=""))
    try:
        heard.answer = await caller.create(client, stream, tools, True)
        if stream:
            async for event in caller.events(heard.answer):
                heard.events.append(event)
                caller.add(heard.said, event)
        else:
            heard.said = caller.read(heard.answer)
    except Exception as error:  # noqa: BLE001 - the tests look at it
        heard.error = error
    heard.record = spaturzu.last_call()
    return heard


def undisturbed(ask: Callable[[], Heard], went_well: Callable[[Heard], bool]) -> Heard:
    """What `ask` heard, at the fifth time at the latest.

    For calls of which a part has a fraction of a second to succeed in: so long the machine may stand still sometimes.
    """
    for _ in range(4):
        heard = ask()
        if went_well(heard):
            return heard
        PROCESS.forget()
    return ask()


VARIES = re.compile(r"[0-9a-f]{12}| \(reached max retries: \d\)")
"""Ids of the sandbox differ from answer to answer; botocore counts the retries that it was allowed."""


def same_error(error: Exception | None, raw: Exception, *, in_words: bool = True) -> None:
    """Is `error` what the raw SDK raised? botocore makes its classes for each client, so names are compared.

    Not `in_words`: transports say the same in different words, sync and async.
    """
    assert error is not None
    assert _names(error) == _names(raw)
    assert not in_words or _said(error) == _said(raw)


def _names(error: Exception) -> list[str]:
    return [f"{cls.__module__}.{cls.__qualname__}" for cls in type(error).__mro__]


def _said(error: Exception) -> list[str]:
    fields = ("status_code", "code", "type", "param", "status", "body", "details", "message")
    said = [f"{name}={getattr(error, name, None)!r}" for name in fields]
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        said.append(str((response.get("Error"), response.get("ResponseMetadata", {}).get("HTTPStatusCode"))))
    return [VARIES.sub("", text) for text in (str(error), *said)]
