"""Waiting for what happens instead of for so many seconds: no test depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import fcntl
import signal
import socket
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PATIENCE_S = 30.0
"""So long is waited for what happens within milliseconds; whoever waits to the end of it has failed."""
_LOOK_S = 0.005


def soon(holds: Callable[[], object]) -> bool:
    """Does it hold before patience ends? Waits until it does."""
    until = time.monotonic() + PATIENCE_S
    while not (held := holds()) and time.monotonic() < until:
        time.sleep(_LOOK_S)
    return bool(held)


async def asoon(holds: Callable[[], object]) -> bool:
    """The same, while the event loop goes on."""
    return await asyncio.to_thread(soon, holds)


def waits_for_more(thread: threading.Thread) -> bool:
    """Does it stand at a socket, and has it read all that came?"""
    frame, within = sys._current_frames().get(thread.ident or 0), 0
    while frame is not None and within < 3:
        for holder in (frame.f_locals.get("self"), frame.f_locals.get("sock")):
            for candidate in (holder, getattr(holder, "_sock", None)):
                if isinstance(candidate, socket.socket) and candidate.fileno() >= 0:
                    return not _unread(candidate)
        frame, within = frame.f_back, within + 1
    return False


def _unread(connection: socket.socket) -> int:
    """How many bytes lie in it."""
    count = fcntl.ioctl(connection.fileno(), termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(count, sys.byteorder)


@contextmanager
def interrupted_when(holds: Callable[[], object]) -> Iterator[None]:
    """Ctrl-C for the main thread, once this holds."""
    assert threading.current_thread() is threading.main_thread()
    held: list[bool] = []

    def interrupt() -> None:
        held.append(soon(holds))
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        yield
    finally:
        thread.join()
        signal.signal(signal.SIGINT, before)
    assert held == [True]
