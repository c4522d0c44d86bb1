"""Where calls stand that have outlasted their deadline: looked at while they last, told when they are over."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import spaturzu

LOOK_S = 0.1
"""So often the calls are looked at."""
DEEP = 14
"""The innermost frames of a call that are told."""


@dataclass(eq=False, kw_only=True)
class Underway:
    """One call. `task` is None in a thread. `stood`: seconds since its start, and the frames it stood in."""

    started: float
    thread: int
    task: asyncio.Task[Any] | None = None
    record: Any = None
    stood: list[tuple[float, str]] = field(default_factory=list[tuple[float, str]])

    def told(self) -> str:
        """Its hops with their times, and where it stood."""
        lines = list[str]()
        for hop in self.record.hops if self.record else ():
            lines.append(f"    at {hop.started - self.started:.2f} s: {hop}")
        lines += [f"    stood at {seconds:.2f} s: {frames}" for seconds, frames in self.stood]
        return "\n".join(lines)


class Overruns:
    """Looks at all calls that are `underway` from a thread of its own, while it is `looking`."""

    def __init__(self, after_s: float) -> None:
        self._after_s = after_s
        self._underway = set[Underway]()
        self._lock = threading.Lock()
        self.longest_pause_s = 0.0
        """How long this thread waited for its turn at most: how busy the machine was."""

    @contextmanager
    def underway(self) -> Iterator[Underway]:
        """One call, from its start to its end."""
        task = asyncio.current_task() if asyncio._get_running_loop() else None  # type: ignore[attr-defined]
        call = Underway(started=time.monotonic(), thread=threading.get_ident(), task=task)
        with self._lock:
            self._underway.add(call)
        try:
            yield call
        finally:
            call.record = spaturzu.last_call()
            with self._lock:
                self._underway.discard(call)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Within the block."""
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(over,), name="overruns", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self, over: threading.Event) -> None:
        was = time.monotonic()
        while not over.wait(LOOK_S):
            now = time.monotonic()
            self.longest_pause_s, was = max(self.longest_pause_s, now - was - LOOK_S), now
            with self._lock:
                late = [call for call in self._underway if now - call.started > self._after_s]
            frames = _frames() if late else {}
            for call in late:
                stands = _task_stack(call.task) if call.task else _stack(frames.get(call.thread))
                if not call.stood or call.stood[-1][1] != stands:
                    call.stood.append((now - call.started, stands))


def _frames() -> dict[int, FrameType]:
    """Where all threads stand; without a collection meanwhile, which would stop CPython 3.11 (gh-106883)."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return sys._current_frames()
    finally:
        if collects:
            gc.enable()


def _stack(frame: FrameType | None) -> str:
    found = list[str]()
    while frame is not None and len(found) < DEEP:
        found.append(_place(frame))
        frame = frame.f_back
    return " < ".join(found)


def _task_stack(task: asyncio.Task[Any]) -> str:
    """The innermost of the coroutines that await each other."""
    found, waiting = list[str](), task.get_coro()
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        found.append(_place(frame) if frame else type(waiting).__name__)
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)
    return " < ".join(reversed(found[-DEEP:]))


def _place(frame: FrameType) -> str:
    name = "/".join(frame.f_code.co_filename.split("/")[-2:])
    return f"{name}:{frame.f_lineno} {frame.f_code.co_name}"
