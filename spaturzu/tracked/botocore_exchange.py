"""One Converse call over botocore: send through the chain, answer with botocore's own response class."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextvars import ContextVar
from functools import partial
from math import inf
from typing import Any
from urllib.parse import urlsplit

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore.awsrequest import AWSResponse  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import ReadTimeoutError  # pyright: ignore[reportMissingTypeStubs]

from spaturzu.router.call import Call
from spaturzu.router.drive import drive
from spaturzu.router.explain import explain
from spaturzu.router.judge import Reply
from spaturzu.router.keys import fingerprint
from spaturzu.router.media import Media
from spaturzu.router.targets.bedrock import end_retries
from spaturzu.router.walk import Answer, Broken, Fetch, NativeAnswer, Pulled, Result
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.loss import Loss

from .calls import COMPACT, begin, native_error, own, served_headers
from .door import Door
from .duck import Duck, require
from .pump import SyncPump
from .surfaces import Surface

__all__ = ["end_retries", "over_duck", "send", "strip_before_signing"]


_STRIPPED: ContextVar[tuple[Loss, ...]] = ContextVar("spaturzu_stripped", default=())
"""From `strip_before_signing` to `send`, which botocore calls next, in the same thread."""


def strip_before_signing(door: Door, client: Any) -> None:
    """Leave thoughts of other providers out of `client`'s requests: after it, the signature covers the body.

    `register_first`: botocore signs in a handler of the same event (botocore 1.43 and 1.44 [S]).
    """
    emitter, event = client._endpoint._event_emitter, "request-created.bedrock-runtime"
    emitter.unregister(event, unique_id="spaturzu")
    emitter.register_first(event, partial(_strip, door), unique_id="spaturzu")


def _strip(door: Door, request: Any, **_: Any) -> None:
    surface = door.recognise(urlsplit(str(request.url)).path)
    body, chain = request.data, door.chain()
    kept = own(door, chain, surface, bytes(body)) if surface and isinstance(body, bytes | bytearray) else None
    _STRIPPED.set(kept.stripped if kept else ())
    if kept:
        request.data = kept.body


def send(inner: Any, door: Door, surface: Surface, request: Any) -> Any:
    """Walk the chain and give botocore its response, or raise its error."""
    stripped = _STRIPPED.get()
    call = begin(door, door.chain(), surface, _body(request), lambda: _key(request), as_async=False, stripped=stripped)
    if door.explained is not None:
        return _answer(door, call, explain(call, door.explained), request)
    return _answer(door, call, drive(call, _Primary(inner, request)), request)


def _answer(door: Door, call: Call, result: Result, request: Any) -> Any:
    match result:
        case NativeAnswer():
            return _native(door, call, result, request)
        case Answer():
            return _plain(call, result, request)
        case Broken():
            return _failed(door, call, result, request)
        case _:
            return _streamed(door, call, result, request)


def _native(door: Door, call: Call, result: Any, request: Any) -> Any:
    response = result.reply
    if result.stream is not None:
        result.stream.hop.model = call.wire.model
        response.raw = _Raw(call, result.stream, _raising(door, request), _told(door, request))
    if call.chain.targets:
        response.headers.update(served_headers(call))
    return response


def _failed(door: Door, call: Call, broken: Any, request: Any) -> Any:
    if not call.chain.is_bounded:
        if isinstance(broken.native, Exception):
            raise broken.native
        if broken.native.status_code >= 400:
            return broken.native
    raise native_error(door, call, broken, request, lambda reply: _error_response(reply, request))


def _raising(door: Door, request: Any) -> Callable[[Exception], Exception]:
    return lambda exc: door.native.transport_error(exc, request)


def _told(door: Door, request: Any) -> Callable[[bytes], Exception | None]:
    headers: dict[str, str] = {}
    return lambda data: door.native.stream_error(AWSResponse(request.url, 200, headers, _Chunks(iter((data,)))))


class _Primary:
    def __init__(self, inner: Any, request: Any) -> None:
        self._inner, self._request = inner, request

    def send(self, timeout_s: float | None) -> Reply:
        """Once. botocore takes a timeout for one request since 1.44 [S]; before, the client's own holds."""
        context = getattr(self._request, "context", None)
        if timeout_s is not None and context is not None:
            context["read_timeout"] = min(timeout_s, context.get("read_timeout") or timeout_s, self._client_timeout_s())
        response = self._inner.send(self._request)
        headers = {name.lower(): value for name, value in response.headers.items()}
        if (
            response.status_code < 400
            and self._request.stream_output
            and "eventstream" in headers.get("content-type", "")
        ):
            raw = response.raw
            return Reply(
                native=response, status=response.status_code, headers=headers, source=_chunks(raw), close=raw.close
            )
        return Reply(native=response, status=response.status_code, headers=headers, content=response.content)

    def _client_timeout_s(self) -> float:
        """The client's own `read_timeout`."""
        own = getattr(getattr(self._inner, "_timeout", None), "read_timeout", None)
        return own if isinstance(own, int | float) else inf

    def late(self, seconds: float) -> Exception:
        """botocore's ReadTimeoutError."""
        return ReadTimeoutError(endpoint_url=self._request.url, error=TimeoutError(f"no answer within {seconds:.3g} s"))

    def fetch(self, effect: Fetch) -> Mapping[str, Media]:
        """Media by reference, with a client of our own."""
        from .fetch import fetch

        return fetch(effect)


def _chunks(raw: Any) -> Iterator[bytes]:
    return iter(raw.stream())


def _body(request: Any) -> bytes:
    body = request.body
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _key(request: Any) -> Hashable:
    """Endpoint and credential: the access key id within the signature, or the bearer token."""
    authorization = request.headers.get("Authorization", b"")
    text = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
    return (urlsplit(str(request.url)).netloc, fingerprint(text.partition("/")[0]))


class _Raw:
    """What botocore reads an event stream from."""

    def __init__(self, call: Call, pulled: Pulled, raised: Any, said: Any) -> None:
        self._pump = SyncPump(call, pulled, raised, said)

    def stream(self, amt: int = 1024, decode_content: bool | None = None) -> Iterator[bytes]:
        """The caller's bytes."""
        return self._pump.chunks()

    def close(self) -> None:
        """Let go of the hop."""
        self._pump.close()


def over_duck(client: Any) -> Any:
    """A boto3 client whose HTTP session is one that only has `converse` and `converse_stream`."""
    sdk: Any = boto3
    made = sdk.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="held-by-the-wrapped-client",
        aws_secret_access_key="held-by-the-wrapped-client",  # noqa: S106 - says that there is none
    )
    made._endpoint.http_session = _DuckSession(require(client, "bedrock"))
    return made


class _DuckSession:
    """An HTTP session whose server is the duck."""

    def __init__(self, duck: Duck) -> None:
        self._duck = duck

    def send(self, request: Any) -> Any:
        """Call the duck."""
        wire, invoke = self._duck.prepare(request.url, _body(request), as_async=False)
        answer = invoke()
        headers = {"content-type": self._duck.content_type(stream=wire.stream)}
        chunks = self._duck.frames(answer) if wire.stream else iter((self._duck.body(answer),))
        return AWSResponse(request.url, 200, headers, _Chunks(chunks))


class _Chunks:
    """A body that comes in pieces."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks

    def stream(self, amt: int = 1024, decode_content: bool | None = None) -> Iterator[bytes]:
        """The rest of it."""
        return self._chunks

    def close(self) -> None:
        """There is no connection to let go of."""


def _plain(call: Call, answer: Answer, request: Any) -> Any:
    content = COMPACT(answer.body).encode()
    return _response(request, 200, content, call)


def _streamed(door: Door, call: Call, pulled: Pulled, request: Any) -> Any:
    pulled.hop.model = pulled.relay.model or pulled.hop.model
    headers = {**_headers(call), "content-type": call.codec.stream_content_type}
    return AWSResponse(request.url, 200, headers, _Raw(call, pulled, None, _told(door, request)))


def _response(request: Any, status: int, content: bytes, call: Call) -> Any:
    return AWSResponse(
        request.url, status, {**_headers(call), "content-type": "application/json"}, _Chunks(iter((content,)))
    )


def _headers(call: Call) -> dict[str, str]:
    return {"x-amzn-requestid": call.record.id, **served_headers(call)}


def _error_response(reply: ErrorReply, request: Any) -> Any:
    headers = {"content-type": "application/json", **reply.headers}
    return AWSResponse(request.url, reply.status, headers, _Chunks(iter((json.dumps(reply.body).encode(),))))
