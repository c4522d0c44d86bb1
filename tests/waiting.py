"""Waiting for what happens instead of for so many seconds: no test depends on how fast the machine is."""

from __future__ import annotations

import asyncio
import signal
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
