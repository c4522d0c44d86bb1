"""Background work lets callers have the interpreter: CPython takes it from a thread only every 5 ms.

To let go of it for an instant, as each system call does, is not enough: who waits is asleep, and finds it taken again
when it has woken up. So the thread sleeps.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

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


_LOADED = set[str]()


def load(module: str) -> ModuleType:
    """Import it considerately, once; whoever asks while another thread is at it waits."""
    if module not in _LOADED:
        with loading():
            import_module(module)
        _LOADED.add(module)
    return sys.modules[module]


@contextmanager
def loading() -> Generator[None]:
    """Around work that loads modules, which has no place for a pause. Two settings of the process differ meanwhile.

    The interpreter goes round every WORK_S. No garbage is searched for: a price list is 16,000 objects, and so many
    new ones make Python go through all that the application has, which takes 12 ms where that is 56,000 (CPython 3.11,
    measured 2026-11-30). They are put among the old ones at the end. What the application sets meanwhile, stands.

    A fork waits for it: a module that another thread was loading then, the child would wait for as long as it lives.
    """
    _LOADERS.enter()
    try:
        yield
    finally:
        _LOADERS.leave()


_NEVER = 2**30
_FEW = 1000
"""More frozen objects than CPython's own (3.12 begins with some 400) are the application's, and stay frozen."""


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was set before."""

    switch_s: float
    thresholds: tuple[int, int, int]

    @classmethod
    def of_loading(cls) -> _Settings:
        """Set those for loading; what was set until now."""
        before = cls(sys.getswitchinterval(), gc.get_threshold())
        sys.setswitchinterval(min(WORK_S, before.switch_s))
        if before.thresholds[0]:
            gc.set_threshold(_NEVER, *before.thresholds[1:])
        return before

    def restore(self) -> None:
        """Unless the application has set others."""
        if abs(sys.getswitchinterval() - WORK_S) < 1e-6:
            sys.setswitchinterval(self.switch_s)
        if gc.get_threshold()[0] == _NEVER:
            if gc.get_freeze_count() < _FEW:
                gc.freeze()  # which only moves them, as
                gc.unfreeze()  # this does, to the oldest generation
            gc.set_threshold(*self.thresholds)


FORK_WAIT_S = 5.0
"""How long a fork waits at most: what loads may itself be waiting for the thread that forks."""


class _Loaders:
    """The first to come sets them, the last to leave sets them back."""

    def __init__(self) -> None:
        self._left = threading.Condition(threading.Lock())
        self._inside = list[int]()
        """The threads that load, by identity."""
        self._before: _Settings | None = None

    def enter(self) -> None:
        with self._left:
            self._inside.append(threading.get_ident())
            if self._before is None:
                self._before = _Settings.of_loading()

    def leave(self) -> None:
        with self._left:
            self._inside.remove(threading.get_ident())
            if not self._inside:
                self._restore()
            self._left.notify_all()

    def before_fork(self) -> None:
        """Nobody else loads from here on until the fork has been made."""
        own = threading.get_ident()
        self._left.acquire()
        self._left.wait_for(lambda: all(thread == own for thread in self._inside), FORK_WAIT_S)

    def after_fork(self) -> None:
        self._left.release()

    def after_fork_in_child(self) -> None:
        """Its only thread is the one that forked."""
        self._left = threading.Condition(threading.Lock())
        self._inside = [thread for thread in self._inside if thread == threading.get_ident()]
        if not self._inside:
            self._restore()

    def _restore(self) -> None:
        if self._before is not None:
            self._before.restore()
            self._before = None


_LOADERS = _Loaders()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_LOADERS.before_fork,
        after_in_parent=_LOADERS.after_fork,
        after_in_child=_LOADERS.after_fork_in_child,
    )
