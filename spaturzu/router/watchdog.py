"""One thread, started when first needed, that ends whatever has outlasted its limit: no thread for each call.

A blocking read cannot be interrupted from outside, but its socket can be shut down: then it fails at once. The socket
is found where the blocked thread stands, whatever SDK and HTTP library brought it there. Where none is found (gevent,
another Python than CPython), the transport's own timeouts end the read.
"""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Protocol

AGAIN_S = 0.1
"""After so long a thread that stood nowhere near a socket is looked for again."""
IDLE_S = 30.0
"""The thread ends after so long without anything to watch."""


CAN_CUT = hasattr(sys, "_current_frames")
"""Can it be seen where a thread stands?"""


class Watched(Protocol):
    """Something with a limit. `due` is on the monotonic clock; `ring` is called once it has passed, under the lock."""

    due: float

    def ring(self, now: float) -> float | None:
        """Act. Gives when to ring again; None: never."""
        ...


class Watchdog:
    """Rings whatever is due. `lock` is held while it rings: who holds it knows that nobody is being rung."""

    def __init__(self) -> None:
        self.lock = threading.RLock()  # a stream that is collected while it is held leaves, too
        self.errors = 0
        """How often ringing raised."""
        self._watched: set[Watched] = set()
        self._wake = threading.Event()
        self._next = 0.0
        self._thread: threading.Thread | None = None

    @property
    def watched(self) -> int:
        """How many there are."""
        return len(self._watched)

    def watch(self, watched: Watched) -> None:
        """Ring it when it is due."""
        with self.lock:
            self._watched.add(watched)
            if self._thread is None or not self._thread.is_alive():
                self._start(watched.due)
            elif watched.due < self._next:
                self._next = watched.due
                self._wake.set()

    def leave(self, watched: Watched) -> None:
        """Ring it no more. When this returns, it is not being rung."""
        with self.lock:
            self._watched.discard(watched)

    def _start(self, due: float) -> None:
        self._wake = threading.Event()
        self._next = due
        self._thread = threading.Thread(target=self._run, name="spaturzu-watchdog", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        idle_since: float | None = None
        while True:
            self._wake.wait(max(0.0, self._next - time.monotonic()))
            self._wake.clear()
            with self.lock:
                now = time.monotonic()
                for watched in tuple(self._watched):
                    if watched.due <= now and watched in self._watched:
                        self._ring(watched, now)
                self._next = min((watched.due for watched in tuple(self._watched)), default=now + IDLE_S)
                if self._watched:
                    idle_since = None
                elif idle_since is None:
                    idle_since = now
                elif now - idle_since >= IDLE_S:
                    self._thread = None
                    return

    def _ring(self, watched: Watched, now: float) -> None:
        try:
            again = watched.ring(now)
        except Exception:  # noqa: BLE001 - the others are still to be watched; counted
            self.errors += 1
            again = None
        if again is None:
            self._watched.discard(watched)
        else:
            watched.due = again

    def after_fork(self) -> None:
        """In the child: the thread is gone, and what it watched is the parent's."""
        self.lock = threading.RLock()
        self._watched = set()
        self._thread = None


WATCHDOG = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WATCHDOG.after_fork)


def cut(thread: int, within: FrameType | None) -> bool:
    """Shut down the socket at which `thread` stands, somewhere above the frame `within`. False: it stands at none."""
    frame = _frame_of(thread)
    found: socket.socket | None = None
    while frame is not None and frame is not within:
        found = found or _socket_at(frame)
        frame = frame.f_back
    if frame is None or found is None:
        return False
    with suppress(OSError):
        socket.socket.shutdown(found, socket.SHUT_RDWR)  # not SSLSocket's, which would take its TLS state away as well
    return True


def _frame_of(thread: int) -> FrameType | None:
    if not CAN_CUT:
        return None
    collects = gc.isenabled()
    gc.disable()  # CPython 3.11 holds a lock in there that a collection waits for (gh-106883)
    try:
        return sys._current_frames().get(thread)  # pyright: ignore[reportPrivateUsage]
    finally:
        if collects:
            gc.enable()


def _socket_at(frame: FrameType) -> socket.socket | None:
    names = frame.f_locals
    for holder in (names.get("self"), names.get("sock")):
        for candidate in (holder, getattr(holder, "_sock", None)):
            if isinstance(candidate, socket.socket):
                return candidate
    return None
