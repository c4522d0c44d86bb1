"""The door for botocore: the HTTP session inside a client's endpoint. botocore parses what we return, natively."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSResponse

from spaturzu.router.targets.bedrock import end_retries

from .door import Door, served_headers
from .duck import Duck, require
from .pump import SyncPump

if TYPE_CHECKING:
    from spaturzu.router.call import Call
    from spaturzu.router.judge import Reply
    from spaturzu.router.walk import Answer, Pulled, Result
    from spaturzu_translators.failures import ErrorReply


def leave_by(client: Any, door: Door) -> None:
    """Send through `door`. With a chain, botocore's own retries end: the router does them."""
    endpoint = client._endpoint
    session = endpoint.http_session
    endpoint.http_session = TrackedSession(getattr(session, "inner", session), door)
    if door.chain().targets:
        end_retries(client)


class TrackedSession:
    """Stands in for botocore's URLLib3Session."""

    def __init__(self, inner: Any, door: Door) -> None:
        self.inner, self._door = inner, door

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, request: Any) -> Any:
        """Send an AWSPreparedRequest: chat calls walk the chain, all else goes straight through."""
        surface = self._door.recognise(urlsplit(request.url).path)
        if surface is None:
            return self.inner.send(request)
        from spaturzu.router.drive import drive

        call = self._door.call(surface, _body(request), lambda: _key(request), as_async=False)
        return self._answer(call, drive(call, _Primary(self.inner, request)), request)

    def _answer(self, call: Call, result: Result, request: Any) -> Any:
        from spaturzu.router.walk import Answer, Broken, NativeAnswer

        match result:
            case NativeAnswer():
                return self._native(call, result, request)
            case Answer():
                return _plain(call, result, request)
            case Broken():
                return self._failed(call, result, request)
            case _:
                return _streamed(call, result, request)

    def _native(self, call: Call, result: Any, request: Any) -> Any:
        response = result.reply
        if result.stream is not None:
            result.stream.hop.model = call.wire.model
            response.raw = _Raw(call, result.stream, lambda exc: self._door.native.transport_error(exc, request))
        if call.chain.targets:
            response.headers.update(served_headers(call))
        return response

    def _failed(self, call: Call, broken: Any, request: Any) -> Any:
        if not call.chain.targets:
            if isinstance(broken.native, Exception):
                raise broken.native
            if broken.native.status_code >= 400:
                return broken.native
        raise self._door.error(call, broken, request, lambda reply: _error_response(reply, request))


class _Primary:
    def __init__(self, inner: Any, request: Any) -> None:
        self._inner, self._request = inner, request

    def send(self, timeout_s: float | None) -> Reply:
        """Once. botocore has no timeout for one call; the client's own `read_timeout` holds."""
        from spaturzu.router.judge import Reply

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


def _chunks(raw: Any) -> Iterator[bytes]:
    return iter(raw.stream())


def _body(request: Any) -> bytes:
    body = request.body
    return body.encode() if isinstance(body, str) else bytes(body or b"")


def _key(request: Any) -> Hashable:
    """Endpoint and credential: the access key id within the signature, or the bearer token."""
    authorization = request.headers.get("Authorization", b"")
    text = authorization.decode() if isinstance(authorization, bytes) else str(authorization)
    return (urlsplit(request.url).netloc, hash(text.partition("/")[0]))


class _Raw:
    """What botocore reads an event stream from."""

    def __init__(self, call: Call, pulled: Pulled, raised: Any) -> None:
        self._pump = SyncPump(call, pulled, raised)

    def stream(self, amt: int = 1024, decode_content: bool | None = None) -> Iterator[bytes]:
        """The caller's bytes."""
        return self._pump.chunks()

    def close(self) -> None:
        """Let go of the hop."""
        self._pump.close()


def over_duck(client: Any) -> Any:
    """A boto3 client whose HTTP session is one that only has `converse` and `converse_stream`."""
    made = boto3.client(
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
    content = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
    return _response(request, 200, content, call)


def _streamed(call: Call, pulled: Pulled, request: Any) -> Any:
    pulled.hop.model = pulled.relay.model or pulled.hop.model
    headers = {**_headers(call), "content-type": call.codec.stream_content_type}
    return AWSResponse(request.url, 200, headers, _Raw(call, pulled, None))


def _response(request: Any, status: int, content: bytes, call: Call) -> Any:
    return AWSResponse(
        request.url, status, {**_headers(call), "content-type": "application/json"}, _Chunks(iter((content,)))
    )


def _headers(call: Call) -> dict[str, str]:
    return {"x-amzn-requestid": call.record.id, **served_headers(call)}


def _error_response(reply: ErrorReply, request: Any) -> Any:
    headers = {"content-type": "application/json", **reply.headers}
    return AWSResponse(request.url, reply.status, headers, _Chunks(iter((json.dumps(reply.body).encode(),))))
