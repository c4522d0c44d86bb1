"""Targets that keep failing are cooled down: they go to the end of the chain until a single probe succeeds.

The arithmetic is that of peers.md section 5.3: three weighed failures in a row open for 2 s, doubling to 20 s; a
provider's own Retry-After opens at once; an opening is never shortened. No lock is held across I/O.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from spaturzu_translators.failures import Failure

from .verdicts import VERDICTS

OPEN_AT = 3
FIRST_S, LONGEST_S = 2.0, 20.0


@dataclass(slots=True)
class _State:
    weight: int = 0
    pause_s: float = 0.0
    """How long the last opening was; 0: it never opened."""
    open_until: float = 0.0
    probing: bool = False


class Cooldowns:
    """The state of every target that has failed lately, keyed by endpoint, credential and model. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[Hashable, _State] = {}

    @property
    def quiet(self) -> bool:
        """Has nothing failed lately? Then nobody needs to ask further."""
        return not self._states

    def admit(self, key: Hashable) -> bool:
        """May the target be tried in its place? After an opening has passed, the first who asks is the probe."""
        with self._lock:
            state = self._states.get(key)
            if state is None or not state.pause_s:
                return True
            if self._clock() < state.open_until or state.probing:
                return False
            state.probing = True
            return True

    def reopens_in(self, key: Hashable) -> float:
        """Seconds until the target may be probed; 0 for a target that is not cooled down."""
        with self._lock:
            state = self._states.get(key)
            return max(0.0, state.open_until - self._clock()) if state else 0.0

    def succeeded(self, key: Hashable) -> None:
        """The target works: forget what it did."""
        with self._lock:
            self._states.pop(key, None)

    def released(self, key: Hashable) -> None:
        """Who was admitted is done: if it was the probe and ended without a verdict, another may be it."""
        with self._lock:
            if state := self._states.get(key):
                state.probing = False

    def failed(self, key: Hashable, failure: Failure) -> None:
        """Count a failure, and open where it is one too many or the provider asked for a pause."""
        weight = VERDICTS[failure.kind].weighs
        if not weight:
            return
        with self._lock:
            state = self._states.setdefault(key, _State())
            state.weight += weight
            if state.probing or state.weight >= OPEN_AT or failure.retry_after_s:
                self._open(state, failure.retry_after_s)

    def _open(self, state: _State, told_s: float | None) -> None:
        state.weight = 0
        state.probing = False
        state.pause_s = min(LONGEST_S, 2 * state.pause_s or FIRST_S)
        state.open_until = max(state.open_until, self._clock() + min(LONGEST_S, told_s or state.pause_s))
