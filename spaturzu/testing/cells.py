"""One cell of a drill: a client's call while the first of its chain has a fault, and what was heard.

A cell has servers of its own, one for each place in the chain, and a scope of its own, so that cells may run side by
side on one client without sharing ports, scripts or remembered failures.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from spaturzu.demo.callers import Caller, Said
from spaturzu.router.hop import CallRecord
from spaturzu.sandbox.faults import Status, Step
from spaturzu.sandbox.ids import serials
from spaturzu.sandbox.replies import Usage
from spaturzu.sandbox.wall import Must, Shape, WallFault
from spaturzu.sandbox.wire import Wire
from spaturzu.tracked.door import last_call, remember
from spaturzu_translators.messages import Provider
from spaturzu_translators.messages import Wire as WireName

from .detour import SCOPE, Scope

if TYPE_CHECKING:
    from spaturzu.router.chain import Chain

DOWN = Status(503, times=None)
"""What those before the faulty one answer."""


def usage_of(place: int) -> Usage:
    """What the one at a place of the chain says it has used: different ones, so that an answer tells whose it is."""
    return Usage(input=12 + 10 * place, output=7 + place)


def spoken(caller: WireName, place: Provider) -> WireName:
    """What a place hears of a call in `caller`'s shape: OpenAI has two wires, and stays with the caller's."""
    return caller if caller == "openai_responses" and place == "openai" else place


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One call to its end: what was said until then, who was asked, and the error that ended it.

    `asked` counts the requests at each place of the chain. `hung`: it took so long that the servers were closed.
    """

    said: Said
    record: CallRecord | None
    error: Exception | None
    asked: tuple[int, ...]
    seconds: float
    hung: bool = False


@dataclass(kw_only=True, eq=False)
class Cell(Scope):
    """`fault` at one place of the chain of `places`, for calls of one shape by `caller`'s provider.

    `at`: which place; those before it are down. `has_primary`: is the first place the caller's own provider, as with
    all but a Router? `then`: what those after it do, where that is not to say the same. `patience_s`: when the servers
    are closed, so that no cell hangs.
    """

    fault: WallFault
    shape: Shape
    caller: Caller
    places: tuple[Provider, ...]
    at: int = 0
    has_primary: bool = True
    then: Step | None = None
    patience_s: float = 60.0
    heard: list[Heard] = field(default_factory=list[Heard])
    _hung: bool = False

    def adapt(self, chain: Chain) -> Chain:
        """Without what would record, or deny, a call that is no call of the user's."""
        return replace(chain, around=(), middleware=(), record=None)

    @property
    def must(self) -> Must:
        """What the wall asks for. A target's own bad key must not hide the targets behind it."""
        must = self.fault.must[self.shape]
        return "next" if (self.at or not self.has_primary) and self.fault.name == "bad_key" else must

    @cached_property
    def wires(self) -> tuple[Wire, ...]:
        """A server for each place."""
        return tuple(Wire(provider, serials()) for provider in self.places)

    def port(self, provider: Provider, place: int) -> int | None:
        """Where the request of a place goes. A place that is not the chain's own is nobody's."""
        return self.wires[place].port if place < len(self.wires) and self.places[place] == provider else None

    @contextmanager
    def running(self) -> Generator[None, None, None]:
        """The servers run, with the fault in place, and this is the scope. Nobody waits for longer than patience."""
        for place, wire in enumerate(self.wires):
            wire.reply(self._step(place))
            wire.start()
        self.wires[self.at].script(*self.fault.steps(spoken(self.caller.wire, self.places[self.at])))
        timer = threading.Timer(self.patience_s, self._give_up)
        timer.daemon = True
        timer.start()
        token = SCOPE.set(self)
        try:
            yield
        finally:
            SCOPE.reset(token)
            timer.cancel()
            self._close()

    def _step(self, place: int) -> Step:
        if place < self.at:
            return DOWN
        reply = replace(self.fault.reply, usage=usage_of(place))
        return reply if place == self.at or self.then is None else self.then

    def _give_up(self) -> None:
        self._hung = True
        self._close()

    def _close(self) -> None:
        for wire in self.wires:
            wire.close()

    def run(self, client: Any) -> None:
        """The calls, one after the other."""
        for hearing in self._calls():
            try:
                answer = self._create(client, as_async=False)
                for event in self.caller.events(answer) if self.shape == "stream" else ():
                    self.caller.add(hearing.said, event)
                hearing.answered(answer)
            except Exception as error:  # noqa: BLE001 - it is what the cell is about
                hearing.error = error

    async def arun(self, client: Any) -> None:
        """The same, async."""
        for hearing in self._calls():
            try:
                answer = await self._create(client, as_async=True)
                if self.shape == "stream":
                    async for event in self.caller.events(answer):
                        self.caller.add(hearing.said, event)
                hearing.answered(answer)
            except Exception as error:  # noqa: BLE001 - it is what the cell is about
                hearing.error = error

    def _create(self, client: Any, *, as_async: bool) -> Any:
        return self.caller.create(client, self.shape == "stream", self.fault.tools, as_async)

    def _calls(self) -> Iterator[_Hearing]:
        for _ in range(self.fault.calls):
            remember(None)
            before, started = self._asked(), time.perf_counter()
            hearing = _Hearing(self.caller, self.shape)
            yield hearing
            self.heard.append(
                Heard(
                    said=hearing.said,
                    record=last_call(),
                    error=hearing.error,
                    asked=tuple(now - then for now, then in zip(self._asked(), before, strict=True)),
                    seconds=time.perf_counter() - started,
                    hung=self._hung,
                )
            )

    def _asked(self) -> tuple[int, ...]:
        return tuple(len(wire.requests) for wire in self.wires)


class _Hearing:
    """What is heard of one call so far."""

    def __init__(self, caller: Caller, shape: Shape) -> None:
        self._caller, self._shape = caller, shape
        self.said = Said(kind="")
        self.error: Exception | None = None

    def answered(self, answer: Any) -> None:
        """The whole of a plain answer."""
        if self._shape == "plain":
            self.said = self._caller.read(answer)


def current_port(provider: Provider, place: int) -> int | None:
    """A `Way` that goes by the cell in whose scope the request is made."""
    scope = SCOPE.get()
    return scope.port(provider, place) if isinstance(scope, Cell) else None
