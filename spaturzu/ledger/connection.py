"""One HTTP/1.1 connection to the gateway: requests go out back to back, and their answers come in the same order.

Our own, because a gateway of the published protocol takes one entry a request, and a record may cost a twentieth of the
published client's CPU: some 38 us, of which 18 are gone before it is sent. `python -m benchmarks senders` measures one
entry over http.client at 83 us, urllib3 at 165, httpx2 at 790, and over this at 5 (2026-11-30, CPython 3.11): none of
them, nor h11, sends a request before the last is answered. For batches any of them would do; this serves both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from spaturzu_translators.values import value

from .route import Route, Stop

if TYPE_CHECKING:
    from ssl import SSLContext

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer. A gateway's have a few."""
LARGEST_HEAD = 256 * 1024
NEXT_ADDRESS_S = 0.25
"""How long one of a host's addresses may take before the next is tried too (RFC 8305)."""


@value
class HttpAnswer:
    """Headers are those that a client of the gateway asks about."""

    status: int
    retry_after: str
    keeps: bool
    """Does the connection go on?"""
    body: bytes


@value
class _Head:
    """`length` None: to the end of the connection."""

    status: int
    length: int | None
    chunked: bool
    keeps: bool
    retry_after: str


class AnswerReader:
    """Bytes in, answers out. Raises ValueError for what is not HTTP/1."""

    def __init__(self) -> None:
        self.tunneling = False
        """Is it a proxy that answers, whether there is a tunnel? That has no body."""
        self._buffer = bytearray()
        self._head: _Head | None = None
        self._chunks = list[bytes]()

    def feed(self, data: bytes) -> Iterator[HttpAnswer]:
        """The answers that are whole now."""
        self._buffer += data
        while (answer := self._next()) is not None:
            yield answer
        if len(self._buffer) > LARGEST:
            raise ValueError(f"an answer of more than {LARGEST} bytes")

    def end(self) -> HttpAnswer | None:
        """The connection is over: the answer that it ended with it."""
        if self._head is None or self._head.chunked or self._head.length is not None:
            return None
        return self._answer(self._head, bytes(self._buffer))

    def _next(self) -> HttpAnswer | None:
        if self._head is None and not self._read_head():
            return None
        head = cast("_Head", self._head)
        if self.tunneling:
            body = b""
        elif head.chunked:
            body = self._chunked()
        else:
            body = None if head.length is None else self._taken(head.length)
        return None if body is None else self._answer(head, body)

    def _answer(self, head: _Head, body: bytes) -> HttpAnswer:
        self._head = None
        return HttpAnswer(status=head.status, retry_after=head.retry_after, keeps=head.keeps, body=body)

    def _read_head(self) -> bool:
        """Those that only announce (1xx) are left out."""
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = _read(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            if head.status >= 200:
                self._head = head
                return True
        if len(self._buffer) > LARGEST_HEAD:
            raise ValueError(f"headers of more than {LARGEST_HEAD} bytes")
        return False

    def _taken(self, length: int) -> bytes | None:
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        return body

    def _chunked(self) -> bytes | None:
        while (line := self._buffer.find(b"\r\n")) >= 0:
            size = int(self._buffer[:line].partition(b";")[0], 16)
            end = line + size + 4 if size else self._buffer.find(b"\r\n\r\n", line) + 4
            if end < line + 4 or len(self._buffer) < end:
                return None
            self._chunks.append(bytes(self._buffer[line + 2 : line + 2 + size]))
            del self._buffer[:end]
            if not size:
                body, self._chunks = b"".join(self._chunks), []
                return body
        return None


@lru_cache(64)
def _read(raw: bytes) -> _Head:
    """Cached: a gateway says the same again and again."""
    first, *lines = raw.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1."):
        raise ValueError(f"an answer that begins with {first[:40]!r}")
    said = {name.strip().lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    status, kept = int(rest[:3]), {token.strip() for token in said.get("connection", "").lower().split(",")}
    chunked = "chunked" in said.get("transfer-encoding", "").lower()
    length = 0 if status in (204, 304) or status < 200 else said.get("content-length")
    return _Head(
        status=status,
        length=None if chunked or length is None else _length(length),
        chunked=chunked,
        keeps="close" not in kept and (version != "HTTP/1.0" or "keep-alive" in kept),
        retry_after=said.get("retry-after", ""),
    )


def _length(said: int | str) -> int:
    if (length := int(said)) < 0:
        raise ValueError(f"an answer of {length} bytes")
    return length


class Connection(asyncio.Protocol):
    """`await connect(...)` makes one. Once it has failed, it is closed."""

    def __init__(self) -> None:
        self._reader = AnswerReader()
        self._answers = list[HttpAnswer]()
        self._wanted = 0
        self._over: asyncio.Future[None] | None = None
        self._closed = False
        self._last = 0.0
        self.used = False
        """Has it had an answer? If so, the other side may have closed it since."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of Protocol; called once more where TLS begins inside of a tunnel."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Part of Protocol."""
        if self._over is None or self._over.done():
            self.close()  # nobody asked: a farewell
            return
        self._last = self._over.get_loop().time()
        try:
            for answer in self._reader.feed(data):
                self._answers.append(answer)
                if not answer.keeps:
                    self.close()
                    break
        except ValueError as error:
            self._fail(error)
        if len(self._answers) >= self._wanted:
            self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of Protocol."""
        self._closed = True
        if (last := self._reader.end()) is not None:
            self._answers.append(last)
        whole = len(self._answers) >= self._wanted
        self._end(None if whole else exc or ConnectionResetError("the connection was closed"))

    def _end(self, error: Exception | None) -> None:
        if self._over is None or self._over.done():
            return
        if error is None:
            self._over.set_result(None)
        else:
            self._over.set_exception(error)

    def _fail(self, error: Exception) -> None:
        self._end(error)
        self.close()

    @property
    def open(self) -> bool:
        """May it be asked once more?"""
        return not self._closed and not self._transport.is_closing()

    async def ask(self, requests: Sequence[bytes], answers: list[HttpAnswer], timeout_s: float) -> None:
        """Put their answers into `answers`, in order, as they come. `timeout_s` is for each.

        Raises OSError (TimeoutError too) or ValueError where fewer came.
        """
        loop = asyncio.get_running_loop()
        self._answers, self._wanted, self._over = answers, len(requests), loop.create_future()
        self._last = loop.time()
        self._timer = loop.call_later(timeout_s, self._look, timeout_s)
        self._transport.write(b"".join(requests))
        try:
            await self._over
        except asyncio.CancelledError:
            self.close()
            raise
        finally:
            self._timer.cancel()
            self.used = self.used or bool(answers)

    def _look(self, timeout_s: float) -> None:
        """Has an answer come lately?"""
        loop = asyncio.get_running_loop()
        if (rest_s := self._last + timeout_s - loop.time()) > 0:
            self._timer = loop.call_later(rest_s, self._look, timeout_s)
        else:
            self._fail(TimeoutError(f"no answer within {timeout_s:g} s"))

    def close(self) -> None:
        """Let go of it, also of what has not been written yet."""
        self._transport.abort()

    async def tunnel(self, route: Route, secure: SSLContext | None, timeout_s: float) -> None:
        """Have the proxy connect it to the gateway, and secure it. Raises as `ask` does."""
        answers = list[HttpAnswer]()
        self._reader.tunneling = True
        await self.ask([route.opening()], answers, timeout_s)
        if answers[0].status >= 300:
            self.close()
            raise ConnectionRefusedError(f"the proxy answered {answers[0].status}")
        self._reader.tunneling = self.used = False
        loop = asyncio.get_running_loop()
        host: Any = route.gateway.host
        transport = await loop.start_tls(self._transport, self, cast("SSLContext", secure), server_hostname=host)
        self._transport = cast("asyncio.Transport", transport)


async def connect(route: Route, secure: SSLContext | None, timeout_s: float) -> Connection:
    """A new connection. `secure` is there where TLS is. Raises OSError (TimeoutError too) or ValueError."""
    async with asyncio.timeout(timeout_s):
        connection = await _to(route.proxy or route.gateway, secure)
        if route.tunneled:
            await connection.tunnel(route, secure, timeout_s)
    return connection


async def _to(stop: Stop, secure: SSLContext | None) -> Connection:
    loop = asyncio.get_running_loop()
    more: dict[str, Any] = {"happy_eyeballs_delay": NEXT_ADDRESS_S}
    if stop.secure:
        more |= {"ssl": secure, "server_hostname": stop.host}
    _, connection = await loop.create_connection(Connection, stop.host, stop.port, **more)
    return connection
