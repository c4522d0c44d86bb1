"""What the soak found: a stream that nobody read to its end is collected, and leaves, while the watchdog rings."""

from __future__ import annotations

import threading
import time

from spaturzu.router.lazy import cached_property
from spaturzu.router.watchdog import Watchdog


class Other:
    due = time.monotonic() + 60

    def ring(self, now: float) -> float | None:
        raise AssertionError("it has left")


def test_who_leaves_in_the_watchdogs_own_thread_does_not_stop_it() -> None:
    dog, other, rung = Watchdog(), Other(), threading.Event()

    class Leaving:
        due = time.monotonic()

        def ring(self, now: float) -> float | None:
            dog.leave(other)
            rung.set()
            return None

    dog.watch(other)
    dog.watch(Leaving())

    assert rung.wait(2)
    assert dog.lock.acquire(timeout=2)
    dog.lock.release()


def test_two_instances_are_worked_out_at_the_same_time() -> None:
    both = threading.Barrier(2)

    class Slow:
        @cached_property
        def value(self) -> int:
            return both.wait(5)

    threads = [threading.Thread(target=lambda: Slow().value) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert not both.broken
