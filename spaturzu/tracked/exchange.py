"""One chat call over an HTTP client: send through the chain, answer with the family's own response classes."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from datetime import timedelta
from functools import cache, lru_cache, partial
from math import inf
from typing import TYPE_CHECKING, Any

from spaturzu.router.asking import Server, complains, remember
from spaturzu.router.call import Call
from spaturzu.router.drive import adrive, drive
from spaturzu.router.errands import in_thread
from spaturzu.router.explain import explain
from spaturzu.router.judge import Reply
from spaturzu.router.keys import fingerprint, server_of
from spaturzu.router.media import Media
from spaturzu.router.walk import Answer, Broken, Fetch, NativeAnswer, Pulled, Result
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.loss import Loss

from .calls import (
    COMPACT,
    Own,
    asks_usage,
    begin,
    named_headers,
    native_error,
    own,
    served,
    served_headers,
    unknown_answer,
    with_usage_asked,
)
from .door import Door
from .pump import AsyncPump, SyncPump, stream_source
from .surfaces import Surface

if TYPE_CHECKING:
    from httpx2 import Request, Response


def send(family: Any, inner: Any, door: Door, surface: Surface, request: Request, options: dict[str, Any]) -> Any:
    """Walk the chain and give the SDK its response, or raise its error."""
    chain = door.chain()
    stripped: tuple[Loss, ...] = ()
    if (kept := own(door, chain, surface, request.content)) is not None:
        request, stripped = _own(family, door, request, kept)
    call = begin(
        door,
        chain,
        surface,
        request.content,
        lambda: _key(request),
        as_async=False,
        headers=request.headers,
        stripped=stripped,
    )
    if door.explained is not None:
        return library(family).answer(door, call, explain(call, door.explained), request)
    asking = _asking_usage(family, surface, call, request) if options.get("stream") else request
    result = drive(call, _Primary(family, inner, asking, options, call))
    return library(family).answer(door, call, result, request)


async def asend(
    family: Any, inner: Any, door: Door, surface: Surface, request: Request, options: dict[str, Any]
) -> Any:
    """The same, async."""
    chain = door.chain()
    stripped: tuple[Loss, ...] = ()
    if (kept := own(door, chain, surface, request.content)) is not None:
        request, stripped = _own(family, door, request, kept)
    call = begin(
        door,
        chain,
        surface,
        request.content,
        lambda: _key(request),
        as_async=True,
        headers=request.headers,
        stripped=stripped,
    )
    if door.explained is not None:
        return library(family).answer(door, call, explain(call, door.explained), request)
    asking = _asking_usage(family, surface, call, request) if options.get("stream") else request
    result = await adrive(call, _AsyncPrimary(family, inner, asking, options, call))
    return library(family).answer(door, call, result, request)


def _own(family: Any, door: Door, request: Any, kept: Own) -> tuple[Any, tuple[Loss, ...]]:
    """The request without what another provider said in it and this one would refuse."""
    if kept.unknown is not None:
        raise unknown_answer(door, kept.unknown, lambda reply: library(family).error_response(reply, request))
    return _with_body(family, request, kept.body), kept.stripped


def _asking_usage(family: Any, surface: Surface, call: Call, request: Any) -> Any:
    """The request of a stream, with the question for its usage where the caller's has none."""
    if not asks_usage(call, surface, _server(request)):
        return request
    body = with_usage_asked(request.content)
    if body is None:
        return request
    call.hides_usage, call.unasking = True, request
    return _with_body(family, request, body)


def _server(request: Request) -> Server:
    return server_of(request.url)


def _with_body(family: Any, request: Any, body: bytes) -> Any:
    headers = [item for item in request.headers.multi_items() if item[0].lower() != "content-length"]
    return family.Request(request.method, request.url, headers=headers, content=body, extensions=request.extensions)


def _key(request: Request) -> Hashable:
    """Endpoint and credential of a request."""
    headers = request.headers
    credential = headers.get("authorization") or headers.get("x-api-key") or headers.get("x-goog-api-key")
    return (request.url.scheme, request.url.host, request.url.port, fingerprint(credential))


class _Primary:
    """The caller's request, sent by the inner client."""

    def __init__(self, family: Any, inner: Any, request: Request, options: dict[str, Any], call: Call) -> None:
        self._family, self._inner, self._request, self._options = family, inner, request, options
        self._call, self._chain = call, call.chain
        self._given: dict[str, float | None] = request.extensions.get("timeout", {})

    def send(self, timeout_s: float | None) -> Reply:
        """Once. A plain answer is read whole; where limits hold, here, since its body has one of its own."""
        options = self._options
        if self._chain.is_bounded:
            self._limit(timeout_s)
            options = {**options, "stream": True}
        response = self._inner.send(self._request, **options)
        if self._options.get("stream") and _is_stream(response):
            original = response.stream
            source = stream_source(_bytes_of(response, response.iter_bytes))
            return _streamed(response, source, original.close)
        if options.get("stream"):
            self._limit_body()
            try:
                response.read()
            except BaseException:
                response.close()
                raise
        if self._call.unasking is not None and self._unasks(response):
            return self.send(timeout_s)
        return Reply(response, response.status_code, response.headers, response.content)

    def _unasks(self, response: Response) -> bool:
        """Does the server complain of the question for the usage? Then the request is the caller's own from now on."""
        request, self._call.unasking = self._call.unasking, None
        if not complains(response.status_code, response.content):
            return False
        self._request = request
        remember(_server(request))
        return True

    def _limit_body(self) -> None:
        """The head of a plain answer has come: the rest is as near as the events of a stream are to each other."""
        if self._chain.targets:
            extensions = self._request.extensions
            extensions["timeout"] = _capped(extensions["timeout"], "read", self._chain.limits.least_between_events_s)

    def _limit(self, timeout_s: float | None) -> None:
        """No phase of the request may last longer than `timeout_s`, nor connecting longer than the chain's limit.

        Each try has the SDK's own timeouts, and not what was left of them for the body of the one before.
        """
        request = self._request
        limits = _capped(self._given, "connect", self._chain.limits.connect_s)
        if timeout_s is not None:
            for phase in ("connect", "read", "write", "pool"):
                limits = _capped(limits, phase, timeout_s)
        request.extensions = {**request.extensions, "timeout": limits}

    def late(self, seconds: float) -> Exception:
        """The family's ReadTimeout."""
        return self._family.ReadTimeout(f"no answer within {seconds:.3g} s", request=self._request)

    def fetch(self, effect: Fetch) -> Mapping[str, Media]:
        """Media by reference, with a client of our own."""
        from .fetch import fetch

        return fetch(effect)


class _AsyncPrimary(_Primary):
    """The same, awaited."""

    async def send(self, timeout_s: float | None) -> Reply:  # type: ignore[override]
        """Once. A plain answer is read whole; where limits hold, here, since its body has one of its own."""
        options = self._options
        if self._chain.is_bounded:
            self._limit(timeout_s)
            options = {**options, "stream": True}
        response = await self._inner.send(self._request, **options)
        if self._options.get("stream") and _is_stream(response):
            original = response.stream
            source = stream_source(_bytes_of(response, response.aiter_bytes))
            return _streamed(response, source, original.aclose)
        if options.get("stream"):
            self._limit_body()
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        if self._call.unasking is not None and self._unasks(response):
            return await self.send(timeout_s)
        return Reply(response, response.status_code, response.headers, response.content)

    async def fetch(self, effect: Fetch) -> Mapping[str, Media]:  # type: ignore[override]
        """The same, in a thread."""
        return await in_thread(partial(super().fetch, effect))


def _capped(timeouts: dict[str, float | None], phase: str, longest_s: float) -> dict[str, float | None]:
    """The SDK's own timeouts, with that of one phase no longer than so; None is none. They stay as they are."""
    given_s = timeouts.get(phase)
    return timeouts if longest_s >= (inf if given_s is None else given_s) else {**timeouts, phase: longest_s}


def _is_stream(response: Response) -> bool:
    """Of what the SDK wants streamed a stream is what the server does not send as JSON or as a page."""
    if response.status_code >= 400:
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


def _streamed(response: Response, source: Any, close: Any) -> Reply:
    return Reply(response, response.status_code, response.headers, source=source, close=close)


@cache
def library(family: Any) -> _Library:
    """The answers of a family."""
    return _Library(family)


class _Library:
    """Answers made of a family's own response and stream classes."""

    def __init__(self, family: Any) -> None:
        self._family = family
        self._stream = _stream_class(family)

    def answer(self, door: Door, call: Call, result: Result, request: Any) -> Any:
        """What `send` returns, or raises."""
        match result:
            case NativeAnswer():
                return self._native(door, call, result, request)
            case Answer():
                return self._plain(call, result, request)
            case Broken():
                return self._failed(door, call, result, request)
            case _:
                return self._streamed(door, call, result, request)

    def _native(self, door: Door, call: Call, result: Any, request: Any) -> Any:
        """The primary's own response."""
        if result.stream is not None:
            result.stream.hop.model = result.stream.relay.model
            result.reply.stream = self._stream(
                call, result.stream, _raising(door, request), self._told(door, call, request), result.reply.stream
            )
        elif result.body is not None:
            result.reply.json = _Parsed(result.reply.content, result.body)
        if call.chain.targets:
            _add_headers(result.reply.headers, call)
        return result.reply

    def _failed(self, door: Door, call: Call, broken: Any, request: Any) -> Any:
        """Without a chain the SDK sees what came, and retries as it always did; with one, its own error is raised."""
        if not call.chain.is_bounded:
            if isinstance(broken.native, Exception):
                raise broken.native
            if broken.native.status_code >= 400:
                return broken.native
        raise native_error(door, call, broken, request, lambda reply: self.error_response(reply, request))

    def _plain(self, call: Call, answer: Answer, request: Any) -> Any:
        content = COMPACT(answer.body).encode()
        headers = {"content-type": "application/json", "content-length": str(len(content))}
        response = self._family.Response(
            200,
            headers={**headers, **_request_id(call), **served_headers(call)},
            stream=self._family.ByteStream(content),  # with `content` httpx looks for its length in the headers
            request=request,
        )
        response._content = content  # what `read` comes to, in a tenth of its time
        response.read()  # where another httpx keeps it elsewhere
        response.is_closed = response.is_stream_consumed = True
        response.json = _Parsed(content, answer.body)
        return self._timed(call, response)

    def _told(self, door: Door, call: Call, request: Any) -> Callable[[bytes], Exception | None]:
        """What the caller's SDK would raise of a stream's last events."""
        headers = {"content-type": call.codec.stream_content_type}
        return lambda data: door.native.stream_error(
            self._family.Response(200, headers=headers, content=data, request=request)
        )

    def _streamed(self, door: Door, call: Call, pulled: Pulled, request: Any) -> Any:
        pulled.hop.model = pulled.relay.model or pulled.hop.model
        headers = {"content-type": call.codec.stream_content_type, **_request_id(call), **served_headers(call)}
        stream = self._stream(call, pulled, None, self._told(door, call, request))
        return self._timed(call, self._family.Response(200, headers=headers, stream=stream, request=request))

    def error_response(self, reply: ErrorReply, request: Any) -> Any:
        """An error as the primary would have answered."""
        headers = {"content-type": "application/json", **reply.headers}
        return self._family.Response(
            reply.status, headers=headers, content=json.dumps(reply.body).encode(), request=request
        )

    def _timed(self, call: Call, response: Any) -> Any:
        response.elapsed = timedelta(seconds=call.chain.clock() - call.started)
        return response


class _Parsed:
    """A response's `json`: what has been parsed to judge it is not parsed again. Given away once; later calls parse."""

    def __init__(self, content: bytes, body: Any) -> None:
        self._content, self._held = content, [body]

    def __call__(self, **options: Any) -> Any:
        """As httpx has it."""
        return self._held.pop() if self._held and not options else json.loads(self._content, **options)


def _add_headers(headers: Any, call: Call) -> None:
    """New names onto a response's headers. `Headers.update` decodes every header there is: too slow for each call."""
    held: list[tuple[bytes, bytes, bytes]] | None = getattr(headers, "_list", None)
    if held is None:
        headers.update(served_headers(call))
    else:
        hops = call.record.hops
        hop = hops[0] if len(hops) == 1 else served(call)
        held.extend(_raw_headers(hop.provider, hop.model, len(hops)))


def _request_id(call: Call) -> dict[str, str]:
    """Under the name that the caller's SDK reads it by (providers.md sections 1.6 and 2.8)."""
    return {"request-id" if call.provider == "anthropic" else "x-request-id": call.record.id}


@lru_cache(maxsize=256)
def _raw_headers(provider: str, model: str, hops: int) -> tuple[tuple[bytes, bytes, bytes], ...]:
    raw = ((name.encode(), value.encode()) for name, value in named_headers(provider, model, hops).items())
    return tuple((name, name, value) for name, value in raw)


def _raising(door: Door, request: Any) -> Callable[[Exception], Exception]:
    return lambda exc: door.native.transport_error(exc, request)


def _stream_class(family: Any) -> Any:
    """A response body that is a pump, sync and async at once, as the family's own buffered streams are."""

    class RelayedStream(family.SyncByteStream, family.AsyncByteStream):  # type: ignore[misc]
        """A committed stream on its way to the SDK."""

        def __init__(self, call: Call, pulled: Pulled, raised: Any, said: Any, original: Any = None) -> None:
            self._original = original  # keeps the connection's own stream alive as long as ours
            self._sync = SyncPump(call, pulled, raised, said)
            self._async = AsyncPump(call, pulled, raised, said)

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
