"""The drivers of a race: its lanes run in threads of a small pool, or as tasks. All decisions are the race's."""

from __future__ import annotations

import asyncio
from contextvars import Context, copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from .drive import AsyncPrimary, Primary, alet_go, aperformed, let_go, performed
from .errands import ERRAND, Errand, Left, check_errand, nothing
from .race import Contest, Lane, Race
from .walk import Broken, Came, TooLate
from .workers import WORKERS

if TYPE_CHECKING:
    from .call import Call
    from .chain import Target
    from .hop import Hop
    from .relief import Relief
    from .watch import Watch

Ended: TypeAlias = "SimpleQueue[tuple[Lane, Came] | None]"
"""The lanes that have ended, and what with. None: look whether anybody still waits for the call."""

_TURN_S = 0.001
"""How often it is looked whether a thread that is late has begun."""


def run(race: Race, primary: Primary | None) -> None:
    """In threads. Where none is free, the first place has the call for itself, in the caller's own.

    The loser is an errand that is left: its connection is shut, and the caller does not wait for it.
    """
    ended: Ended = SimpleQueue()
    errands, own = list[Errand](), ERRAND.get()
    if not _starts(race, race.first, primary, ended, errands):
        race.without(race.first)
        race.ended(race.first, performed(race.first.call, race.first.steps, primary))
        return
    if own is not None:
        own.wake = partial(ended.put, None)
    try:
        check_errand()
        if not _ends_in_time(race, ended):
            if (second := race.widen()) is not None and not _starts(race, second, primary, ended, errands):
                race.without(second)
            while not _ends(race, ended):
                pass
        race.close()
    except BaseException:
        race.leave()
        while not ended.empty():
            _drop(race, ended.get())
        raise
    finally:
        if own is not None:
            own.wake = None
        for errand in errands:
            errand.leave()


def _ends_in_time(race: Race, ended: Ended) -> bool:
    """Does the first lane end before its delay? A place whose turn has not come yet is not the slow one."""
    timeout_s = race.delay_s()
    while True:
        try:
            return _ends(race, ended, timeout_s)
        except Empty:
            if race.has_begun:
                return False
            timeout_s = _TURN_S


def _ends(race: Race, ended: Ended, timeout_s: float | None = None) -> bool:
    """Wait for a lane to end. Is the race over with it?"""
    came = ended.get(timeout=timeout_s)
    check_errand()
    return came is not None and race.ended(*came)


def _starts(
    race: Contest,
    lane: Lane,
    primary: Primary | None,
    ended: Ended,
    errands: list[Errand],
    context: Context | None = None,
) -> bool:
    """Does one lane run now, in a thread with the caller's context? Not where no thread is free.

    It is among the `errands` before it runs, so that a caller who is interrupted in between leaves it as well.
    """
    errand = Errand(partial(performed, lane.call, lane.steps, primary), nothing)
    errands.append(errand)
    return WORKERS.submit(partial((context or copy_context()).run, partial(_work, race, lane, errand, ended)))


def _work(race: Contest, lane: Lane, errand: Errand, ended: Ended) -> None:
    came: Came = None
    try:
        came = errand.run()
    except TooLate as late:
        let_go(late.outcome)
    except Left:
        lane.steps.close()
    except BaseException as exc:  # noqa: BLE001 - the caller's thread raises it
        came = exc
    with race.lock:
        if not race.left:
            ended.put((lane, came))
            return
    _drop(race, (lane, came))


def _drop(race: Contest, ended: tuple[Lane, Came] | None) -> None:
    """The caller has left, and this came: an answer is nobody's."""
    if ended is not None and (lane := ended[0]) and _is_answer(ended[1]):
        race.drop(lane)
        let_go(ended[1])


def _is_answer(came: Came) -> bool:
    return came is not None and not isinstance(came, Broken | BaseException)


async def arun(race: Race, primary: AsyncPrimary | None) -> None:
    """In tasks."""
    from anyio import CancelScope, Event, create_task_group, move_on_after

    over = Event()

    async def drive(lane: Lane) -> None:
        came: Came = None
        try:
            came = await aperformed(lane.call, lane.steps, primary)
        except TooLate as late:
            with CancelScope(shield=True):
                await alet_go(late.outcome)
        except Exception as exc:  # noqa: BLE001 - the caller's task raises it
            came = exc
        if race.ended(lane, came):
            over.set()

    try:
        async with create_task_group() as tasks:
            tasks.start_soon(drive, race.first)
            with move_on_after(race.delay_s()):
                await over.wait()
            if not over.is_set() and (second := race.widen()) is not None:
                tasks.start_soon(drive, second)
            await over.wait()
            race.close()
            tasks.cancel_scope.cancel()
    except BaseException:
        race.leave()
        with CancelScope(shield=True):
            for lane in race.lanes:
                if _is_answer(lane.result):
                    race.drop(lane)
                    await alet_go(lane.result)
        raise


def begin(race: Relief, call: Call, hop: Hop, place: Target | None, watch: Watch) -> bool:
    """In the watchdog's thread: a thread of its own asks the rest of the chain. False where none is free."""
    begun = call.race is race
    lane = race.open(call, hop, place, watch)
    if lane is None:
        return True
    errands = list[Errand]()
    if not _starts(race, lane, watch.primary, race.came, errands, watch.context):
        race.shut(call, lane, begun=begun)
        return False
    race.begun(lane, errands[0].leave)
    return True


def join(race: Relief) -> None:
    """Wait for the lanes. The caller may be on an errand itself, and be left."""
    own = ERRAND.get()
    if own is not None:
        own.wake = partial(race.came.put, None)
    try:
        while not race.is_decided:
            came = race.came.get()
            check_errand()
            if came is not None:
                race.ended(*came)
    finally:
        if own is not None:
            own.wake = None


def abegin(race: Relief, call: Call, hop: Hop, place: Target | None, watch: Watch) -> None:
    """On the loop: a task of its own asks the rest of the chain."""
    if call.relieved or (lane := race.open(call, hop, place, watch)) is None:
        return

    async def drive(primary: AsyncPrimary | None = watch.primary) -> None:
        came: Came = None
        try:
            came = await aperformed(lane.call, lane.steps, primary)
        except TooLate:
            pass
        except Exception as exc:  # noqa: BLE001 - the caller's task raises it
            came = exc
        finally:
            race.ended(lane, came)
            if race.tell is not None:
                race.tell()

    race.begun(lane, asyncio.get_running_loop().create_task(drive(), context=watch.context).cancel)


async def ajoin(race: Relief) -> None:
    """Wait for the tasks."""
    while not race.is_decided:
        told = asyncio.Event()
        race.tell = told.set
        await told.wait()
