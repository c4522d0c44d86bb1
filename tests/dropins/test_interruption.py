"""Whoever interrupts a call is obeyed at once, and the connection is let go of, wherever the call stood."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import spaturzu
from spaturzu.demo.callers import CALLERS
from spaturzu.sandbox import Refused, Silence, Status
from spaturzu_translators.messages import Provider
from tests.waiting import PATIENCE_S, interrupted_when, soon, waits_for_more

from .chains import SERVED, House, each_primary, other
from .holding import Holding, Until, holding
from .test_limits import _raw_at, place_of

PLAIN: tuple[tuple[Until, bool], ...] = (("request", False), ("head", False), ("half", False))
STREAMED: tuple[tuple[Until, bool], ...] = (("request", True), ("half", True))
ENDS_S = 10.0
"""An interrupt is obeyed within milliseconds; what it ends would last for longer than this."""
SETTLES_S = 0.02
"""A signal that comes just before a system call is noticed after it; so long a thread has to come from line to call."""
where = pytest.mark.parametrize(("until", "stream"), [*PLAIN, *STREAMED])


@contextmanager
def interrupting(held: Holding) -> Iterator[list[float]]:
    """Ctrl-C for the main thread, once it waits for more than has arrived. Gives the moment of it."""
    main, at = threading.main_thread(), list[float]()

    def waits() -> bool:
        if not waits_for_more(main):
            return False
        time.sleep(SETTLES_S)
        at.append(time.monotonic())
        return True

    with interrupted_when(lambda: held.asked.acquire(timeout=PATIENCE_S) and soon(waits)):
        yield at


def ask(primary: Provider, client: Any, *, stream: bool) -> None:
    """To the end."""
    caller = CALLERS[primary]
    answer = caller.create(client, stream, False, False)
    for _ in caller.events(answer) if stream else ():
        pass


@where
@each_primary
def test_ctrl_c_ends_a_call_to_the_primary(house: House, primary: Provider, until: Until, stream: bool) -> None:
    with holding(primary, until, stream=stream) as held:
        options = {"fallback": [house.target(other(primary))]}
        client = house.drop_in(primary, options=options, **place_of(primary, held.url))
        with interrupting(held) as at, pytest.raises(KeyboardInterrupt):
            ask(primary, client, stream=stream)
        assert time.monotonic() - at[0] < ENDS_S
        assert held.left.acquire(timeout=PATIENCE_S)
    assert house.asked(other(primary)) == 0


@where
@each_primary
def test_ctrl_c_ends_a_call_to_a_target(house: House, primary: Provider, until: Until, stream: bool) -> None:
    slow = other(primary)
    house.answers(Refused(), primary)
    with holding(slow, until, stream=stream) as held:
        fallback = [house.target(slow, client=_raw_at(house, slow, held.url)), house.target(other(slow))]
        client = house.drop_in(primary, options={"fallback": fallback, "retry": {"attempts": 1}})
        with interrupting(held) as at, pytest.raises(KeyboardInterrupt):
            ask(primary, client, stream=stream)
        assert time.monotonic() - at[0] < ENDS_S
        assert held.left.acquire(timeout=PATIENCE_S)
    assert house.asked(other(slow)) == 0


def test_ctrl_c_ends_a_wait(house: House) -> None:
    house.answers(Status(429, headers={"retry-after": "90"}, times=None), "openai")
    client = house.chain("openai", "anthropic", options={"retry": {"max_wait_s": 120}})
    started = time.monotonic()
    with interrupted_when(_main_sleeps), pytest.raises(KeyboardInterrupt):
        ask("openai", client, stream=False)
    assert time.monotonic() - started < 2 * ENDS_S
    assert (house.asked("openai"), house.asked("anthropic")) == (1, 0)


def _main_sleeps() -> bool:
    """Is its innermost call the one that waits as a walk says?"""
    return sys._current_frames()[threading.main_thread().ident or 0].f_code.co_name == "_perform"


async def cancelled_when(asked: Callable[[], Any], call: Any) -> float:
    """Cancel `call` once its request has arrived. Gives how long it took to end."""
    task = asyncio.ensure_future(call)
    await asyncio.to_thread(asked)
    await asyncio.sleep(0.2)
    at = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return time.monotonic() - at


async def aask(primary: Provider, client: Any, *, stream: bool) -> None:
    """To the end."""
    caller = CALLERS[primary]
    answer = await caller.create(client, stream, False, True)
    if stream:
        async for _ in caller.events(answer):
            pass


@where
@each_primary
def test_a_cancelled_task_lets_go_of_the_primary(house: House, primary: Provider, until: Until, stream: bool) -> None:
    with holding(primary, until, stream=stream) as held:
        options = {"fallback": [house.target(other(primary))]}
        client = house.drop_in(primary, as_async=True, options=options, **place_of(primary, held.url))
        took_s = house.run(cancelled_when(held.asked.acquire, aask(primary, client, stream=stream)))
        assert took_s < ENDS_S
        assert held.left.acquire(timeout=PATIENCE_S)
    assert house.asked(other(primary)) == 0


@where
@each_primary
def test_a_cancelled_task_lets_go_of_a_target(house: House, primary: Provider, until: Until, stream: bool) -> None:
    """Targets of async drop-ins are sync clients here, run in threads, but where the SDK's client serves both."""
    slow = other(primary)
    house.answers(Refused(), primary)
    with holding(slow, until, stream=stream) as held:
        fallback = [house.target(slow, client=_raw_at(house, slow, held.url)), house.target(other(slow))]
        client = house.drop_in(primary, as_async=True, options={"fallback": fallback, "retry": {"attempts": 1}})
        took_s = house.run(cancelled_when(held.asked.acquire, aask(primary, client, stream=stream)))
        assert took_s < ENDS_S
        assert held.left.acquire(timeout=PATIENCE_S)
    time.sleep(0.1)
    assert house.asked(other(slow)) == 0


def _async_bedrock(house: House, held: Holding) -> Any:
    options = {"fallback": [house.target("openai")]}
    return house.drop_in("bedrock", as_async=True, options=options, **place_of("bedrock", held.url))


def test_a_task_that_is_cancelled_between_two_events_lets_go(house: House) -> None:
    """No thread reads at that moment, whose socket could be shut. The stream is held, so nothing is collected."""
    kept: list[Any] = []

    async def leave(client: Any) -> None:
        answer = await CALLERS["bedrock"].create(client, True, False, True)
        kept.append(answer["stream"])
        assert await anext(answer["stream"])
        reading = asyncio.ensure_future(anext(answer["stream"]))
        await asyncio.sleep(0)  # it has begun, and no thread has
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

    with holding("bedrock", "text", stream=True) as held:
        house.run(leave(_async_bedrock(house, held)))
        assert held.left.acquire(timeout=PATIENCE_S)


def test_a_stream_that_comes_when_its_task_is_cancelled_is_let_go_of(house: House) -> None:
    async def leave(client: Any, held: Holding) -> None:
        call = asyncio.ensure_future(CALLERS["bedrock"].create(client, True, False, True))
        while not _work():  # noqa: ASYNC110 - a thread cannot tell the loop that it has begun
            await asyncio.sleep(0)
        held.may_answer.set()
        assert soon(lambda: not _work())  # its thread is done, while the loop stands still
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    with holding("bedrock", "text", stream=True) as held:
        held.may_answer.clear()
        gc.disable()
        try:
            house.run(leave(_async_bedrock(house, held), held))
            assert held.left.acquire(timeout=PATIENCE_S)
        finally:
            gc.enable()


def test_an_interrupted_hop_is_cancelled_and_nobody_is_blamed(house: House) -> None:
    with holding("openai", "request", stream=False) as held:
        options = {"fallback": [house.target("anthropic")]}
        client = house.drop_in("openai", options=options, **place_of("openai", held.url))
        with interrupting(held), pytest.raises(KeyboardInterrupt):
            ask("openai", client, stream=False)
    (hop,) = spaturzu.last_call().hops
    assert (hop.status, hop.kind) == ("failed", "cancelled")
    assert all(place.state == "closed" and not place.failures for place in client.spaturzu.health())


def test_an_interrupted_probe_leaves_its_place_to_the_next(house: House) -> None:
    """Only one call probes an open breaker whose time has come; the next one does, if that one is interrupted."""
    once = {"retry": {"attempts": 1}}
    client = house.chain("openai", "anthropic", options=once)
    house.wire("openai").script(Status(429, headers={"retry-after": "0.2"}), Silence(600))
    house.call("openai", client)
    assert soon(lambda: next(iter(client.spaturzu.health())).state == "half_open")

    with interrupted_when(lambda: house.asked("openai") == 2), pytest.raises(KeyboardInterrupt):
        ask("openai", client, stream=False)
    house.answers(SERVED, "openai")
    heard = house.call("openai", client)

    assert [hop.provider for hop in heard.record.hops] == ["openai"]
    assert [place.state for place in client.spaturzu.health()] == ["closed", "closed"]


def test_threads_of_cancelled_calls_end(house: House) -> None:
    """Each held a sync client's request open."""
    house.answers(Refused(), "openai")
    with holding("anthropic", "request", stream=False) as held:
        target = house.target("anthropic", client=_raw_at(house, "anthropic", held.url))
        client = house.drop_in("openai", as_async=True, options={"fallback": [target], "retry": {"attempts": 1}})
        for _ in range(5):
            house.run(cancelled_when(held.asked.acquire, aask("openai", client, stream=False)))
        for _ in range(5):
            assert held.left.acquire(timeout=PATIENCE_S)
    assert soon(lambda: not _work())


def _work() -> list[str]:
    """What anyio's worker threads are at, if at anything of ours."""
    frames = sys._current_frames()
    names = []
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0) if "AnyIO" in thread.name else None
        while frame is not None:
            if frame.f_code.co_name == "run" and "errands" in frame.f_code.co_filename:
                names.append(thread.name)
            frame = frame.f_back
    return names
