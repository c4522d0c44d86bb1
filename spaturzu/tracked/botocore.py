"""The door for botocore: the HTTP session inside a client's endpoint. botocore parses what we return, natively."""

from __future__ import annotations

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from . import detours
from .door import Door


def leave_by(client: Any, door: Door) -> None:
    """Send through `door`. With a chain, botocore's own retries end: the router does them."""
    endpoint = client._endpoint
    session = endpoint.http_session
    endpoint.http_session = TrackedSession(getattr(session, "inner", session), door)
    if door.chain().is_bounded:
        _exchange().end_retries(client)
        _exchange().strip_before_signing(door, client)


@cache
def _exchange() -> Any:
    """The part that knows the router, loaded when first needed."""
    from spaturzu.courtesy import load

    return load("spaturzu.tracked.botocore_exchange")


@cache
def _metering() -> tuple[Any, Any]:
    from spaturzu.courtesy import load

    return load("spaturzu.tracked.passing"), load("spaturzu.tracked.invoke")


class TrackedSession:
    """Stands in for botocore's URLLib3Session."""

    def __init__(self, inner: Any, door: Door) -> None:
        self.inner, self._door = inner, door

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def send(self, request: Any) -> Any:
        """Send an AWSPreparedRequest: chat calls walk the chain, all else goes straight through."""
        inner = self.inner if detours.current is None else detours.current.session(self._door, self.inner, request)
        surface = self._door.recognise(urlsplit(str(request.url)).path)
        if surface is None:
            return self._passed(inner, request)
        return _exchange().send(inner, self._door, surface, request)

    def _passed(self, inner: Any, request: Any) -> Any:
        if request.method != "POST" or self._door.metering is None:
            return inner.send(request)
        body, path = request.body if isinstance(request.body, bytes) else b"", urlsplit(str(request.url)).path
        notes, invoke = _metering()
        with notes.passing(self._door, path, body) as passing:
            passing.record = notes.attributed(self._door)
            response = inner.send(request)
            passing.status, passing.usage = response.status_code, invoke.in_headers(response.headers)
            if passing.status < 400 and path.endswith("/invoke-with-response-stream"):
                passing.deferred = True

                def ended(tail: bytes) -> None:
                    passing.usage = invoke.in_tail(tail) or passing.usage
                    notes.note(self._door, path, body, passing)

                response.raw = invoke.Tee(response.raw, ended)
        return response


def over_duck(client: Any) -> Any:
    """A boto3 client over one that only has `converse` and `converse_stream`."""
    return _exchange().over_duck(client)
