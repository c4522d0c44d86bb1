"""When a call is sent to a second place beside the first, and for how much money at most. One object for each chain."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict, deque
from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from spaturzu_translators.codec import BadWire
from spaturzu_translators.requests import OpaqueTool

from .choosing import Place, expected_cost, expected_usage

if TYPE_CHECKING:
    from spaturzu.pricing import Overrides

    from .call import Call

KEPT, ENOUGH = 200, 20
"""The latest times of a place are kept; fewer than ENOUGH say nothing about the slowest of them."""
STREAM_S, PLAIN_S = 3.0, 15.0
"""After how long a call is hedged while too little is known: a stream without content, a plain call without answer."""
PLACES = 1024
"""Of so many places and models the times are remembered."""
SLOW = 0.95
MAX_SHARE = 0.03

ONCE = frozenset(
    {"background", "store", "previous_response_id", "previous_interaction_id", "conversation", "container"}
)
"""Keys of a request that make the provider keep something of it, or work on after the answer (providers.md 1.3 and
2.2; peers.md 5.7, 2026-11-22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hedges:
    """What hedging did so far. `calls`: those that went through the chain. `sent` to a second place; `won`: answered
    first there. `capped`: not sent because of `max_share`; `not_twice`: the call may be sent once only; `nobody`: no
    other place was ready for it; `busy`: no thread was free. The sums are expected costs; 0 without a cap.
    """

    calls: int = 0
    sent: int = 0
    won: int = 0
    capped: int = 0
    not_twice: int = 0
    nobody: int = 0
    busy: int = 0
    calls_nanodollars: int = 0
    hedges_nanodollars: int = 0

    def __str__(self) -> str:
        return f"hedges: {self.sent} of {self.calls} calls, {self.won} won, {self.capped} capped"


class Hedging:
    """`after_s` None: after the time that 95 of 100 answers of that place do not take. `max_share` None: no cap.

    `prices` are the user's own. Thread-safe.
    """

    def __init__(
        self, *, after_s: float | None, max_share: float | None = MAX_SHARE, prices: Overrides | None = None
    ) -> None:
        self._after_s, self._max_share, self._prices = after_s, max_share, prices
        self._lock = threading.Lock()
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()
        self._hedges = Hedges()

    @property
    def hedges(self) -> Hedges:
        """Counts so far."""
        return self._hedges

    def began(self, call: Call, place: Place) -> None:
        """`call` has been sent to its first place. To be told while that is waited for: to price it takes a moment."""
        cost = self._cost(call, place)
        self._count(calls=1, calls_nanodollars=0 if cost == math.inf else int(cost))

    def delay_s(self, call: Call, place: Place) -> float:
        """How long that first place is waited for alone."""
        if self._after_s is not None:
            return self._after_s
        with self._lock:
            times = sorted(self._times.get(_kind(call, place), ()))
        if len(times) < ENOUGH:
            return STREAM_S if call.wire.stream else PLAIN_S
        return times[math.ceil(SLOW * len(times)) - 1]

    def may_repeat(self, call: Call) -> bool:
        """May the call be sent twice at all? Counted where it may not."""
        if is_repeatable(call):
            return True
        self._count(not_twice=1)
        return False

    def reserve(self, call: Call, place: Place) -> int | None:
        """What sending it there as well is expected to cost, and now counts as spent; None where that is too much."""
        cost = self._cost(call, place)
        return int(cost) if self._affords(cost) else None

    def nobody(self) -> None:
        """There was no other place to send it to."""
        self._count(nobody=1)

    def busy(self) -> None:
        """There was no thread for it."""
        self._count(busy=1)

    def unsent(self, reserved: int) -> None:
        """It was not sent after all: there was no thread, or the first place was faster."""
        self._count(sent=-1, hedges_nanodollars=-reserved)

    def won(self) -> None:
        """The second place answered first."""
        self._count(won=1)

    def took(self, call: Call, place: Place, seconds: float) -> None:
        """A first place's time to its answer, or until it lost: left out, the slow ones would seem ever fewer."""
        if self._after_s is not None:
            return
        key = _kind(call, place)
        with self._lock:
            self._times.setdefault(key, deque(maxlen=KEPT)).append(seconds)
            self._times.move_to_end(key)
            if len(self._times) > PLACES:
                self._times.popitem(last=False)

    def _cost(self, call: Call, place: Place) -> float:
        """What it is expected to cost there, in nanodollars: 0 where nobody asks, infinite where nobody knows."""
        if self._max_share is None:
            return 0.0
        return expected_cost(call, place, expected_usage(call), self._prices)

    def _affords(self, cost: float) -> bool:
        """Do all hedges, with this one, stay within their share? Then it is counted as sent."""
        with self._lock:
            done = self._hedges
            spent = done.hedges_nanodollars + cost
            if self._max_share is not None and spent > self._max_share * done.calls_nanodollars:
                self._hedges = replace(done, capped=done.capped + 1)
                return False
            self._hedges = replace(done, sent=done.sent + 1, hedges_nanodollars=int(spent))
            return True

    def _count(self, **more: int) -> None:
        with self._lock:
            self._hedges = replace(self._hedges, **{name: getattr(self._hedges, name) + n for name, n in more.items()})


def _kind(call: Call, place: Place) -> Hashable:
    """Whose times are comparable: those of one place, and of streams or of plain answers."""
    return (call.key_of(place), call.wire.stream)


def is_repeatable(call: Call) -> bool:
    """May the call be answered twice? Not where its provider runs tools for it, keeps it, or works in the background.

    OpenAI's Responses are kept unless `store` is false (providers.md 1.3, 2026-11-22).
    """
    kept = call.wire_name == "openai_responses" and call.wire.body.get("store") is not False
    return not kept and may_be_answered_twice(call)


def may_be_answered_twice(call: Call) -> bool:
    """The same, where an answer that is kept and that nobody gets does no harm: as after a timeout."""
    if any(call.wire.body.get(name) for name in ONCE):
        return False
    try:
        return not any(isinstance(tool, OpaqueTool) for tool in call.request.tools)
    except BadWire:
        return False
