"""A plain call whose place is silent for as long as a first token may take: the rest of the chain is asked beside it.

Of a plain answer nothing is heard before it is whole, so nobody can tell a silent place from one that writes a long
answer. It is neither cut off nor waited for alone: another thread, or task, walks on, and what comes first has the
call. An answer of the rest waits until the silent place would have written as many tokens, so that one that is only
slower keeps its calls; and how long such a place took is remembered, so that it is not overtaken the next time.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from queue import SimpleQueue

from spaturzu_translators.failures import Failure

from .call import Call
from .chain import Target
from .hop import Hop
from .limits import TOKENS_A_SECOND, LimitName
from .race import Contest, Lane
from .walk import Broken, Came, Effect, Join, Outcome, Result, rest, stops
from .watch import Watch

TOO_LATE: LimitName = "answer_timeout"
"""The code of a silent place's hop once another has answered."""

AGAIN_S = 0.1
"""So often an answer that waits for a silent place looks whether that has failed meanwhile."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A place beside which the rest is asked. `leave` ends its attempt."""

    hop: Hop
    place: Target | None
    leave: Callable[[], object]


class Relief(Contest):
    """The silent place of the caller's own walk, and who was asked after it. A silent one of those is relieved too."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self.silent: list[Silent] = []
        self.came: SimpleQueue[tuple[Lane, Came] | None] = SimpleQueue()
        self.stops: dict[Lane, Callable[[], object]] = {}
        self.tell: Callable[[], object] | None = None
        """Wakes the task that waits for the lanes."""

    def open(self, call: Call, hop: Hop, place: Target | None, watch: Watch) -> Lane | None:
        """A lane for what comes after `place`; None where the race is over."""
        with self.lock:
            if self.over:
                return None
            lane = Lane(self, call.ahead, rest)
            self.silent.append(Silent(hop, place, watch.lose))
            self.lanes.append(lane)
            call.race, call.relieved, call.ahead = self, True, ()
            return lane

    def begun(self, lane: Lane, stop: Callable[[], object]) -> None:
        """`lane` runs, until it is stopped."""
        self.stops[lane] = stop
        if self.over and lane.hop is not self._winner:
            stop()

    def shut(self, call: Call, lane: Lane, *, begun: bool) -> None:
        """There was no thread for `lane`: all is as it was."""
        with self.lock:
            self.silent.pop()
            self.lanes.remove(lane)
            call.relieved, call.ahead = False, lane.call.ahead
            if not begun:
                call.race = None

    def patience_s(self, hop: Hop) -> float:
        """Those before it may take as long as one of its length takes; one that has failed is not waited for."""
        waiting = [each.hop for each in self.silent if each.hop.index < hop.index and each.hop.status == "pending"]
        usage = hop.usage() if waiting and hop.usage is not None else None
        if usage is None or not usage.output_tokens:
            return 0.0
        until = max(each.started for each in waiting) + usage.output_tokens / TOKENS_A_SECOND
        return min(AGAIN_S, max(0.0, until - self.call.chain.clock()))

    def claim(self, hop: Hop) -> bool:
        """`hop` has an answer. Is it the first to have one? Then all others are left."""
        chain, now = self.call.chain, self.call.chain.clock()
        with self.lock:
            if not super().claim(hop):
                return False
            overtaken = [each for each in self.silent if each.hop is not hop and each.hop.status == "failed"]
        for each in self.silent:
            if each.hop is hop:
                key = self.call.key_of(each.place)
                chain.late[key] = max(chain.late.get(key, 0.0), now - hop.started)
        self._stop(hop)
        for each in overtaken:
            if each.hop.code == TOO_LATE and each.hop.index < hop.index:
                chain.late.pop(self.call.key_of(each.place), None)
                self.call.failed(each.place, Failure(kind="timeout", code=TOO_LATE))
        return True

    def leave(self) -> None:
        """The caller was interrupted, or has its error: all are left."""
        super().leave()
        self._stop(None)

    def _end(self) -> None:
        """A silent place that was overtaken has run into its limit."""
        super()._end()
        if self._winner is None:
            return
        for hop in (each.hop for each in self.silent if each.hop.index < self._winner.index):
            if hop.status == "pending" or hop.kind == "cancelled":
                hop.duration_s = self._ended - hop.started
                self._lose(hop)
                hop.kind, hop.code = "timeout", TOO_LATE

    def _stop(self, winner: Hop | None) -> None:
        """Not within the lock: who is left may be about to take it."""
        for each in self.silent:
            if each.hop is not winner:
                each.leave()
        for lane, stop in self.stops.copy().items():
            if lane.hop is not winner:
                stop()

    def ended(self, lane: Lane, came: Came) -> None:
        """A lane has ended, with what."""
        lane.result, lane.ended = came, True

    @property
    def is_decided(self) -> bool:
        """Is there nothing left to wait for?"""
        if self._winner is not None:
            return any(lane.hop is self._winner and lane.ended for lane in self.lanes)
        return all(lane.ended for lane in self.lanes)

    def result(self) -> Result:
        """What the rest of the chain came to. Raises what ended it."""
        self._windows()
        for lane in self.lanes:
            if lane.hop is self._winner and lane.result is not None:
                return _raised(lane.result)
        results = [lane.result for lane in self.lanes if lane.result is not None]
        native = [each for each in results if isinstance(each, Broken) and each.native is not None]
        return native[0] if native else _raised(results[-1])


def _raised(came: Result | BaseException) -> Result:
    if isinstance(came, BaseException):
        raise came
    return came


def relieved(call: Call, hop: Hop, place: Target | None, watch: Watch) -> bool:
    """Have the rest of the chain asked too, if anybody in it is well. False: not now."""
    from .racers import abegin, begin

    if not call.somebody_is_next(healthy=True):
        return False
    race = call.race if isinstance(call.race, Relief) else Relief(call)
    if watch.task is not None:
        watch.on_its_loop(lambda: abegin(race, call, hop, place, watch))
        return True
    return begin(race, call, hop, place, watch)


def with_the_rest(
    call: Call, place: Target | None, result: Result | None, own: Broken | None
) -> Generator[Effect, Outcome, Result]:
    """What the call comes to, whose silent place came to `result` (None: it was overtaken). In a lane: that alone."""
    race = call.race
    assert isinstance(race, Relief)  # noqa: S101 - it was relieved
    if result is not None and (race.call is not call or not isinstance(result, Broken)):
        return result
    if isinstance(result, Broken):
        if stops(call, result, place):
            race.leave()
            return own or result
        if place is None or not call.chain.has_primary:
            own = own or result
    try:
        yield Join(race)
    except BaseException:
        race.leave()
        raise
    found = race.result()
    return own or found if isinstance(found, Broken) else found
