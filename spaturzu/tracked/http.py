"""Tracked HTTP clients of either family, httpx2 or httpx. `send` is the door; all else is the inner client's."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from . import detours
from .door import Door

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Client


def track(inner: Client, door: Door) -> Client:
    """A client of `inner`'s family that sends through `door`. A tracked one is taken out of its old door first."""
    inner = untracked(inner)
    return _classes(family_of(inner))[0](inner, door)


def track_async(inner: AsyncClient, door: Door) -> AsyncClient:
    """The same for an async client."""
    inner = untracked(inner)
    return _classes(family_of(inner))[1](inner, door)


def untracked(client: Any) -> Any:
    """The client inside a tracked one; any other as it is."""
    return client.__dict__.get("_inner", client) if hasattr(client, "__dict__") else client


def door_of(client: Any) -> Door | None:
    """The door of a tracked client; None for any other."""
    return getattr(client, "__dict__", {}).get("_door")


def family_of(client: Any) -> ModuleType:
    """httpx2 or httpx, whichever `client` is of; duck-typed clients count as httpx2."""
    names = {cls.__module__.partition(".")[0] for cls in type(client).__mro__}
    return sys.modules["httpx"] if "httpx" in names and "httpx2" not in names else import_module("httpx2")


@cache
def _exchange() -> Any:
    """The part that knows the router, loaded at the first chat call."""
    from spaturzu.courtesy import load

    return load("spaturzu.tracked.exchange")


def _passed(inner: Any, door: Door, request: Any, options: dict[str, Any]) -> Any:
    """Straight through; POSTs are noted, since most of them cost."""
    if not _is_noted(door, request):
        return inner.send(request, **options)
    with _passing().passing(door, request.url.path, request.content) as passing:
        response = inner.send(request, **options)
        passing.status, passing.content = response.status_code, response.content if response.is_closed else b""
    return response


async def _apassed(inner: Any, door: Door, request: Any, options: dict[str, Any]) -> Any:
    """The same, async."""
    if not _is_noted(door, request):
        return await inner.send(request, **options)
    with _passing().passing(door, request.url.path, request.content) as passing:
        response = await inner.send(request, **options)
        passing.status, passing.content = response.status_code, response.content if response.is_closed else b""
    return response


def _is_noted(door: Door, request: Any) -> bool:
    """Uploads, whose bodies are streams, are not: nobody could read them twice."""
    return request.method == "POST" and door.metering is not None and hasattr(request, "_content")


@cache
def _passing() -> Any:
    from spaturzu.courtesy import load

    return load("spaturzu.tracked.passing")


@cache
def _classes(family: Any) -> tuple[Any, Any]:
    """The family's tracked client, sync and async. Their state is the inner client's, found through `__getattr__`."""

    class TrackedClient(family.Client):  # type: ignore[misc]
        """An HTTP client that stands between a provider's SDK and its provider."""

        def __init__(self, inner: Any, door: Door) -> None:
            self.__dict__.update(_inner=inner, _door=door, build_request=inner.build_request)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["_inner"], name)

        def send(self, request: Any, **options: Any) -> Any:
            """Send: chat calls walk the chain, all else goes straight through."""
            inner = self._inner if detours.current is None else detours.current.http(self._door, self._inner, request)
            door = self._door
            surface = door.recognise(request.url.raw_path) if request.method == "POST" else None
            if surface is None:
                return _passed(inner, door, request, options)
            return _exchange().send(family, inner, door, surface, request, options)

        def close(self) -> None:
            """Close the inner client."""
            self._inner.close()

    class TrackedAsyncClient(family.AsyncClient):  # type: ignore[misc]
        """The same, async."""

        def __init__(self, inner: Any, door: Door) -> None:
            self.__dict__.update(_inner=inner, _door=door, build_request=inner.build_request)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["_inner"], name)

        async def send(self, request: Any, **options: Any) -> Any:
            """Send: chat calls walk the chain, all else goes straight through."""
            inner = self._inner if detours.current is None else detours.current.http(self._door, self._inner, request)
            door = self._door
            surface = door.recognise(request.url.raw_path) if request.method == "POST" else None
            if surface is None:
                return await _apassed(inner, door, request, options)
            return await _exchange().asend(family, inner, door, surface, request, options)

        async def aclose(self) -> None:
            """Close the inner client."""
            await self._inner.aclose()

    return TrackedClient, TrackedAsyncClient
