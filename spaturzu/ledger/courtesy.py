"""Background work lets callers have the interpreter: CPython takes it from a thread only every 5 ms.

To let go of it for an instant, as each system call does, is not enough: who waits is asleep, and finds it taken again
when it has woken up. So the thread sleeps.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

WORK_S = 0.0005
"""How long a thread works at a stretch."""
NAP_S = 1e-6
"""The system makes at least some 50 us of it."""


class Courtesy:
    """`pause()` stands between small pieces of work, of at most some ten microseconds each."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0.0

    def pause(self) -> None:
        """Sleep, if it has been working for long."""
        if time.perf_counter() > self._until:
            time.sleep(NAP_S)
            self._until = time.perf_counter() + WORK_S


@contextmanager
def loading() -> Generator[None]:
    """Around work that loads modules, which has no place for a pause: the interpreter goes round sooner meanwhile."""
    with _LOCK:
        _LOADERS.append(sys.getswitchinterval())
        sys.setswitchinterval(min(WORK_S, _LOADERS[0]))
    try:
        yield
    finally:
        with _LOCK:
            before = _LOADERS.pop(0)
            if _LOADERS:
                _LOADERS[0] = before
            elif abs(sys.getswitchinterval() - WORK_S) < 1e-6:  # else the application has set it meanwhile
                sys.setswitchinterval(before)


_LOCK = threading.Lock()
_LOADERS = list[float]()
"""What was set before the first of those who load now, and an entry for each of the others."""
