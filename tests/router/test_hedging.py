"""When a call is hedged, what that may cost, and what a race comes to: without a network."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

import pytest

from spaturzu.router.call import Call
from spaturzu.router.choosing import Choosing
from spaturzu.router.drive import drive
from spaturzu.router.hedging import ENOUGH, KEPT, PLAIN_S, STREAM_S, Hedging, is_repeatable
from spaturzu.router.hop import LOST, Hop
from spaturzu.router.race import Race
from spaturzu.router.racers import run
from spaturzu.router.walk import Answer, Broken, NativeAnswer, Pulled
from spaturzu.router.workers import Workers
from spaturzu_translators.requests import OpaqueTool, Request, Tool
from tests.waiting import PATIENCE_S, soon

from .stage import ASKED, Fake, Primary, answering, body_of, make_call

AFTER_S = 0.03
STREAMED = replace(ASKED, stream=True)


class Gate:
    """A primary's delay that a test ends."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def __call__(self) -> None:
        self._open.wait(2 * PATIENCE_S)

    def opens(self) -> None:
        self._open.set()


def _until(holds: Callable[[], object]) -> Callable[[], None]:
    """A delay until that holds."""

    def wait() -> None:
        assert soon(holds)

    return wait


def _hedging() -> Hedging:
    return Hedging(after_s=AFTER_S, max_share=None)


def _call(*fakes: Fake, hedging: Hedging | None = None, **more: Any) -> Call:
    return make_call(*(fake.target() for fake in fakes), clock=time.monotonic, hedging=hedging or _hedging(), **more)


def _call_of(hedging: Hedging, asked: Request = ASKED) -> Call:
    return make_call(Fake("anthropic").target(), hedging=hedging, asked=asked)


def test_until_enough_is_known_a_stated_delay_holds() -> None:
    hedging = Hedging(after_s=None)
    call = _call_of(hedging)

    for _ in range(ENOUGH - 1):
        hedging.took(call, None, 0.5)

    assert hedging.delay_s(call, None) == PLAIN_S
    assert hedging.delay_s(_call_of(hedging, STREAMED), None) == STREAM_S
    hedging.took(call, None, 0.5)
    assert hedging.delay_s(call, None) == 0.5


def test_the_delay_is_what_95_of_100_do_not_take() -> None:
    hedging = Hedging(after_s=None)
    call = _call_of(hedging)

    for hundredths in range(1, 101):
        hedging.took(call, None, hundredths / 100)

    assert hedging.delay_s(call, None) == 0.95


def test_only_the_latest_count() -> None:
    hedging = Hedging(after_s=None)
    call = _call_of(hedging)

    for _ in range(KEPT):
        hedging.took(call, None, 9.0)
    for _ in range(KEPT):
        hedging.took(call, None, 0.1)

    assert hedging.delay_s(call, None) == 0.1


def test_places_and_streams_are_told_apart() -> None:
    hedging = Hedging(after_s=None)
    call = _call_of(hedging)
    (target,) = call.chain.targets

    for _ in range(ENOUGH):
        hedging.took(call, None, 1.0)
        hedging.took(call, target, 2.0)

    assert (hedging.delay_s(call, None), hedging.delay_s(call, target)) == (1.0, 2.0)
    assert hedging.delay_s(_call_of(hedging, STREAMED), None) == STREAM_S


def test_one_that_lost_counts_with_the_time_it_had() -> None:
    """Else the slow ones would be left out, and the learned delay would shrink from call to call."""
    hedging, gate = Hedging(after_s=None, max_share=None), Gate()
    for _ in range(ENOUGH):
        hedging.took(_call(Fake("anthropic"), hedging=hedging), None, AFTER_S)

    for _ in range(2):
        call = _call(Fake("anthropic"), hedging=hedging)
        drive(call, Primary([answering(body_of("openai"))], during=gate))
    gate.opens()

    assert hedging.hedges.won == 2
    assert hedging.delay_s(call, None) > AFTER_S


@pytest.mark.parametrize(
    ("asked", "repeatable"),
    [
        (ASKED, True),
        (replace(ASKED, tools=(Tool(name="f"),)), True),
        (replace(ASKED, tools=(OpaqueTool(issuer="openai", value={"type": "custom"}),)), False),
    ],
    ids=["plain", "own tools", "tools of the provider"],
)
def test_tools_of_the_provider_run_once(asked: Request, repeatable: bool) -> None:
    assert is_repeatable(make_call(asked=asked)) is repeatable


def test_a_denied_hedge_leaves_the_first_place_alone() -> None:
    def only_openai(_: Call, hop: Hop) -> Generator[None]:
        if hop.provider != "openai":
            raise PermissionError
        yield

    hedging = _hedging()
    call = _call(Fake("anthropic"), hedging=hedging, middleware=(only_openai,))
    result = drive(call, Primary([answering(body_of("openai"))], during=_until(lambda: call.record.hops[1:])))

    assert isinstance(result, NativeAnswer)
    assert [hop.status for hop in call.record.hops] == ["served", "skipped"]


def test_a_denied_hedge_is_raised_where_the_first_place_fails() -> None:
    def only_openai(_: Call, hop: Hop) -> Generator[None]:
        if hop.provider != "openai":
            raise PermissionError
        yield

    call = _call(Fake("anthropic"), middleware=(only_openai,))
    with pytest.raises(PermissionError):
        drive(call, Primary([503], during=_until(lambda: call.record.hops[1:])))


def test_what_is_no_failure_of_a_provider_is_raised_at_once() -> None:
    with pytest.raises(ZeroDivisionError):
        drive(_call(Fake("anthropic")), Primary([ZeroDivisionError()]))


def test_an_answer_that_comes_too_late_is_closed_and_counts_for_nothing() -> None:
    gate = Gate()
    slow = Fake("anthropic", before=gate)
    fast = Fake("mistral", before=_until(lambda: slow.asked))
    call = make_call(
        slow.target(), fast.target(), clock=time.monotonic, hedging=_hedging(), asked=STREAMED, has_primary=False
    )

    result = drive(call, Primary())
    gate.opens()

    assert isinstance(result, Pulled)
    assert result.hop.provider == "mistral"
    assert soon(lambda: slow.closed)
    assert (slow.closed, fast.closed) == (1, 0)
    lost = call.record.hops[0]
    assert (lost.status, lost.code) == ("failed", LOST)
    assert call.chain.breakers.quiet


def test_each_hop_of_a_race_is_over_once() -> None:
    over: list[tuple[str, str]] = []
    done = threading.Semaphore(0)

    def noting(_: Call, hop: Hop) -> Generator[None]:
        yield
        over.append((hop.provider, hop.status))
        done.release()

    gate = Gate()
    primary = Primary([answering(body_of("openai"))], during=gate)
    drive(_call(Fake("anthropic", before=_until(lambda: primary.sent)), middleware=(noting,)), primary)
    gate.opens()

    assert done.acquire(timeout=PATIENCE_S)
    assert done.acquire(timeout=PATIENCE_S)
    assert sorted(over) == [("anthropic", "served"), ("openai", "failed")]


ASKING: ContextVar[str] = ContextVar("asking", default="nobody")


def test_both_places_are_asked_in_the_callers_context() -> None:
    seen: list[str] = []
    gate = Gate()

    def first() -> None:
        seen.append(ASKING.get())
        gate()

    def second() -> None:
        assert soon(lambda: seen)
        seen.append(ASKING.get())

    token = ASKING.set("me")
    try:
        assert isinstance(drive(_call(Fake("anthropic", before=second)), Primary([503], during=first)), Answer)
    finally:
        ASKING.reset(token)
        gate.opens()

    assert seen == ["me", "me"]


def test_the_primary_may_be_the_second_place() -> None:
    gate = Gate()
    slow = Fake("anthropic", before=gate)
    call = _call(slow, choosing=Choosing(strategy="weighted", weight=0))

    result = drive(call, Primary([answering(body_of("openai"))]))
    gate.opens()

    assert isinstance(result, NativeAnswer)
    assert [(hop.provider, hop.status) for hop in call.record.hops] == [("anthropic", "failed"), ("openai", "served")]


@pytest.mark.parametrize("primary_status", [503, 400])
def test_what_the_primary_said_beside_another_is_said_in_its_turn(primary_status: int) -> None:
    """Both fail: the caller gets the primary's own failure, whoever was asked first."""
    primary = Primary([primary_status])
    slow, last = Fake("anthropic", [ConnectionError()], before=_until(lambda: primary.sent)), Fake("mistral")
    call = make_call(
        slow.target(weight=1),
        last.target(weight=0),
        clock=time.monotonic,
        hedging=_hedging(),
        choosing=Choosing(strategy="weighted", weight=0),
    )

    result = drive(call, primary)

    assert primary.sent == 1
    if primary_status == 503:
        assert isinstance(result, Answer)
        assert [hop.provider for hop in call.record.hops] == ["anthropic", "openai", "mistral"]
    else:
        assert isinstance(result, Broken)
        assert result.failure.status == 400
        assert last.asked == []


def test_two_places_are_asked_at_most() -> None:
    gate, third = Gate(), Fake("mistral")
    slow = Fake("anthropic", before=lambda: time.sleep(4 * AFTER_S))  # so that a third could be asked meanwhile

    drive(_call(slow, third), Primary([503], during=gate))
    gate.opens()

    assert third.asked == []


def test_a_place_whose_turn_has_not_come_yet_is_not_the_slow_one() -> None:
    """On a busy machine the thread for the first place begins late: the second is asked after it all the same."""
    primary = Primary([answering(body_of("openai"))], during=_until(lambda: call.record.hops[1:]))
    call = _call(Fake("anthropic"))
    call.ahead = call.chain.targets
    race = Race(call, None)
    racing = threading.Thread(target=run, args=(race, primary))

    with race.lock:  # which opens no hop meanwhile
        racing.start()
        time.sleep(4 * AFTER_S)
        hedged_at_once = race.second is not None
    racing.join()

    assert not hedged_at_once
    assert [(hop.provider, hop.hedge) for hop in call.record.hops] == [("openai", False), ("anthropic", True)]


def test_workers_run_at_once_or_not_at_all() -> None:
    workers, gate, ran = Workers(2), threading.Event(), threading.Semaphore(0)

    def job() -> None:
        gate.wait(2 * PATIENCE_S)
        ran.release()

    assert [workers.submit(job) for _ in range(3)] == [True, True, False]
    gate.set()
    assert all(ran.acquire(timeout=PATIENCE_S) for _ in range(2))
    assert soon(lambda: workers.submit(job))
    assert ran.acquire(timeout=PATIENCE_S)
    assert workers.threads == 2
