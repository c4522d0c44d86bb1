"""A server that begins to answer and stops, and knows when its client has let go of the connection."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from spaturzu_translators.codec import codec
from spaturzu_translators.events import is_content
from spaturzu_translators.messages import Provider
from tests.router.stage import body_of, frames_of

Until: TypeAlias = Literal["request", "head", "text", "half", "drip"]
"""Where it stops: before the answer, after its head, after a stream's text, in its middle; or it never stops, and never
ends.
"""


@dataclass
class Holding:
    """One provider's server. `left` is released for each connection that a client closes.

    `asked` is released for each request, when all that it is ever told has been sent, which is nothing while
    `may_answer` is not set.
    """

    provider: Provider
    until: Until
    stream: bool
    door: socket.socket
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    may_answer: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.may_answer.set()

    @property
    def url(self) -> str:
        """Its address, with the path that the SDK expects at the base."""
        base = f"http://127.0.0.1:{self.door.getsockname()[1]}"
        return f"{base}/v1" if self.provider == "openai" else base

    def serve(self) -> None:
        """Every connection in a thread of its own, until the door closes."""
        while True:
            try:
                client = self.door.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._hold, args=(client,), daemon=True).start()

    def _hold(self, client: socket.socket) -> None:
        with client:
            while b"\r\n\r\n" not in client.recv(1 << 20):
                pass
            self.may_answer.wait()
            if self.until == "drip":
                self.asked.release()
            try:
                for part in self._answer():
                    client.sendall(part)
                self.asked.release()
                while client.recv(1 << 20):
                    pass  # the rest of the request
            except OSError:
                pass
            self.left.release()

    def _answer(self) -> Iterator[bytes]:
        if self.until == "request":
            return
        kind = codec(self.provider).stream_content_type if self.stream else "application/json"
        yield f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
        if self.until == "half":
            yield _chunk(self._half())
        if self.until == "text":
            yield _chunk(self._text())
        while self.until == "drip":
            yield _chunk(b": still here\n\n" if self.stream else b" ")
            time.sleep(0.02)

    def _half(self) -> bytes:
        known = codec(self.provider)
        if not self.stream:
            whole = json.dumps(body_of(self.provider)).encode()
            return whole[: len(whole) // 2]
        return b"".join(known.frame(frame) for frame in frames_of(self.provider)[:3])

    def _text(self) -> bytes:
        """Up to the first event with text."""
        known = codec(self.provider)
        told, decoder = list[bytes](), known.stream_decoder("")
        for frame in frames_of(self.provider):
            told.append(known.frame(frame))
            if any(map(is_content, decoder.feed(frame))):
                break
        return b"".join(told)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@contextmanager
def holding(provider: Provider, until: Until, *, stream: bool) -> Iterator[Holding]:
    """It serves within the block."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        held = Holding(provider, until, stream, door)
        threading.Thread(target=held.serve, daemon=True).start()
        try:
            yield held
        finally:
            door.shutdown(socket.SHUT_RDWR)
