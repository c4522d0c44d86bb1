"""What the soak found: who comes, leaves or is collected while the watchdog rings neither waits nor stops it."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

from spaturzu.router.lazy import cached_property
from spaturzu.router.limits import LimitName
from spaturzu.router.watch import Watch
from spaturzu.router.watchdog import Watchdog
from tests.waiting import PATIENCE_S, asoon


class Other:
    due = time.monotonic() + 36_000

    def ring(self, now: float) -> float | None:
        raise AssertionError("it has left")


def test_who_leaves_in_the_watchdogs_own_thread_does_not_stop_it() -> None:
    dog, other, rung = Watchdog(), Other(), threading.Semaphore(0)

    class Leaving:
        due = time.monotonic()

        def ring(self, now: float) -> float | None:
            dog.leave(other)
            dog.leave(self)
            rung.release()
            return None

    dog.watch(other)
    for _ in range(2):
        dog.watch(Leaving())
        assert rung.acquire(timeout=PATIENCE_S)


def test_who_comes_and_leaves_does_not_wait_for_another_that_is_rung() -> None:
    """What the soak found: calls stood for seconds at a lock, whose holder waited for its turn on a busy machine."""
    dog, rung, done = Watchdog(), threading.Event(), threading.Event()

    class Slow:
        due = time.monotonic()

        def ring(self, now: float) -> float | None:
            rung.set()
            done.wait(2 * PATIENCE_S)
            return None

    slow = Slow()
    dog.watch(slow)
    assert rung.wait(PATIENCE_S)

    def come_and_leave() -> None:
        other = Other()
        dog.watch(other)
        dog.leave(other)

    threads = [threading.Thread(target=come_and_leave) for _ in range(8)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + PATIENCE_S
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    waiting = [thread for thread in threads if thread.is_alive()]
    done.set()

    assert not waiting


def test_who_is_being_rung_leaves_when_that_is_over() -> None:
    """Else the next request of its thread would be cut off."""
    dog, rung, over = Watchdog(), threading.Event(), list[str]()

    class Slow:
        due = time.monotonic()

        def ring(self, now: float) -> float | None:
            rung.set()
            time.sleep(0.1)
            over.append("rung")
            return None

    slow = Slow()
    dog.watch(slow)
    assert rung.wait(PATIENCE_S)
    dog.leave(slow)
    over.append("left")
    time.sleep(0.05)

    assert over == ["rung", "left"]


def test_who_is_due_before_all_others_is_rung_in_time() -> None:
    """And not when the next of them is due, ten hours later."""
    dog, late = Watchdog(), list[float]()

    class Soon:
        def __init__(self, due: float) -> None:
            self.due = due
            self.rung = threading.Event()

        def ring(self, now: float) -> float | None:
            late.append(now - self.due)
            self.rung.set()
            return None

    dog.watch(Other())
    for _ in range(50):
        soon = Soon(time.monotonic() + 0.002)
        dog.watch(soon)
        assert soon.rung.wait(PATIENCE_S)

    assert min(late) >= 0


def test_two_instances_are_worked_out_at_the_same_time() -> None:
    both = threading.Barrier(2)

    class Slow:
        @cached_property
        def value(self) -> int:
            return both.wait(PATIENCE_S)

    threads = [threading.Thread(target=lambda: Slow().value) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not both.broken


def test_a_limit_that_is_named_while_it_is_looked_which_it_is_keeps_its_name():
    """As by the event loop, where the task still connects, or by whoever wins a race."""

    def meanwhile(watch: Watch) -> tuple[float, LimitName]:
        watch.fired = "connect_timeout"
        return 0.0, "first_token_timeout"

    watch = Watch(0.0, meanwhile)
    with watch:
        assert watch.ring(time.monotonic()) is not None

    assert watch.fired == "connect_timeout"


def test_a_task_that_a_library_is_cancelling_for_itself_is_ended_once_it_is_done() -> None:
    """As anyio's scopes do, for as long as they close."""
    watch = Watch(0.01, lambda _: (0.01, "first_token_timeout"))

    async def work() -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0)
        assert await asoon(lambda: watch.fired)
        await asyncio.sleep(0.05)  # it has been tried
        task.uncancel()
        await asyncio.sleep(PATIENCE_S)
        raise AssertionError("nobody has ended it")

    async def watched() -> int:
        waiting, task = work(), asyncio.current_task()
        assert task is not None
        with watch.on_loop(waiting):
            await waiting
        return task.cancelling()

    assert asyncio.run(watched()) == 0
