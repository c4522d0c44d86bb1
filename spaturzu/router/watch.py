"""One attempt, or the rest of one stream, under its limits. A limit is worked out when it might have been reached.

Until then it costs nothing to know: most answers come long before it matters whether the model thinks, or whether
anybody is left who could carry the request.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from math import inf
from types import FrameType, TracebackType
from typing import Any, Literal

from .errands import Errand, check_errand
from .limits import PINGS, LimitName
from .watchdog import AGAIN_S, WATCHDOG, connects, cut

END: Any = object()
KEEP_ALIVES = (b":", b"event: ping", b"event:ping")
"""How an event without content begins: a comment of SSE, and Anthropic's ping (providers.md 2.7, 2026-11-22). Most
events begin with `data`.
"""

Limit = tuple[float, LimitName]
"""Seconds from the start, and which limit they are."""


class Watch:
    """`with watch:` around one attempt, its request and its answer until the first content.

    `exact(self)` says which limit ends it and after how many seconds; it is asked once `soonest_s` have passed. `fired`
    is the limit that did: the thread's socket is shut down, also where it still connects after `connect_s`.
    `with watch.on_loop(work):` cancels the running task instead.
    """

    __slots__ = (
        "_connect_s",
        "_exact",
        "_first_look_s",
        "_frame",
        "_has_connected",
        "_started",
        "_thread",
        "context",
        "due",
        "fired",
        "primary",
        "seconds",
        "soonest_s",
        "task",
    )

    def __init__(self, soonest_s: float, exact: Callable[[Watch], Limit], connect_s: float = inf) -> None:
        self.soonest_s, self._exact, self._connect_s = soonest_s, exact, connect_s
        self._first_look_s = connect_s if connect_s < soonest_s else soonest_s
        """When it is looked at first: at who still connects, or at what has come."""
        self.fired: LimitName | None = None
        self._has_connected = False
        """Did it make no connection when it was last looked at?"""
        self.seconds = 0.0
        """How long the limit that fired was."""
        self._frame: FrameType | None = None
        self.task: _Task | None = None
        self.primary: Any = None
        """The door's own sending, for whoever is asked beside the place that is watched."""

    def on_loop(self, work: Any) -> _Task:
        """For the task that runs now and awaits `work`: what it is in for as long, and leaves where a limit ends it."""
        self.task = _Task(self, work)
        return self.task

    def __enter__(self) -> Watch:
        self._thread, self._frame = threading.get_ident(), sys._getframe(1)  # pyright: ignore[reportPrivateUsage]
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        WATCHDOG.leave(self)
        self._frame = None
        return False

    def begin(self) -> None:
        """From now on it is watched. A task's watch holds no frame: that would hold the watch."""
        self.context = copy_context()
        self._started = time.monotonic()
        self.due = self._started + self._first_look_s
        WATCHDOG.watch(self)

    def ring(self, now: float) -> float | None:
        """See `Watched`."""
        if self.fired is None:
            seconds, name = self._ended(now)
            if self.fired is None:  # else its loop, or who won, was quicker and has said which limit it is
                if now < self._started + seconds:
                    return None if seconds == inf else self._started + seconds
                self.fired, self.seconds = name, seconds
        if self.task is not None:
            _on_loop_of(self.task.running, self.task.cancel)
            return now + AGAIN_S  # until it has left: a library may be cancelling it for itself just now
        return now + AGAIN_S if cut(self._thread, self._frame) else None  # likewise: it may connect again

    def lose(self) -> None:
        """Somebody else has answered: end it now."""
        if self.fired is None:
            self.fired, self.seconds = "answer_timeout", time.monotonic() - self._started
        WATCHDOG.hurry(self)

    def on_its_loop(self, work: Callable[[], None]) -> None:
        """Do `work` where its task runs, if it is still awaited then."""
        if (task := self.task) is not None:
            _on_loop_of(task.running, lambda: None if self.task is None else work())

    def _ended(self, now: float) -> Limit:
        """Which limit ends it, as far as that matters now."""
        if now >= self._started + self.soonest_s:
            return self._exact(self)
        if self.task is not None:
            _on_loop_of(self.task.running, partial(self.task.connects_no_longer, self._connect_s))
        elif self.still_connects(connects(self._thread, self._frame)):
            return self._connect_s, "connect_timeout"
        return min(self.soonest_s, now - self._started + self._connect_s), "first_token_timeout"

    def still_connects(self, now: bool) -> bool:
        """Does it, and did it when it was looked at before, or when it began? Some begin to connect late."""
        before, self._has_connected = self._has_connected, not now
        return now and not before


class _Task:
    """A task that waits for an attempt. Its cancellation by us ends here; anybody else's goes on."""

    __slots__ = ("_cancelled", "_left", "_watch", "_work", "running")

    def __init__(self, watch: Watch, work: Any) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whoever asks awaits the attempt
        self.running, self._watch, self._work = task, watch, work
        self._cancelled = self._left = False

    def __enter__(self) -> None:
        self._watch.begin()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        WATCHDOG.leave(self._watch)
        self._left, self._watch.task = True, None
        if not self._cancelled:
            return False
        return self.running.uncancel() == 0 and isinstance(error, asyncio.CancelledError)

    def connects_no_longer(self, seconds: float) -> None:
        """On the loop: end the wait where the task still makes a connection."""
        if not self._left and self._watch.fired is None and self._watch.still_connects(is_connecting(self._work)):
            self._watch.fired, self._watch.seconds = "connect_timeout", seconds
            self.cancel()

    def cancel(self) -> None:
        """On the loop: end the wait, if it still lasts."""
        if not self._left and self.running.cancelling() == 0:
            self._cancelled = True
            self.running.cancel()


class Late(TimeoutError):
    """A stream ran into a limit after its first content."""

    def __init__(self, limit: LimitName, seconds: float) -> None:
        super().__init__(f"{limit} of {seconds:g} s")
        self.limit: LimitName = limit


class StreamWatch:
    """The rest of a stream after its first content: it may not be silent for longer than `idle_s()`, nor last too long.

    Only the time counts that its reader spends waiting for the provider. `idle_s` is worked out when `idle_least_s`
    have passed. `ends_in`: the limit on the whole, from now. Nothing of the stream is held while its reader does not
    wait, so that a stream which nobody closes can be collected.
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
    )

    def __init__(self, idle_least_s: float, idle_s: Callable[[], float], *, ends_in: Limit) -> None:
        now = time.monotonic()
        self._idle_least_s, self._idle_s = idle_least_s, idle_s
        self._at_end, self._ends = ends_in, now + ends_in[0]
        self._waiting_from = self._quiet_from = 0.0
        self._thread = 0
        self._frame: FrameType | None = None
        self._task: asyncio.Task[Any] | None = None
        self.due = min(self._ends, now + idle_least_s)
        self.fired: Late | None = None

    def reading(self, source: Iterator[Any], late: Callable[[float], Exception] | None) -> Iterator[Any]:
        """What `source` has. Raises Late, or what `late` makes of the seconds with Late as its cause.

        All that is done for each of a stream's many pieces is done here: each call would cost each of them.
        """
        WATCHDOG.watch(self)
        now_s, thread = time.monotonic, threading.get_ident
        frame, pinged = sys._getframe(), False  # pyright: ignore[reportPrivateUsage]
        try:
            while True:
                self._thread, self._frame = thread(), frame
                self._waiting_from = now = now_s()
                if not pinged:
                    self._quiet_from = now
                try:
                    item = next(source, END)
                except Exception as exc:
                    check_errand()
                    self._raise(late, exc)
                    raise
                finally:
                    self._waiting_from, self._frame = 0.0, None
                if self.fired is not None:
                    self._raise(late, None)
                if item is END:
                    return
                pinged = item.__class__ is bytes and not b"d" <= item < b"e" and item.startswith(KEEP_ALIVES)
                yield item
        finally:
            del frame  # it holds this very generator
            self.close()

    async def areading(
        self, source: AsyncIterator[Any], late: Callable[[float], Exception] | None
    ) -> AsyncIterator[Any]:
        """The same for an async source, on asyncio."""
        WATCHDOG.watch(self)
        ask, now_s, current = source.__anext__, time.monotonic, asyncio.current_task
        loop, pinged = asyncio.get_running_loop(), False
        try:
            while True:
                self._task = task = current(loop)
                self._waiting_from = now = now_s()
                if not pinged:
                    self._quiet_from = now
                try:
                    item = await ask()
                except StopAsyncIteration:
                    return
                except asyncio.CancelledError:
                    if self.fired is not None and task is not None and task.uncancel() == 0:
                        self._raise(late, None)
                    raise
                except Exception as exc:
                    self._raise(late, exc)
                    raise
                finally:
                    self._waiting_from, self._task = 0.0, None
                if self.fired is not None:
                    self._raise(late, None)
                pinged = item.__class__ is bytes and not b"d" <= item < b"e" and item.startswith(KEEP_ALIVES)
                yield item
        finally:
            self.close()

    def closing(self, close: Callable[[], Any]) -> Callable[[], Any]:
        """`close`, which also ends the watch."""

        def closed() -> Any:
            self.close()
            return close()

        return closed

    def close(self) -> None:
        """The stream is over."""
        WATCHDOG.leave(self)
        self._waiting_from, self._frame, self._task = 0.0, None, None

    def _raise(self, late: Callable[[float], Exception] | None, cause: Exception | None) -> None:
        if self.fired is None:
            return
        if late is None:
            raise self.fired from cause
        raise late(self._at_end[0] if self.fired.limit == self._at_end[1] else self._idle_s()) from self.fired

    def ring(self, now: float) -> float | None:
        """See `Watched`."""
        waiting_from = self._waiting_from
        if self.fired is None:
            due = self._due(now, waiting_from)
            if now < due:
                return due
            self.fired = self._late(now)
        if self._task is not None:
            _on_loop_of(self._task, self._cancel)
        elif waiting_from:
            cut(self._thread, self._frame)
        return now + AGAIN_S  # until the reader has noticed

    def _late(self, now: float) -> Late:
        seconds, name = self._at_end if now >= self._ends else (self._idle_s(), "idle_timeout")
        return Late(name, seconds)

    def _due(self, now: float, waiting_from: float) -> float:
        if not waiting_from:
            return min(self._ends, now + self._idle_least_s)
        idle_s, quiet_from = self._idle_s(), self._quiet_from
        return min(self._ends, waiting_from + idle_s, quiet_from + PINGS * idle_s)

    def _cancel(self) -> None:
        """On the loop: end the reader's wait, if it still waits."""
        if self._task is not None and self._task.cancelling() == 0:
            self._task.cancel()


_CONNECTING = frozenset({"connect_tcp", "start_tls", "create_connection"})
"""The coroutines of anyio, httpcore, trio and asyncio in which a connection is made, by whatever HTTP library."""


def is_connecting(work: Any) -> bool:
    """Does the coroutine `work` make a connection, or the thread that it waits for? To be asked on its loop."""
    at = work
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "ag_frame", None)
        if frame is not None and frame.f_code.co_name in _CONNECTING:
            return True
        if frame is not None and isinstance(errand := frame.f_locals.get("errand"), Errand):
            return errand.connects()
        at = getattr(at, "cr_await", None) or getattr(at, "ag_await", None)
    return False


def _on_loop_of(task: asyncio.Task[Any], work: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # a closed loop has no readers
        task.get_loop().call_soon_threadsafe(work)


def is_asyncio() -> bool:
    """Does an event loop of asyncio run here? On another, only the transport's own timeouts end a wait."""
    return asyncio._get_running_loop() is not None  # pyright: ignore[reportPrivateUsage] - documented, and does not raise
