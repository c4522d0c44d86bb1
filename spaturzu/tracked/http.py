"""Tracked HTTP clients of either family, httpx2 or httpx. `send` is the door; all else is the inner client's."""

from __future__ import annotations

import json
import sys
from collections.abc import Hashable
from datetime import timedelta
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from .door import Door, served_headers
from .pump import AsyncPump, SyncPump, stream_source

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Client, Request, Response

    from spaturzu.router.call import Call
    from spaturzu.router.judge import Reply
    from spaturzu.router.walk import Answer, Pulled, Result
    from spaturzu_translators.failures import ErrorReply


def track(inner: Client, door: Door) -> Client:
    """A client of `inner`'s family that sends through `door`. A tracked one is taken out of its old door first."""
    inner = untracked(inner)
    return _classes(_family(inner))[0](inner, door)


def track_async(inner: AsyncClient, door: Door) -> AsyncClient:
    """The same for an async client."""
    inner = untracked(inner)
    return _classes(_family(inner))[1](inner, door)


def untracked(client: Any) -> Any:
    """The client inside a tracked one; any other as it is."""
    return client.__dict__.get("_inner", client) if hasattr(client, "__dict__") else client


def door_of(client: Any) -> Door | None:
    """The door of a tracked client; None for any other."""
    return getattr(client, "__dict__", {}).get("_door")


def _family(client: Any) -> ModuleType:
    """httpx2 or httpx, whichever `client` is of; duck-typed clients count as httpx2."""
    names = {cls.__module__.partition(".")[0] for cls in type(client).__mro__}
    return sys.modules["httpx"] if "httpx" in names and "httpx2" not in names else import_module("httpx2")


@cache
def _classes(family: Any) -> tuple[Any, Any]:
    """The family's tracked client, sync and async. Their state is the inner client's, found through `__getattr__`."""
    library = _Library(family)

    class TrackedClient(family.Client):  # type: ignore[misc]
        """An HTTP client that stands between a provider's SDK and its provider."""

        def __init__(self, inner: Any, door: Door) -> None:
            self.__dict__.update(_inner=inner, _door=door)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["_inner"], name)

        def send(self, request: Any, **options: Any) -> Any:
            """Send: chat calls walk the chain, all else goes straight through."""
            surface = self._door.recognise(request.url.path) if request.method == "POST" else None
            if surface is None:
                return self._inner.send(request, **options)
            from spaturzu.router.drive import drive

            call = self._door.call(surface, request.content, lambda: _key(request), as_async=False)
            result = drive(call, _Primary(self._inner, request, options))
            return library.answer(self._door, call, result, request)

        def close(self) -> None:
            """Close the inner client."""
            self._inner.close()

    class TrackedAsyncClient(family.AsyncClient):  # type: ignore[misc]
        """The same, async."""

        def __init__(self, inner: Any, door: Door) -> None:
            self.__dict__.update(_inner=inner, _door=door)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__dict__["_inner"], name)

        async def send(self, request: Any, **options: Any) -> Any:
            """Send: chat calls walk the chain, all else goes straight through."""
            surface = self._door.recognise(request.url.path) if request.method == "POST" else None
            if surface is None:
                return await self._inner.send(request, **options)
            from spaturzu.router.drive import adrive

            call = self._door.call(surface, request.content, lambda: _key(request), as_async=True)
            result = await adrive(call, _AsyncPrimary(self._inner, request, options))
            return library.answer(self._door, call, result, request)

        async def aclose(self) -> None:
            """Close the inner client."""
            await self._inner.aclose()

    return TrackedClient, TrackedAsyncClient


def _key(request: Request) -> Hashable:
    """Endpoint and credential of a request."""
    headers = request.headers
    credential = headers.get("authorization") or headers.get("x-api-key") or headers.get("x-goog-api-key")
    return (request.url.scheme, request.url.host, request.url.port, hash(credential))


class _Primary:
    """The caller's request, sent by the inner client."""

    def __init__(self, inner: Any, request: Request, options: dict[str, Any]) -> None:
        self._inner, self._request, self._options = inner, request, options

    def send(self, timeout_s: float | None) -> Reply:
        """Once. A plain answer is read whole."""
        _limit(self._request, timeout_s)
        response = self._inner.send(self._request, **self._options)
        if _is_stream(response, self._options):
            original = response.stream
            source = stream_source(_bytes_of(response, response.iter_bytes))
            return _reply(response, source=source, close=original.close)
        response.read()
        return _reply(response, content=response.content)


class _AsyncPrimary(_Primary):
    """The same, awaited."""

    async def send(self, timeout_s: float | None) -> Reply:  # type: ignore[override]
        """Once. A plain answer is read whole."""
        _limit(self._request, timeout_s)
        response = await self._inner.send(self._request, **self._options)
        if _is_stream(response, self._options):
            original = response.stream
            source = stream_source(_bytes_of(response, response.aiter_bytes))
            return _reply(response, source=source, close=original.aclose)
        await response.aread()
        return _reply(response, content=response.content)


def _limit(request: Request, timeout_s: float | None) -> None:
    """No phase of the request may last longer than `timeout_s`."""
    if timeout_s is not None:
        limits = {"connect": None, "read": None, "write": None, "pool": None, **request.extensions.get("timeout", {})}
        capped = {phase: timeout_s if limit is None else min(limit, timeout_s) for phase, limit in limits.items()}
        request.extensions = {**request.extensions, "timeout": capped}


def _is_stream(response: Response, options: dict[str, Any]) -> bool:
    """A stream is what the SDK wants streamed and the server does not send as JSON or as a page."""
    if response.status_code >= 400 or not options.get("stream"):
        return False
    content_type = response.headers.get("content-type", "")
    return "json" not in content_type and "html" not in content_type


def _bytes_of(response: Response, decoded: Any) -> Any:
    """The raw bytes, or the decoded ones of a compressed stream: the relay reads them."""
    if "content-encoding" not in response.headers:
        return response.stream
    chunks = decoded()
    del response.headers["content-encoding"]
    return chunks


def _reply(response: Response, *, content: bytes | None = None, source: Any = None, close: Any = None) -> Reply:
    from spaturzu.router.judge import Reply

    return Reply(
        native=response,
        status=response.status_code,
        headers=response.headers,
        content=content,
        source=source,
        close=close,
    )


class _Library:
    """Answers made of a family's own response and stream classes."""

    def __init__(self, family: Any) -> None:
        self._family = family
        self._stream = _stream_class(family)

    def answer(self, door: Door, call: Call, result: Result, request: Any) -> Any:
        """What `send` returns, or raises."""
        from spaturzu.router.walk import Answer, Broken, NativeAnswer

        match result:
            case NativeAnswer():
                return self._native(door, call, result, request)
            case Answer():
                return self._plain(call, result, request)
            case Broken():
                return self._failed(door, call, result, request)
            case _:
                return self._streamed(call, result, request)

    def _native(self, door: Door, call: Call, result: Any, request: Any) -> Any:
        """The primary's own response."""
        if result.stream is not None:
            result.stream.hop.model = result.stream.relay.model
            result.reply.stream = self._stream(
                call, result.stream, lambda exc: door.native.transport_error(exc, request), original=result.reply.stream
            )
        if call.chain.targets:
            result.reply.headers.update(served_headers(call))
        return result.reply

    def _failed(self, door: Door, call: Call, broken: Any, request: Any) -> Any:
        """Without a chain the SDK sees what came, and retries as it always did; with one, its own error is raised."""
        if not call.chain.targets:
            if isinstance(broken.native, Exception):
                raise broken.native
            if broken.native.status_code >= 400:
                return broken.native
        raise door.error(call, broken, request, lambda reply: self._error_response(reply, request))

    def _plain(self, call: Call, answer: Answer, request: Any) -> Any:
        content = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {"content-type": "application/json", "x-request-id": call.record.id, **served_headers(call)}
        return self._timed(call, self._family.Response(200, headers=headers, content=content, request=request))

    def _streamed(self, call: Call, pulled: Pulled, request: Any) -> Any:
        pulled.hop.model = pulled.relay.model or pulled.hop.model
        headers = {
            "content-type": call.codec.stream_content_type,
            "x-request-id": call.record.id,
            **served_headers(call),
        }
        stream = self._stream(call, pulled, None)
        return self._timed(call, self._family.Response(200, headers=headers, stream=stream, request=request))

    def _error_response(self, reply: ErrorReply, request: Any) -> Any:
        headers = {"content-type": "application/json", **reply.headers}
        return self._family.Response(
            reply.status, headers=headers, content=json.dumps(reply.body).encode(), request=request
        )

    def _timed(self, call: Call, response: Any) -> Any:
        response.elapsed = timedelta(seconds=call.chain.clock() - call.started)
        return response


def _stream_class(family: Any) -> Any:
    """A response body that is a pump, sync and async at once, as the family's own buffered streams are."""

    class RelayedStream(family.SyncByteStream, family.AsyncByteStream):  # type: ignore[misc]
        """A committed stream on its way to the SDK."""

        def __init__(self, call: Call, pulled: Pulled, raised: Any, original: Any = None) -> None:
            self._original = original  # keeps the connection's own stream alive as long as ours
            self._sync = SyncPump(call, pulled, raised)
            self._async = AsyncPump(call, pulled, raised)

        def __iter__(self) -> Any:
            return self._sync.chunks()

        def close(self) -> None:
            """Let go of the hop and its connection."""
            self._sync.close()

        def __aiter__(self) -> Any:
            return self._async.chunks()

        async def aclose(self) -> None:
            """Let go of the hop and its connection."""
            await self._async.aclose()

    return RelayedStream
