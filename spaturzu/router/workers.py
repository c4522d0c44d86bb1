"""A few threads for work that its caller may stop waiting for: made when first needed, no more than so many."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

MOST = 64
IDLE_S = 30.0
"""A thread without work ends after so long."""


class Workers:
    """Runs jobs at once or not at all: nothing waits for a thread."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._begin()

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._jobs: SimpleQueue[Callable[[], object]] = SimpleQueue()
        self._threads = self._free = 0

    @property
    def threads(self) -> int:
        """How many there are now."""
        return self._threads

    @property
    def free(self) -> int:
        """How many of them wait for work."""
        return self._free

    def submit(self, job: Callable[[], object]) -> bool:
        """Run `job`, which raises nothing. False: all threads are busy, or the interpreter is ending."""
        with self._lock:
            if self._free:
                self._free -= 1
            elif not self._started():
                return False
        self._jobs.put(job)
        return True

    def _started(self) -> bool:
        if self._threads >= self._most:
            return False
        try:
            threading.Thread(target=self._run, name="spaturzu-hedge", daemon=True).start()
        except RuntimeError:  # "can't create new thread at interpreter shutdown"
            return False
        self._threads += 1
        return True

    def _run(self) -> None:
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_S)
            except Empty:
                if self._may_end():
                    return
                continue
            job()
            del job
            with self._lock:
                self._free += 1

    def _may_end(self) -> bool:
        """Not where a job is on its way to this thread."""
        with self._lock:
            if not self._free:
                return False
            self._free -= 1
            self._threads -= 1
            return True

    def after_fork(self) -> None:
        """In the child there are no threads yet."""
        self._begin()


WORKERS = Workers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=WORKERS.after_fork)
