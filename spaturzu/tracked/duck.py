"""Clients that only quack like an SDK's: the real SDK's client is put over them, and its transport calls them.

So the caller gets native objects here too, through the one door. What the duck raises reaches the caller as it is.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from spaturzu.errors import ConfigError
from spaturzu.router.drive import aframes, ainvoked
from spaturzu.router.targets import Sdk, sdk
from spaturzu.router.targets.common import resolve
from spaturzu_translators.codec import codec
from spaturzu_translators.messages import Provider
from spaturzu_translators.requests import WireRequest

from .calls import read_wire
from .surfaces import recognise


class Duck:
    """Calls a duck-typed client with a wire request, and gives its answer as wire bytes."""

    def __init__(self, client: Any, provider: Provider) -> None:
        self.client, self.provider = client, provider
        self.sdk: Sdk = sdk(provider)
        self._codec = codec(provider)

    def prepare(self, url: str, body: bytes, *, as_async: bool) -> tuple[WireRequest, Callable[[], Any]]:
        """The wire request, and the bound call."""
        path = urlsplit(url).path
        surface = recognise(self.provider, path)
        if surface is None or surface.wire is not None:
            raise ConfigError(f"spaturzu: a {type(self.client).__name__} has no {path}; only chat calls reach it")
        wire = read_wire(surface, body)
        return wire, self.sdk.prepare(self.client, wire, None, as_async)

    def body(self, answer: Any) -> bytes:
        """A plain answer's bytes."""
        return json.dumps(self.sdk.body(answer)).encode()

    def frame(self, item: Any) -> bytes:
        """One stream item's bytes."""
        return self._codec.frame(self.sdk.frame(item))

    def frames(self, answer: Any) -> Iterator[bytes]:
        """A stream's bytes."""
        yield from map(self.frame, self.sdk.stream(answer))
        yield self._codec.end

    async def aframes(self, answer: Any) -> AsyncIterator[bytes]:
        """The same for an async caller."""
        async for data in aframes(self.sdk.stream(answer), self.frame):
            yield data
        yield self._codec.end

    def content_type(self, *, stream: bool) -> str:
        """Of an answer."""
        return self._codec.stream_content_type if stream else "application/json"


def http_clients(duck: Duck, family: Any) -> tuple[Any, Any]:
    """An HTTP client of `family`, sync and async, whose server is the duck."""

    class Transport(family.BaseTransport):  # type: ignore[misc]
        def handle_request(self, request: Any) -> Any:
            wire, invoke = duck.prepare(str(request.url), request.read(), as_async=False)
            answer = invoke()
            headers = {"content-type": duck.content_type(stream=wire.stream)}
            content = duck.frames(answer) if wire.stream else duck.body(answer)
            return family.Response(200, headers=headers, content=content, request=request)

    class AsyncTransport(family.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:
            as_async = duck.sdk.serves_async(duck.client)
            wire, invoke = duck.prepare(str(request.url), await request.aread(), as_async=as_async)
            answer = await ainvoked(duck.sdk, duck.client, invoke)
            headers = {"content-type": duck.content_type(stream=wire.stream)}
            content = duck.aframes(answer) if wire.stream else duck.body(answer)
            return family.Response(200, headers=headers, content=content, request=request)

    return family.Client(transport=Transport()), family.AsyncClient(transport=AsyncTransport())


def require(client: Any, provider: Provider) -> Duck:
    """A duck, if it quacks. Raises ConfigError with what is missing."""
    method = sdk(provider).method
    if resolve(client, method) is None:
        raise ConfigError(
            f"spaturzu: a {type(client).__name__} without `{method}` is no {provider} client; "
            f"wrap a client of the provider's SDK, or an object with that method"
        )
    return Duck(client, provider)
