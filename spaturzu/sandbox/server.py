"""A small HTTP/1.1 server on a loopback port: keep-alive, one thread per connection.

A callback decides what to answer as a plan of actions, so that an answer may also break off, wait or reset; here the
plan is only performed.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from errno import EADDRINUSE
from typing import TypeAlias, assert_never

_HOST = "127.0.0.1"
_MAX_HEAD = 256 * 1024
_RECEIVE = 256 * 1024
_LOOK_S = 0.1
"""How often a server that waits looks whether its client is still there."""
_ASK_S = 0.005
"""How often one that waits for something asks whether it is there."""
_TRIES, _AGAIN_S = 50, 0.1
"""How often a port that was taken meanwhile is asked for, and how long between."""
_NO_LINGER = struct.pack("ii", 1, 0)
"""SO_LINGER on, with no time to linger: closing resets the connection."""


@dataclass(frozen=True, slots=True)
class Send:
    """Put these bytes on the connection."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so long; with `until`, no longer than until it is true, and hang up where it never is."""

    seconds: float
    until: Callable[[], object] | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """Close the connection in order (FIN)."""


@dataclass(frozen=True, slots=True)
class Abort:
    """Reset the connection (RST)."""


Action: TypeAlias = Send | Wait | HangUp | Abort


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as it came: names of headers in lower case, the last of a name counts."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


Respond: TypeAlias = Callable[[HttpRequest], Iterable[Action]]


class Port:
    """One loopback port that can be closed, so that connections are refused, and opened again under the same number."""

    def __init__(self, name: str, respond: Respond) -> None:
        self.stopping = threading.Event()
        """Set when the port closes for good; whoever sleeps here waits on it."""
        self._name = name
        self._respond = respond
        self._changing = threading.Lock()
        self._connections: set[_Connection] = set()
        self._acceptor: _Acceptor | None = None
        self._shut_door: socket.socket | None = _bound(0)
        self.number: int = self._shut_door.getsockname()[1]

    @property
    def listening(self) -> bool:
        """Are connections accepted?"""
        return self._acceptor is not None

    def listen(self) -> None:
        """Accept connections from now on."""
        with self._changing:
            if self._shut_door is not None:
                self._acceptor = _Acceptor(self._shut_door, self._admit, self._name)
                self._shut_door = None

    def refuse(self) -> None:
        """Refuse connections from now on, and close those that are idle; a running answer is finished."""
        with self._changing:
            if self._acceptor is not None:
                self._stop_accepting()
                self._shut_door = _bound(self.number)
        self._hang_up(idle_only=True)

    def close(self) -> None:
        """Give up the port and every connection."""
        with self._changing:
            self.stopping.set()
            self._stop_accepting()
            if self._shut_door is not None:
                self._shut_door.close()
                self._shut_door = None
        self._hang_up(idle_only=False)

    def _stop_accepting(self) -> None:
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.stop()

    def _admit(self, client: socket.socket) -> None:
        connection = _Connection(self, client)
        self._connections.add(connection)
        threading.Thread(target=self._serve, args=(connection,), name=self._name, daemon=True).start()

    def _serve(self, connection: _Connection) -> None:
        try:
            connection.serve(self._respond)
        finally:
            self._connections.discard(connection)

    def _hang_up(self, *, idle_only: bool) -> None:
        for connection in self._connections.copy():
            if not (idle_only and connection.busy):
                connection.interrupt()


def _bound(number: int) -> socket.socket:
    """A socket that is bound and does not listen: connections are refused, and nobody else gets the number.

    For a moment nobody has it, and the system may give it to somebody's connection: that is waited for.
    """
    for _ in range(_TRIES):
        door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((_HOST, number))
        except OSError as error:
            door.close()
            if error.errno != EADDRINUSE:
                raise
            time.sleep(_AGAIN_S)
        else:
            return door
    raise OSError(EADDRINUSE, f"the sandbox's port {number} was taken by another connection, and is not given back")


class _Acceptor:
    """Accepts connections in a thread until it is stopped, and then closes its socket."""

    def __init__(self, door: socket.socket, admit: Callable[[socket.socket], None], name: str) -> None:
        self._wake, woken = socket.socketpair()
        self._admit = admit
        door.listen(512)
        door.setblocking(False)
        self._thread = threading.Thread(target=self._run, args=(door, woken), name=name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Refuse connections; returns when the socket is closed."""
        self._wake.close()
        self._thread.join()

    def _run(self, door: socket.socket, woken: socket.socket) -> None:
        with door, woken, selectors.DefaultSelector() as selector:
            selector.register(door, selectors.EVENT_READ)
            selector.register(woken, selectors.EVENT_READ)
            while all(key.fileobj is door for key, _ in selector.select()):
                with contextlib.suppress(BlockingIOError, ConnectionError):
                    self._admit(door.accept()[0])


class _Connection:
    """One client's connection. `busy` while a request of it is being answered."""

    def __init__(self, port: Port, client: socket.socket) -> None:
        client.setblocking(True)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.busy = False
        self._port = port
        self._socket = client
        self._buffer = bytearray()

    def interrupt(self) -> None:
        """End it from another thread."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def serve(self, respond: Respond) -> None:
        """Answer requests until either side closes. A client that goes away is no error here."""
        with self._socket, contextlib.suppress(OSError):
            while (request := self._read()) is not None:
                self.busy = True
                kept = self._perform(respond(request))
                self.busy = False
                if not kept or request.headers.get("connection") == "close" or not self._port.listening:
                    return

    def _perform(self, actions: Iterable[Action]) -> bool:
        """Carry out the plan. Says whether the connection is good for another request."""
        for action in actions:
            match action:
                case Send(data):
                    self._socket.sendall(data)
                case Wait():
                    if not self._waited(action):
                        return False
                case HangUp():
                    return False
                case Abort():
                    self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
                    return False
                case _:
                    assert_never(action)
        return True

    def _waited(self, wait: Wait) -> bool:
        """Is it over? Not where the port closed or the client left meanwhile: nobody waits any more."""
        end, turn_s = time.monotonic() + wait.seconds, _LOOK_S if wait.until is None else _ASK_S
        while (left := end - time.monotonic()) > 0:
            if wait.until is not None and wait.until():
                return True
            if self._port.stopping.wait(min(left, turn_s)) or self._is_left():
                return False
        return wait.until is None

    def _is_left(self) -> bool:
        """Has the client closed its end?"""
        self._socket.setblocking(False)
        try:
            return not self._socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        finally:
            self._socket.setblocking(True)

    def _read(self) -> HttpRequest | None:
        """The next request; None when the client is done or is not speaking HTTP."""
        head = self._until(b"\r\n\r\n")
        first, *lines = (head or b"").decode("latin-1").split("\r\n")
        words = first.split(" ")
        if len(words) != 3:
            return None
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if headers.get("expect", "").lower() == "100-continue":
            self._socket.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = self._body(headers)
        return None if body is None else HttpRequest(words[0], words[1], headers, body)

    def _body(self, headers: dict[str, str]) -> bytes | None:
        if "chunked" in headers.get("transfer-encoding", "").lower():
            return self._chunked()
        length = headers.get("content-length", "0")
        return self._exactly(int(length)) if length.isdecimal() else None

    def _chunked(self) -> bytes | None:
        """A chunked body without its framing; trailers are read and dropped."""
        body = bytearray()
        while (line := self._until(b"\r\n")) is not None:
            size = int(line.split(b";")[0], 16)
            if size == 0:
                return bytes(body) if self._trailers() else None
            chunk = self._exactly(size + 2)
            if chunk is None:
                return None
            body += chunk[:-2]
        return None

    def _trailers(self) -> bool:
        while line := self._until(b"\r\n"):
            del line
        return line is not None

    def _until(self, mark: bytes) -> bytes | None:
        """The bytes before `mark`, which is dropped; None when the client closes first or says too much."""
        while (at := self._buffer.find(mark)) < 0:
            if len(self._buffer) > _MAX_HEAD or not self._receive():
                return None
        found = bytes(self._buffer[:at])
        del self._buffer[: at + len(mark)]
        return found

    def _exactly(self, count: int) -> bytes | None:
        while len(self._buffer) < count:
            if not self._receive():
                return None
        found = bytes(self._buffer[:count])
        del self._buffer[:count]
        return found

    def _receive(self) -> bool:
        data = self._socket.recv(_RECEIVE)
        self._buffer += data
        return bool(data)
