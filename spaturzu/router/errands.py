"""Work in a thread for a task that may be cancelled meanwhile: then the thread's connection is let go of too."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from types import FrameType
from typing import Any

from .watchdog import AGAIN_S, WATCHDOG, connects, cut


class Left(BaseException):
    """Whoever asked for this work is gone: it ends here, and nobody hears of it."""


class Errand:
    """One piece of work. Once it is `left`, its thread is cut off from its socket until it ends.

    `dispose` gets a result that nobody waits for any more: None where it is left before the work began.
    """

    def __init__(self, work: Callable[[], Any], dispose: Callable[[Any], object]) -> None:
        self._work, self._dispose = work, dispose
        self._thread = 0
        self._frame: FrameType | None = None
        self._result: Any = None
        self._cutting = threading.RLock()
        self._has_left = threading.Event()
        self.wake: Callable[[], object] | None = None
        """How to wake its thread where it waits for no socket; called when it is left."""
        self.due = 0.0

    def run(self) -> Any:
        """In the thread, with a context of its own."""
        with self._cutting:
            self.check()
            self._thread, self._frame = threading.get_ident(), sys._getframe()  # pyright: ignore[reportPrivateUsage]
        ERRAND.set(self)
        result = None
        try:
            result = self._work()
        finally:
            with self._cutting:
                self._frame, self._result = None, result
        if self._has_left.is_set():
            self._let_go()
        return result

    def _let_go(self) -> None:
        """Of the result, whichever thread comes to it."""
        with self._cutting:
            result, self._result = self._result, None
        self._dispose(result)

    def leave(self) -> None:
        """Nobody waits for it any more. Its socket is shut here and now: who closes it next would not wake a reader."""
        self._has_left.set()
        if (wake := self.wake) is not None:
            wake()
        again = self.ring(time.monotonic())
        if again is None:
            self._let_go()
        else:
            self.due = again
            WATCHDOG.watch(self)

    def ring(self, now: float) -> float | None:
        """See `Watched`. SDKs may connect again, so it is not done before the work is."""
        with self._cutting:
            if self._frame is None:
                return None
            cut(self._thread, self._frame)
            return now + AGAIN_S

    def connects(self) -> bool:
        """Does its thread make a connection?"""
        return self._frame is not None and connects(self._thread, self._frame)

    @property
    def has_left(self) -> bool:
        """Does nobody wait for it any more?"""
        return self._has_left.is_set()

    def check(self) -> None:
        """Raises Left where nobody waits."""
        if self._has_left.is_set():
            raise Left

    def sleep(self, seconds: float) -> None:
        """`time.sleep`, but for the waiting: raises Left when it is left."""
        if self._has_left.wait(seconds):
            raise Left


ERRAND: ContextVar[Errand | None] = ContextVar("spaturzu_errand", default=None)
"""The errand that this thread is on."""


def check_errand() -> None:
    """Raises Left where nobody waits for what this thread does."""
    errand = ERRAND.get()
    if errand is not None:
        errand.check()


def nothing(_: Any) -> None:
    """A result that holds no connection."""


async def in_thread(work: Callable[[], Any], dispose: Callable[[Any], object] = nothing) -> Any:
    """`work()` off the event loop. Cancelling the caller does not wait for it: the work is cut off, and ends."""
    from anyio import to_thread

    errand = Errand(work, dispose)
    try:
        return await to_thread.run_sync(errand.run, abandon_on_cancel=True)
    except BaseException:
        errand.leave()
        raise
