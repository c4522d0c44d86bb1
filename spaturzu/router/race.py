"""A call whose first place is slow is sent to a second one as well: two visits, one answer. Decides, as the walk does.

The first answer has the call; of a stream, the first content. The other visit is cancelled. Where both fail, the walk
goes on with the places that are left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from functools import partial

from spaturzu_translators.responses import Response

from .call import Call, Skip
from .chain import Target
from .hop import LOST, Hop
from .walk import Broken, Effect, Hedge, Outcome, Result, TooLate, stops, visit

_SILENT = Response(id="", model="", candidates=())
"""What is known of a cancelled answer: whoever meters it counts the request."""


def hedged(call: Call, place: Target | None) -> Generator[Effect, Outcome, Result]:
    """One visit, or two at once. What became of the second, if both failed, is said when its turn comes."""
    if call.beside is not None:
        if call.beside[0] is place:
            return call.beside[1]
        call.ahead = tuple(other for other in call.ahead if other is not call.beside[0])
    if any(hop.attempts for hop in call.record.hops):
        return (yield from visit(call, place))
    race = Race(call, place)
    yield Hedge(race)
    return race.result()


class Lane:
    """One visit in a race. `result` is what it came to, or the exception that ended it; None before that, or if it
    was cancelled.
    """

    def __init__(
        self,
        race: Contest,
        ahead: tuple[Target | None, ...],
        way: Callable[[Call], Generator[Effect, Outcome, Result]],
        *,
        place: Target | None = None,
        hedge: bool = True,
        reserved: int = 0,
    ) -> None:
        self.place, self.hedge, self.reserved = place, hedge, reserved
        self.hop: Hop | None = None
        """Where it is."""
        self.call = _Racer(race, self, ahead)
        self.steps = _while_open(race, way(self.call))
        self.result: Result | BaseException | None = None
        self.ended = False


class Contest:
    """Who answers first has the call. `over`: that is decided, or nobody can have it any more."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.lock = threading.RLock()
        self.over = self.left = False
        self._ended = call.chain.clock()
        self._winner: Hop | None = None
        self.lanes: list[Lane] = []

    def patience_s(self, hop: Hop) -> float:
        """How much longer the answer of `hop` waits before it claims the call."""
        return 0.0

    def claim(self, hop: Hop) -> bool:
        """`hop` has an answer. Is it the first to have one?"""
        with self.lock:
            if self.over:
                self._lose(hop)
                return False
            self._winner = hop
            self._end()
            return True

    def close(self) -> None:
        """Nobody can have the call any more: what is on its way is cancelled."""
        with self.lock:
            if not self.over:
                self._end()

    def leave(self) -> None:
        """The caller was interrupted: no answer is taken, not even one that has the call."""
        with self.lock:
            self.close()
            self.left = True

    def drop(self, lane: Lane) -> None:
        """Nobody takes the answer that has the call: its hop is over."""
        if lane.hop is not None:
            self._lose(lane.hop)
            lane.hop.over()

    def _end(self) -> None:
        self.over, self._ended = True, self.call.chain.clock()
        for lane in self.lanes:
            hop = lane.hop
            if hop is not None and hop is not self._winner and hop.status == "pending":
                hop.duration_s = self._ended - hop.started
                self._lose(hop)

    def _lose(self, hop: Hop) -> None:
        """What it cost is not known; whoever meters it counts the request at least."""
        hop.status, hop.kind, hop.code = "failed", "cancelled", LOST
        hop.model = hop.model or self.call.wire.model
        hop.answer = hop.answer or _silent

    def _windows(self) -> None:
        """What overflowed in any lane is known."""
        windows = (lane.call.overflowed for lane in self.lanes if lane.call.overflowed is not None)
        self.call.overflowed = max(windows, default=self.call.overflowed)


class Race(Contest):
    """Two visits: the first place's, and after its delay a second one's."""

    def __init__(self, call: Call, place: Target | None) -> None:
        assert call.chain.hedging is not None  # noqa: S101 - only chains that hedge have races
        super().__init__(call)
        self._hedging, self._started = call.chain.hedging, self._ended
        self.first = Lane(self, call.ahead, partial(visit, target=place), place=place, hedge=False)
        self.second: Lane | None = None
        self.lanes.append(self.first)

    @property
    def has_begun(self) -> bool:
        """Has its first place's turn come? On a busy machine the thread for it may be late."""
        return self.first.hop is not None

    def delay_s(self) -> float:
        """How much longer the first place has the call for itself. To be asked when it has been sent: it takes time."""
        if len(self.call.record.hops) <= 1:
            self._hedging.began(self.call, self.first.place)
        delay_s = self._hedging.delay_s(self.call, self.first.place)
        return max(0.0, self._started + delay_s - self.call.chain.clock())

    def widen(self) -> Lane | None:
        """The second lane, to be driven; None where there can be none."""
        call = self.call
        if not self._hedging.may_repeat(call):
            return None
        place, found = self._ready()
        if not found:
            self._hedging.nobody()
            return None
        reserved = self._hedging.reserve(call, place)
        if reserved is None:
            return None
        ahead = tuple(other for other in call.ahead if other is not place)
        self.second = Lane(self, ahead, partial(visit, target=place), place=place, reserved=reserved)
        self.lanes.append(self.second)
        return self.second

    def _ready(self) -> tuple[Target | None, bool]:
        """The next place whose breaker is closed and that can carry the call, and whether there is one."""
        for place in self.call.ahead:
            closed = self.call.chain.breakers.is_closed(self.call.key_of(place))
            if closed and (place is None or not isinstance(self.call.prepare(place), Skip)):
                return place, True
        return None, False

    def without(self, lane: Lane) -> None:
        """There was no thread for `lane`."""
        self._hedging.busy()
        if lane is not self.first:
            self.second = None
            self.lanes.remove(lane)
            self._hedging.unsent(lane.reserved)

    def ended(self, lane: Lane, result: Result | BaseException | None) -> bool:
        """A lane has ended. Is there nothing left to wait for? Told by one thread, of each lane once."""
        lane.result = result
        if self._winner is not None:
            return lane.hop is self._winner  # what the other came to does not matter
        first = self.first.result
        if first is None:
            return False
        if not isinstance(first, Broken) or stops(self.call, first, self.first.place):
            return True
        return self.second is None or self.second.result is not None

    def result(self) -> Result:
        """What the first place's turn comes to. Raises what ended a lane, the second's only where the first failed."""
        self._windows()
        if self.second is not None and self.second.hop is None:
            self._hedging.unsent(self.second.reserved)
        if self._winner is not None:
            return self._won()
        first, second = self.first.result, None if self.second is None else self.second.result
        if isinstance(first, BaseException):
            raise first
        assert isinstance(first, Broken)  # noqa: S101 - nothing else is left
        if isinstance(second, BaseException) and not stops(self.call, first, self.first.place):
            raise second
        if isinstance(second, Broken) and self.second is not None:
            self.call.beside = (self.second.place, second)
        return first

    def _won(self) -> Result:
        winner = self.first if self.first.hop is self._winner else self.second
        assert winner is not None  # noqa: S101 - somebody has claimed it
        if winner is self.second:
            self._hedging.won()
        self._hedging.took(self.call, self.first.place, self._ended - self._started)
        if isinstance(winner.result, BaseException):
            raise winner.result
        assert winner.result is not None  # noqa: S101 - it has ended
        return winner.result


def _silent() -> Response:
    return _SILENT


class _Racer(Call):
    """The call in one lane of a race."""

    def __init__(self, race: Contest, lane: Lane, ahead: tuple[Target | None, ...]) -> None:
        self.__dict__.update(race.call.__dict__)
        self.race, self.ahead, self.relieved, self._lane = race, ahead, False, lane

    def open_hop(self, target: Target | None) -> Hop:
        """A new line in the record that both lanes share."""
        assert self.race is not None  # noqa: S101 - set above
        with self.race.lock:
            if self.race.over:
                raise TooLate(None)
            hop = self._lane.hop = super().open_hop(target)
            hop.hedge = self._lane.hedge
            return hop


def _while_open(race: Contest, steps: Generator[Effect, Outcome, Result]) -> Generator[Effect, Outcome, Result]:
    """`steps`, until the race is over: then nothing more is done, and what came is nobody's. Raises TooLate with it."""
    outcome: Outcome = None
    try:
        while True:
            effect = steps.send(outcome)
            outcome = None if race.over else (yield effect)
            if race.over:
                raise TooLate(outcome)
    except StopIteration as stop:
        return stop.value
    finally:
        steps.close()
