"""One request turned to a port of this host, and what sends it there: straight, by no proxy, with no credential."""

from __future__ import annotations

import copy
from collections.abc import MutableMapping
from functools import cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from spaturzu.tracked.http import family_of

_HOST = "127.0.0.1"
_CREDENTIALS = ("authorization", "x-api-key", "x-goog-api-key", "api-key", "x-amz-security-token", "cookie")


def turn_http(request: Any, port: int) -> None:
    """Another address for a request of httpx2 or httpx. Path and query stay, but for a key."""
    request.url = request.url.copy_with(scheme="http", host=_HOST, port=port).copy_remove_param("key")
    request.headers["host"] = f"{_HOST}:{port}"
    _withhold(request.headers)


def turn_botocore(request: Any, port: int) -> None:
    """The same for an AWSPreparedRequest."""
    request.url = urlunsplit(urlsplit(str(request.url))._replace(scheme="http", netloc=f"{_HOST}:{port}"))
    request.headers["Host"] = f"{_HOST}:{port}"
    _withhold(request.headers)


def _withhold(headers: MutableMapping[str, Any]) -> None:
    """Different credentials stay different, since what fails is remembered by them: hashes of this process only."""
    for name in _CREDENTIALS:
        if (value := headers.get(name)) is not None:
            headers[name] = f"withheld-{hash(value) & 0xFFFFFFFF:08x}/"


class LoopbackClients:
    """HTTP clients for this host, one for each family, and for each event loop that asks."""

    def __init__(self) -> None:
        self._clients: dict[object, Any] = {}

    def like(self, inner: Any) -> Any:
        """One of `inner`'s family, sync or async as it is."""
        family = family_of(inner)
        as_async = isinstance(inner, family.AsyncClient)
        key = (family.__name__, _event_loop() if as_async else None)
        return self._clients.get(key) or self._make(key, family, as_async)

    def _make(self, key: object, family: Any, as_async: bool) -> Any:
        limits = family.Limits(max_connections=None, max_keepalive_connections=0)
        made = _loopback(family)[as_async](verify=False, trust_env=False, limits=limits)
        self._clients[key] = made
        return made


def _event_loop() -> object:
    from anyio.lowlevel import current_token

    return current_token()


@cache
def _loopback(family: Any) -> tuple[Any, Any]:
    """Clients that keep no connection and follow no authentication of the request's own client."""

    client: Any = family.Client
    async_client: Any = family.AsyncClient

    class Loopback(client):  # type: ignore[misc]
        def send(self, request: Any, *, stream: bool = False, **_: Any) -> Any:
            return client.send(self, request, stream=stream)

    class AsyncLoopback(async_client):  # type: ignore[misc]
        async def send(self, request: Any, *, stream: bool = False, **_: Any) -> Any:
            return await async_client.send(self, request, stream=stream)

    return Loopback, AsyncLoopback


def loopback_session(inner: Any) -> Any:
    """botocore's session, past any proxy; its timeouts and its pool of connections stay."""
    from botocore.httpsession import ProxyConfiguration  # pyright: ignore[reportMissingTypeStubs]

    direct = copy.copy(inner)
    direct._proxy_config = ProxyConfiguration()
    return direct
