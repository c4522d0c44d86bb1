"""The drivers of a race: its lanes run in threads of a small pool, or as tasks. All decisions are the race's.

A thread's blocking read cannot be cancelled, but its socket can be shut down: so the loser's connection is closed at
once, and its thread is free, while the caller has the answer already.
"""

from __future__ import annotations

import sys
import threading
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from .drive import AsyncPrimary, Primary, aclosed, aperformed, performed
from .race import Lane, Race
from .walk import Broken, Late, NativeAnswer, Pulled, Result
from .watchdog import AGAIN_S, WATCHDOG, cut
from .workers import WORKERS

Ended = tuple[Lane, Result | BaseException | None]


def run(race: Race, primary: Primary | None) -> None:
    """In threads. Where none is free, the first place has the call for itself, in the caller's own."""
    ended: SimpleQueue[Ended] = SimpleQueue()
    running = [_Running(race, race.first, primary, ended)]
    if not running[0].start():
        race.without(race.first)
        race.ended(race.first, performed(race.first.call, race.first.steps, primary))
        return
    try:
        over = _is_over_in_time(race, ended)
        if not over and (second := race.widen()):
            running.append(_Running(race, second, primary, ended))
            if not running[1].start():
                race.without(second)
        while not over:
            over = race.ended(*ended.get())
        race.close()
    except BaseException:
        race.leave()
        while not ended.empty():
            _drop(race, *ended.get())
        raise
    finally:
        for lane in running:
            lane.stop()


def _is_over_in_time(race: Race, ended: SimpleQueue[Ended]) -> bool:
    """Has the first lane ended before its delay has?"""
    try:
        return race.ended(*ended.get(timeout=race.delay_s()))
    except Empty:
        return False


class _Running:
    """One lane in a thread. `stop` ends whatever it waits for; see `Watched`."""

    def __init__(self, race: Race, lane: Lane, primary: Primary | None, ended: SimpleQueue[Ended]) -> None:
        self._race, self._lane, self._primary, self._ended = race, lane, primary, ended
        self._lock = threading.Lock()
        self._thread = 0
        self._frame: FrameType | None = None
        self._done = False
        self.due = 0.0

    def start(self) -> bool:
        """Run it, with the caller's context. False: no thread is free."""
        return WORKERS.submit(partial(copy_context().run, self._run))

    def stop(self) -> None:
        """Shut down its socket, now or as soon as it stands at one. Does not wait."""
        with self._lock:
            if not self._done:
                WATCHDOG.watch(self)

    def _run(self) -> None:
        self._thread, self._frame = threading.get_ident(), sys._getframe()  # pyright: ignore[reportPrivateUsage]
        result: Result | BaseException | None = None
        try:
            result = performed(self._lane.call, self._lane.steps, self._primary)
        except Late as late:
            _let_go(late.outcome)
        except BaseException as exc:  # noqa: BLE001 - the caller's thread raises it
            result = exc
        finally:
            with self._lock:
                self._done = True
                self._frame = None
                WATCHDOG.leave(self)
            self._report(result)

    def _report(self, result: Result | BaseException | None) -> None:
        race = self._race
        with race.lock:
            if not race.left:
                self._ended.put((self._lane, result))
                return
        _drop(race, self._lane, result)

    def ring(self, now: float) -> float | None:
        """See `Watched`."""
        if self._frame is not None and cut(self._thread, self._frame):
            return None
        return now + AGAIN_S


async def arun(race: Race, primary: AsyncPrimary | None) -> None:
    """In tasks."""
    from anyio import CancelScope, Event, create_task_group, move_on_after

    over = Event()

    async def drive(lane: Lane) -> None:
        result: Result | BaseException | None = None
        try:
            result = await aperformed(lane.call, lane.steps, primary)
        except Late as late:
            with CancelScope(shield=True):
                await _alet_go(late.outcome)
        except Exception as exc:  # noqa: BLE001 - the caller's task raises it
            result = exc
        if race.ended(lane, result):
            over.set()

    try:
        async with create_task_group() as tasks:
            tasks.start_soon(drive, race.first)
            with move_on_after(race.delay_s()):
                await over.wait()
            if not over.is_set() and (second := race.widen()):
                tasks.start_soon(drive, second)
            await over.wait()
            race.close()
            tasks.cancel_scope.cancel()
    except BaseException:
        race.leave()
        with CancelScope(shield=True):
            for lane in race.lanes:
                await _adrop(race, lane)
        raise


def _drop(race: Race, lane: Lane, result: Any) -> None:
    """The caller has left, and this came: an answer is nobody's."""
    if result is not None and not isinstance(result, Broken | BaseException):
        race.drop(lane)
        _let_go(result)


async def _adrop(race: Race, lane: Lane) -> None:
    """The same for async lanes, which have all ended."""
    if lane.result is not None and not isinstance(lane.result, Broken | BaseException):
        race.drop(lane)
        await _alet_go(lane.result)


def _stream_of(outcome: Any) -> Pulled | None:
    stream = outcome.stream if isinstance(outcome, NativeAnswer) else outcome
    return stream if isinstance(stream, Pulled) else None


def _let_go(outcome: Any) -> None:
    """An answer that nobody takes: a stream is closed, a plain one is whole."""
    if (stream := _stream_of(outcome)) is not None:
        stream.close()


async def _alet_go(outcome: Any) -> None:
    """The same for an async stream."""
    if (stream := _stream_of(outcome)) is not None:
        await aclosed(stream.close)
