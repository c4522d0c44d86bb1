"""From the spool to the gateway: one thread, an event loop in it, many requests in flight.

A gateway of ours takes batches (`POST /v1/logs/batch`); one that does not know them (404, 405, 501) gets a request for
each entry (`POST /v1/logs`), as the published protocol has it. Both count an id once, so what is sent again is no harm.
"""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from spaturzu.courtesy import Courtesy, loading

from .post import Poster, Result
from .record import Record
from .stats import Trouble
from .store import Store
from .wire import entry

if TYPE_CHECKING:
    from .address import Address

BATCH = 500
SCAN_S = 15.0
"""How often the spool is looked at unasked: another process may have died and left records there."""
LEASE_MARGIN_S = 5.0
FOREVER_S = 16.0
"""The wait between attempts where `backoff_ms` names none."""
JITTER = (0.75, 1.25)


class Sender:
    """Its thread starts at once. `failures` counts rounds in which the gateway did not take everything."""

    def __init__(self, store: Store, address: Address, trouble: Trouble) -> None:
        self._store, self._address, self._trouble = store, address, trouble
        self.failures = 0
        self._calm, self._looked_at = True, -SCAN_S
        self._offers = deque["Offered"]()
        self._waits = Waits(tuple(wait / 1000 for wait in address.backoff_ms))
        self._round_over = threading.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="spaturzu-sender", daemon=True)
        self._thread.start()

    def kick(self) -> None:
        """There is something in the spool."""
        self._call(self._look)

    def _look(self) -> None:
        self._looked_at = -SCAN_S
        self._work.set()

    def offer(self, records: Sequence[Record], timeout_s: float) -> Sequence[Record]:
        """Send a batch past the spool, if that is empty and the gateway is well. What it has not taken in time."""
        if not self._calm:
            return records
        offered = Offered(records)
        self._call(lambda: (self._offers.append(offered), self._work.set()))
        left = offered.left(timeout_s)
        self._calm = self._calm and not left
        return left

    def hurry(self) -> int:
        """Try now, whatever the last answer said. How many failures there were so far."""
        failures = self.failures
        self._call(lambda: (self._look(), self._urgent.set()))
        return failures

    @property
    def exhausted(self) -> bool:
        """Has everything that waits used up its retries?"""
        return self._waits.exhausted

    def progress(self, timeout_s: float) -> None:
        """Wait for the end of a round."""
        self._round_over.wait(timeout_s)
        self._round_over.clear()

    def close(self, timeout_s: float) -> None:
        """End the thread; what is under way is given back to the spool."""
        self._call(lambda: self._main.cancel())
        self._thread.join(timeout_s)

    def _call(self, work: Callable[[], object]) -> None:
        self._ready.wait()
        try:
            self._loop.call_soon_threadsafe(work)
        except RuntimeError:  # the loop is closed: the thread has ended, and what waits, waits in the spool
            return

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=_loop) as runner:
            try:
                runner.run(self._until_cancelled())
            except asyncio.CancelledError:
                return
            finally:
                self._ready.set()

    async def _until_cancelled(self) -> None:
        self._loop, self._main = asyncio.get_running_loop(), asyncio.ensure_future(self._send())
        self._work, self._urgent = asyncio.Event(), asyncio.Event()
        self._ready.set()
        await self._main

    async def _send(self) -> None:
        poster = Poster(self._address, Courtesy())
        try:
            with loading():
                poster.prepare()
            event, wait_s = await self._sent(poster)
            while True:
                self._round_over.set()
                if wait_s:
                    await _first(event, wait_s)
                    self._urgent.clear()
                event, wait_s = await self._sent(poster)
        finally:
            poster.close()

    async def _sent(self, poster: Poster) -> tuple[asyncio.Event, float]:
        """Send what is there. For what to wait then, and how long (s) at most; 0: not at all."""
        self._work.clear()
        try:
            wait_s = await self._take_offers(poster)
            return (self._urgent, wait_s) if wait_s else await self._round(poster)
        except Exception as error:  # noqa: BLE001 - told, and tried again: nothing else would send what waits
            self._trouble.tell(error, {})
            return self._urgent, 1.0

    async def _take_offers(self, poster: Poster) -> float:
        """Send what did not go through the spool. How long to leave the gateway alone then, if it took none."""
        wait_s = 0.0
        while self._offers:
            offered = self._offers.popleft()
            try:
                await poster.send(offered.records, offered.results)
            finally:
                done = [result for result in offered.results if result.kind != "again"]
                self._count(done)
                if offered.close():
                    self._store.mark_sent([result.record.id for result in done])
            wait_s = self._after(offered.results)
        return wait_s

    async def _round(self, poster: Poster) -> tuple[asyncio.Event, float]:
        """Send what waits, once. For what to wait then, and how long (s) at most; 0: not at all."""
        if (rest_s := self._looked_at + SCAN_S - time.monotonic()) > 0:
            return self._work, rest_s
        records = self._due()
        if not records:
            self._calm = not self._waits.resting
            self._looked_at = time.monotonic() if self._calm else -SCAN_S
            return self._work, self._waits.until_due()
        results: list[Result] = []
        try:
            await poster.send(records, results)
        finally:
            self._settle(records, results)
        return self._urgent, self._after(results)

    def _due(self) -> list[Record]:
        lease_s = self._address.timeout_s + LEASE_MARGIN_S
        limit = BATCH + len(self._waits.resting)
        taken = self._store.unsent(limit, destination=self._address.name, lease_s=lease_s)
        due = [record for record in taken if self._waits.is_due(record.id)][:BATCH]
        wanted = {record.id for record in due}
        self._release([record.id for record in taken if record.id not in wanted])
        return due

    def _settle(self, records: Sequence[Record], results: Sequence[Result]) -> None:
        """What is done leaves the spool; the rest goes back to it."""
        done = [result for result in results if result.kind != "again"]
        self._store.mark_sent([result.record.id for result in done])
        settled = {result.record.id for result in done}
        self._release([record.id for record in records if record.id not in settled])
        for result in done:
            self._waits.resting.pop(result.record.id, None)
        self._count(done)

    def _count(self, done: Sequence[Result]) -> None:
        refused = [result for result in done if result.kind == "refused"]
        self._trouble.stats.sent += len(done) - len(refused)
        self._trouble.stats.failed += len(refused)
        for result in refused:
            self._trouble.tell(_of(result), entry(result.record))

    def _release(self, ids: list[str]) -> None:
        if ids:
            self._store.release(ids)

    def _after(self, results: Sequence[Result]) -> float:
        again = [result for result in results if result.kind == "again"]
        if not again:
            self._waits.level = 0
            return 0.0
        some = len(again) < len(results)
        wait_s = self._waits.next(again, gateway_is_there=some)
        for result in again:
            if self._waits.gave_up(result.record.id):
                self._trouble.tell(_of(result), entry(result.record))
        self.failures += 1
        return 0.0 if some else wait_s


class Offered:
    """Records on their way past the spool."""

    def __init__(self, records: Sequence[Record]) -> None:
        self.records, self.results = records, list[Result]()
        self._lock, self._over = threading.Lock(), threading.Event()
        self._given_up = False

    def left(self, timeout_s: float) -> Sequence[Record]:
        """What the gateway has not taken. Waits that long for its next answer; what has no result then is left."""
        seen = 0
        while not self._over.wait(timeout_s) and len(self.results) > seen:
            seen = len(self.results)
        with self._lock:
            self._given_up = not self._over.is_set()
            done = {result.record.id for result in self.results if result.kind != "again"}
        return [record for record in self.records if record.id not in done] if len(done) < len(self.records) else ()

    def close(self) -> bool:
        """The results are all there. Had the one who offered given up: are some of the records in the spool?"""
        with self._lock:
            self._over.set()
            return self._given_up


def _of(result: Result) -> Exception:
    assert result.error is not None  # noqa: S101 - all but the delivered have one
    return result.error


@dataclass(slots=True)
class Waits:
    """How long a record rests after it failed, and how long the gateway is left alone: one schedule for both."""

    backoff_s: tuple[float, ...]
    level: int = 0
    resting: dict[str, tuple[float, int]] = field(default_factory=dict[str, "tuple[float, int]"])
    """Of each record that failed: when it is due again, and its attempts so far."""

    def is_due(self, id_: str) -> bool:
        """May it be sent now?"""
        rest = self.resting.get(id_)
        return rest is None or rest[0] <= time.monotonic()

    def until_due(self) -> float:
        """Seconds until one that rests is due, or until the spool is to be looked at anyway."""
        first = min((due for due, _ in self.resting.values()), default=time.monotonic() + SCAN_S)
        return max(0.05, first - time.monotonic())

    @property
    def exhausted(self) -> bool:
        """Is there nothing left to hope for: has the gateway been tried often enough, or each of those that rest?"""
        retries, resting = len(self.backoff_s), list(self.resting.values())
        return self.level > retries or (bool(resting) and all(attempts > retries for _, attempts in resting))

    def gave_up(self, id_: str) -> bool:
        """Did its retries run out just now?"""
        return self.resting[id_][1] == len(self.backoff_s) + 1

    def next(self, failed: Sequence[Result], *, gateway_is_there: bool) -> float:
        """Rest the records that failed. How long to leave the gateway alone, if it took none."""
        asked_s = max(result.retry_after_s for result in failed)
        longest = 0.0
        for result in failed:
            attempts = self.resting.get(result.record.id, (0.0, 0))[1] + 1
            wait_s = max(asked_s, self._wait_s(attempts if gateway_is_there else self.level + 1))
            longest = max(longest, wait_s)
            self.resting[result.record.id] = (time.monotonic() + (wait_s if gateway_is_there else 0), attempts)
        self.level = 0 if gateway_is_there else self.level + 1
        return longest

    def _wait_s(self, attempt: int) -> float:
        if not self.backoff_s:
            return FOREVER_S
        return self.backoff_s[min(attempt, len(self.backoff_s)) - 1] * random.uniform(*JITTER)  # noqa: S311


async def _first(event: asyncio.Event, timeout_s: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return


class _Inline(ThreadPoolExecutor):
    """An event loop looks host names up in threads. This loop has a thread of its own already."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001 - as the executor has it
            future.set_exception(error)
        return future


def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(_Inline())
    return loop
