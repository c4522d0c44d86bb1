"""How to call a raw SDK client with a wire request, and how to read what it gives back as wire JSON.

One module for each provider, duck-typed: none imports its SDK. What matters is the client's create-equivalent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias, cast

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSONObject, Wire
from spaturzu_translators.requests import WireRequest

Client: TypeAlias = Any
"""A raw SDK client, or anything with its create-equivalent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sdk:
    """One provider's SDK, as the router uses it.

    `method` is the create-equivalent's dotted name. `prepare(client, wire, timeout_s, as_async)` binds the call without
    sending it; what the bound call returns may be awaitable. `body` and `frame` give wire JSON of an answer and of one
    stream item, `stream` the iterable inside a streamed answer. `error` reduces the SDK's status errors, None for all
    else. `single` gives a client that does not retry by itself, `max_retries` what it would have done.
    """

    method: str
    prepare: Callable[[Client, WireRequest, float | None, bool], Callable[[], Any]]
    body: Callable[[Any], JSONObject]
    frame: Callable[[Any], JSONObject]
    stream: Callable[[Any], Any]
    error: Callable[[BaseException], ErrorReply | None]
    single: Callable[[Client], Client]
    max_retries: Callable[[Client], int]
    is_async: Callable[[Client], bool]
    serves_async: Callable[[Client], bool]
    """May its call be awaited? Gemini's and Mistral's clients serve sync callers as well, `is_async` ones do not."""
    silent: Callable[[Client], Client] = lambda client: client
    """The client without spans of its SDK's own."""
    answer_id: Callable[[Any], str] = lambda _: ""
    """What names an answer where its body does not."""
    takes_timeout: bool = True
    """False where the SDK has timeouts for a whole client only."""


@cache
def sdk(wire: Wire) -> Sdk:
    """The description of the SDK that speaks `wire`, loaded when first asked for."""
    return cast("Sdk", import_module(f"{__package__}.{wire}").SDK)
