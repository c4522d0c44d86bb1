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
from math import inf
from types import FrameType
from typing import Protocol

AGAIN_S = 0.1
"""After so long a thread that stood nowhere near a socket is looked for again."""
IDLE_S = 30.0
"""The thread ends after so long without anything to watch."""


CAN_CUT = hasattr(sys, "_current_frames")
"""Can it be seen where a thread stands?"""


class Watched(Protocol):
    """Something with a limit. `due` is on the monotonic clock; `ring` is called once it has passed."""

    due: float

    def ring(self, now: float) -> float | None:
        """Act. Gives when to ring again; None: never."""
        ...


class Watchdog:
    """Rings whatever is due.

    Callers come and leave without a lock, each of them one step that no other thread interrupts: a lock that every
    call takes twice is a queue on a busy machine, where whoever holds it waits for its turn. With 64 threads calls
    stood in it for seconds.
    """

    def __init__(self) -> None:
        self.errors = 0
        """How often ringing raised."""
        self._watched: set[Watched] = set()
        self._rung: Watched | None = None
        self._ringing = threading.RLock()  # held while one is rung, and no longer
        self._begin()

    def _begin(self) -> None:
        self._starting = threading.RLock()
        self._wake = threading.Event()
        self._next = inf
        self._thread: threading.Thread | None = None

    @property
    def watched(self) -> int:
        """How many there are."""
        return len(self._watched)

    def watch(self, watched: Watched) -> None:
        """Ring it when it is due."""
        self._watched.add(watched)
        if self._thread is None:
            self._start()
        elif watched.due < self._next:
            self._wake.set()

    def hurry(self, watched: Watched) -> None:
        """It is due now, if it is still there."""
        with self._ringing:
            watched.due = time.monotonic()
        self._wake.set()

    def leave(self, watched: Watched) -> None:
        """Ring it no more. When this returns, it is not being rung."""
        self._watched.discard(watched)
        if self._rung is watched:
            with self._ringing:
                pass

    def _start(self) -> None:
        with self._starting:
            if self._thread is not None:
                return
            self._thread = threading.Thread(target=self._run, name="spaturzu-watchdog", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # no more threads, or the interpreter ends: the transport's own timeouts hold
                self._thread = None
                self.errors += 1

    def _run(self) -> None:
        idle_since: float | None = None
        while True:
            self._wake.clear()
            self._next = inf  # whoever comes from here on wakes
            now = time.monotonic()
            self._ring_all(now)
            watched = self._watched.copy()  # at once; `tuple` would not, and a stream may be collected meanwhile
            idle_since = None if watched else idle_since or now
            if idle_since is not None and now - idle_since >= IDLE_S and self._ended():
                return
            self._next = min((each.due for each in watched), default=now + IDLE_S)
            self._wake.wait(max(0.0, self._next - time.monotonic()))

    def _ended(self) -> bool:
        """Nobody has come meanwhile, and who comes from now on starts another thread."""
        with self._starting:
            mine, self._thread = self._thread, None
            if self._watched:
                self._thread = mine
            return self._thread is None

    def _ring_all(self, now: float) -> None:
        for watched in self._watched.copy():
            if watched.due <= now:
                with self._ringing:
                    self._rung = watched  # before looking whether it has left, as it looks here after leaving
                    if watched in self._watched:
                        self._ring(watched, now)
                    self._rung = None

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
        self._watched = set()
        self._rung, self._ringing = None, threading.RLock()
        self._begin()


WATCHDOG = Watchdog()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WATCHDOG.after_fork)


def cut(thread: int, within: FrameType | None) -> bool:
    """Shut down the socket at which `thread` stands, somewhere above the frame `within`.

    False: it does not stand above that frame any more, and never will again. Where it stands at no socket yet, or goes
    on to another, such as a host's next address, it is to be cut again.
    """
    frame = _frame_of(thread)
    found: socket.socket | None = None
    while frame is not None and frame is not within:
        found = found or _socket_at(frame)
        frame = frame.f_back
    if found is not None and frame is not None:
        with suppress(OSError):  # not SSLSocket's own, which would take its TLS state away as well
            socket.socket.shutdown(found, socket.SHUT_RDWR)
    return frame is not None


_CONNECTING = frozenset({"create_connection", "do_handshake"})
"""The functions of `socket`, `ssl` and urllib3 in which a connection is made, by whatever HTTP library."""


def connects(thread: int, within: FrameType | None) -> bool:
    """Does `thread` make a connection, somewhere above the frame `within`?"""
    frame, found = _frame_of(thread), False
    while frame is not None and frame is not within:
        found = found or frame.f_code.co_name in _CONNECTING
        frame = frame.f_back
    return found and frame is not None


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
