"""In which order a call tries its places: as written, by weight, by speed or by price; and where a conversation stays.

A place is a target, or None for the primary. Breakers come after: an open one goes to the end, whatever stands here.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from random import random
from typing import TYPE_CHECKING, Literal, TypeAlias

from spaturzu_translators.codec import BadWire
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.responses import Usage

if TYPE_CHECKING:
    from spaturzu.pricing import Overrides

    from .call import Call
    from .chain import Target

Strategy: TypeAlias = Literal["ordered", "weighted", "fastest", "cheapest"]
Place: TypeAlias = "Target | None"

FRESH_S = 60.0
"""An older measure of a place's speed says nothing any more: the place is measured anew."""
SMOOTHING = 0.3
"""How much the latest call counts."""
CONVERSATIONS = 10_000
ANSWER_TOKENS = 500
"""What an answer is taken to have where the call sets no limit: only to compare prices."""
CHARACTERS_PER_TOKEN = 4
ONE_EACH = Usage(input_tokens=1, output_tokens=1)
"""Enough to ask whether a price is known."""


@dataclass(frozen=True, kw_only=True)
class Choosing:
    """How a chain chooses. `weight` is the primary's; `affinity_s`: how long a conversation stays where it was.

    `prices`: the user's own, for `cheapest`.
    """

    strategy: Strategy = "ordered"
    weight: float = 1.0
    affinity_s: float | None = None
    prices: Overrides | None = None
    random: Callable[[], float] = random
    speeds: Speeds = field(default_factory=lambda: Speeds())
    homes: Homes = field(default_factory=lambda: Homes())

    @property
    def is_as_written(self) -> bool:
        """Is there nothing to choose? Then nobody needs to ask or be told."""
        return self.strategy == "ordered" and self.affinity_s is None

    def order(self, call: Call, places: Sequence[Place]) -> Sequence[Place]:
        """The places in the order in which `call` tries them."""
        chosen = _ORDERS[self.strategy](self, call, places)
        if self.affinity_s is None:
            return chosen
        home = self.homes.of(conversation_of(call), self.affinity_s)
        return sorted(chosen, key=lambda place: call.key_of(place) != home)  # stable: the rest stays as chosen

    def served(self, call: Call, place: Place, duration_s: float) -> None:
        """A place has answered: plain answers count whole, streams up to their first content."""
        key = call.key_of(place)
        if self.strategy == "fastest":
            self.speeds.measured(key, duration_s)
        if self.affinity_s is not None:
            self.homes.keep(conversation_of(call), key)


def _as_written(_: Choosing, __: Call, places: Sequence[Place]) -> Sequence[Place]:
    return places


def _by_weight(choosing: Choosing, _: Call, places: Sequence[Place]) -> Sequence[Place]:
    """A random order in which each place comes first as often as its weight says; weight 0 comes last."""

    def drawn(place: Place) -> float:
        weight = choosing.weight if place is None else place.weight
        return -math.log(1.0 - choosing.random()) / weight if weight else math.inf

    return sorted(places, key=drawn)


def _by_speed(choosing: Choosing, call: Call, places: Sequence[Place]) -> Sequence[Place]:
    """The fastest first. One that was not measured lately is tried, in its place among the others'."""
    return sorted(places, key=lambda place: choosing.speeds.expected_s(call.key_of(place)))


def _by_price(choosing: Choosing, call: Call, places: Sequence[Place]) -> Sequence[Place]:
    """The least expensive first; those without a known price last."""
    usage = expected_usage(call)
    return sorted(places, key=lambda place: expected_cost(call, place, usage, choosing.prices))


_ORDERS: dict[Strategy, Callable[[Choosing, Call, Sequence[Place]], Sequence[Place]]] = {
    "ordered": _as_written,
    "weighted": _by_weight,
    "fastest": _by_speed,
    "cheapest": _by_price,
}


def expected_usage(call: Call) -> Usage:
    """A rough guess, the same for all places: it only has to rank them."""
    try:
        request = call.request
    except BadWire:
        return Usage(input_tokens=0, output_tokens=ANSWER_TOKENS)
    characters = sum(map(len, _texts(request.system))) + sum(_characters(message) for message in request.messages)
    return Usage(input_tokens=characters // CHARACTERS_PER_TOKEN, output_tokens=request.max_tokens or ANSWER_TOKENS)


def _characters(message: Message) -> int:
    return sum(map(len, _texts(message.parts)))


def _texts(parts: Iterable[object]) -> Iterable[str]:
    return (part.text for part in parts if isinstance(part, Text))


def expected_cost(call: Call, place: Place, usage: Usage, prices: Overrides | None = None) -> float:
    """Nanodollars; infinite where the price is not known. `prices` are the user's own."""
    from spaturzu.pricing import price

    provider, model = (call.provider, call.wire.model) if place is None else (place.provider, place.model)
    priced = price(provider, model, usage, overrides=prices)
    return math.inf if priced is None else priced.nanodollars


def conversation_of(call: Call) -> Hashable:
    """Which conversation a call continues: its session's id, or what its first turn says."""
    if call.record.session_id is not None:
        return call.record.session_id
    try:
        request = call.request
    except BadWire:
        return None
    first = request.messages[0].parts if request.messages else ()
    return hash((request.model, *_texts(request.system), *_texts(first)))


class Speeds:
    """How long each place took lately, as a moving average. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._seen: dict[Hashable, tuple[float, float]] = {}

    def measured(self, key: Hashable, duration_s: float) -> None:
        """One call's time."""
        now = self._clock()
        with self._lock:
            average, at = self._seen.get(key, (duration_s, now))
            fresh = now - at <= FRESH_S
            self._seen[key] = (average + SMOOTHING * (duration_s - average) if fresh else duration_s, now)

    def expected_s(self, key: Hashable) -> float:
        """What to expect; 0 where nothing is known, so that the place is tried."""
        with self._lock:
            average, at = self._seen.get(key, (0.0, -math.inf))
        return average if self._clock() - at <= FRESH_S else 0.0


class Homes:
    """Where conversations were served last: there the provider's prompt cache is warm. Bounded, thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._homes: OrderedDict[Hashable, tuple[Hashable, float]] = OrderedDict()

    def of(self, conversation: Hashable, lasting_s: float) -> Hashable | None:
        """The key of the place, None where there is none any more."""
        with self._lock:
            key, at = self._homes.get(conversation, (None, -math.inf))
        return key if self._clock() - at <= lasting_s else None

    def keep(self, conversation: Hashable, key: Hashable) -> None:
        """It was served there just now."""
        with self._lock:
            self._homes[conversation] = (key, self._clock())
            self._homes.move_to_end(conversation)
            if len(self._homes) > CONVERSATIONS:
                self._homes.popitem(last=False)
