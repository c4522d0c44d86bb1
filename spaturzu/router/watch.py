"""One attempt, or the rest of one stream, under its limits. A limit is worked out when it might have been reached.

Until then it costs nothing to know: most answers come long before it matters whether the model thinks, or whether
anybody is left who could carry the request.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from math import inf
from types import FrameType, TracebackType
from typing import Any, Literal

from .limits import PINGS, LimitName
from .watchdog import AGAIN_S, WATCHDOG, cut

Limit = tuple[float, LimitName]
"""Seconds from the start, and which limit they are."""


class Watch:
    """`with watch:` around one attempt, its request and its answer until the first content.

    `exact()` says which limit ends it and after how many seconds; it is asked once `soonest_s` have passed. `fired` is
    the limit that did. Without `on_loop` the thread's socket is shut down; with it the scope of a task is cancelled.
    """

    __slots__ = ("_exact", "_frame", "_scope", "_soonest_s", "_started", "_thread", "due", "fired", "seconds")

    def __init__(self, soonest_s: float, exact: Callable[[], Limit]) -> None:
        self._soonest_s, self._exact = soonest_s, exact
        self.fired: LimitName | None = None
        self.seconds = 0.0
        """How long the limit that fired was."""
        self._frame: FrameType | None = None
        self._scope: Callable[[], None] | None = None

    def on_loop(self, cancel: Callable[[], None]) -> Watch:
        """For a task of the running event loop: `cancel`, on it, instead of a shut socket."""
        self._scope = _on_this_loop(cancel)
        return self

    def __enter__(self) -> Watch:
        self._started = time.monotonic()
        self.due = self._started + self._soonest_s
        if self._scope is None:
            self._thread, self._frame = threading.get_ident(), sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        WATCHDOG.watch(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        WATCHDOG.leave(self)
        self._frame = self._scope = None
        return False

    def ring(self, now: float) -> float | None:
        """See `Watched`."""
        if self.fired is None:
            seconds, name = self._exact()
            if now < self._started + seconds:
                return None if seconds == inf else self._started + seconds
            self.fired, self.seconds = name, seconds
        if self._scope is not None:
            self._scope()
            return None
        return None if cut(self._thread, self._frame) else now + AGAIN_S


class StreamWatch:
    """The rest of a stream after its first content: it may not be silent for longer than `idle_s()`, nor last too long.

    Its reader says `waits()` before it asks the source for more, and `got(content)` after: only the time that was spent
    waiting for the provider counts. `idle_s` is worked out when `idle_least_s` have passed. `ends_in`: the limit on the
    whole, from now. `fired` and `seconds` as for `Watch`.
    """

    __slots__ = (
        "_at_end",
        "_ends",
        "_frame",
        "_idle_least_s",
        "_idle_s",
        "_quiet_from",
        "_task",
        "_thread",
        "_waiting_from",
        "due",
        "fired",
        "seconds",
    )

    def __init__(self, idle_least_s: float, idle_s: Callable[[], float], *, ends_in: Limit) -> None:
        self._idle_least_s, self._idle_s = idle_least_s, idle_s
        self._at_end, self._ends = ends_in, time.monotonic() + ends_in[0]
        self._waiting_from = self._quiet_from = 0.0
        self._thread = 0
        self._frame: FrameType | None = None
        self._task: asyncio.Task[Any] | None = None
        self.due = min(self._ends, time.monotonic() + idle_least_s)
        self.fired: LimitName | None = None
        self.seconds = 0.0

    def open(self) -> None:
        """The reader begins. To be called by the generator that reads, in its thread or its task."""
        self._task = _current_task()
        self._frame = None if self._task is not None else sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        WATCHDOG.watch(self)

    def close(self) -> None:
        """The reader is done."""
        WATCHDOG.leave(self)
        self._frame = self._task = None

    def waits(self) -> None:
        """The reader asks for more."""
        now = self._waiting_from = time.monotonic()
        self._thread = threading.get_ident()
        if not self._quiet_from:
            self._quiet_from = now

    def got(self, *, content: bool) -> None:
        """Something came; `content`: more than a sign of life."""
        self._waiting_from = 0.0
        if content:
            self._quiet_from = 0.0

    def ring(self, now: float) -> float | None:
        """See `Watched`."""
        waiting_from = self._waiting_from
        if self.fired is None:
            due = self._due(now, waiting_from)
            if now < due:
                return due
            (self.seconds, self.fired) = self._at_end if now >= self._ends else (self._idle_s(), "idle_timeout")
        if not waiting_from:
            return now + AGAIN_S  # whoever holds the stream does something else: the next wait is ended
        if self._task is not None:
            _on_loop_of(self._task, self._cancel)
            return None
        return None if cut(self._thread, self._frame) else now + AGAIN_S

    def _due(self, now: float, waiting_from: float) -> float:
        if not waiting_from:
            return min(self._ends, now + self._idle_least_s)
        idle_s, quiet_from = self._idle_s(), self._quiet_from
        return min(self._ends, waiting_from + idle_s, quiet_from + PINGS * idle_s if quiet_from else inf)

    def _cancel(self) -> None:
        """On the loop: end the reader's wait, if it still waits."""
        if self._task is not None and self._waiting_from:
            self._task.cancel()

    def was_mine(self) -> bool:
        """Is the CancelledError that the reading task got this watch's, and nobody else's? Takes it back if so."""
        if self.fired is None or self._task is None:
            return False
        return self._task.uncancel() == 0


def _current_task() -> asyncio.Task[Any] | None:
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


def _on_loop_of(task: asyncio.Task[Any], work: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # a closed loop has no readers
        task.get_loop().call_soon_threadsafe(work)


def _on_this_loop(work: Callable[[], None]) -> Callable[[], None]:
    """`work`, to be called from any thread, done on the event loop that runs here."""
    loop = asyncio.get_running_loop()

    def soon() -> None:
        with suppress(RuntimeError):  # a closed loop has nothing left to cancel
            loop.call_soon_threadsafe(work)

    return soon


def is_asyncio() -> bool:
    """Does an event loop of asyncio run here? On another, only the transport's own timeouts end a wait."""
    return asyncio._get_running_loop() is not None  # pyright: ignore[reportPrivateUsage] - documented, and does not raise
