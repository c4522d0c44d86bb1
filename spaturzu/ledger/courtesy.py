"""Background work lets callers have the interpreter: CPython takes it from a thread only every 5 ms.

To let go of it for an instant, as each system call does, is not enough: who waits is asleep, and finds it taken again
when it has woken up. So the thread sleeps.
"""

from __future__ import annotations

import time

WORK_S = 0.0005
"""How long a thread works at a stretch."""
NAP_S = 1e-6
"""The system makes at least some 50 us of it."""


class Courtesy:
    """One thread's. `pause()` stands between small pieces of work, of at most some ten microseconds each."""

    __slots__ = ("_until",)

    def __init__(self) -> None:
        self._until = 0.0

    def pause(self) -> None:
        """Sleep, if it has been working for long."""
        if time.perf_counter() > self._until:
            time.sleep(NAP_S)
            self._until = time.perf_counter() + WORK_S
