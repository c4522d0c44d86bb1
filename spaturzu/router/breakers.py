"""Targets that keep failing are left out of their place until a single probe succeeds: one breaker for each.

The arithmetic is that of peers.md 5.3 (2026-11-22): a window of 30 s; three weighed failures in a row open, and so do
five samples of which half have failed; for 2 s at first, doubling to 20 s, give or take a fifth; a provider's own
Retry-After opens at once; an opening is never shortened. No lock is held across I/O, but for a shared file's.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from spaturzu_translators.failures import Failure

from .keys import digest
from .verdicts import VERDICTS

WINDOW_S = 30.0
OPEN_AT, SAMPLES, RATIO = 3, 5, 0.5
FIRST_S, LONGEST_S, JITTER = 2.0, 20.0, 0.2
KEPT = 1024
"""So many targets are remembered at most; then those whose failures are old are forgotten."""

if TYPE_CHECKING:
    from .shared import SharedBreakers

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One target's breaker. `failures` and `samples` are those of the last 30 s, each by its weight.

    `reopens_in_s`: until it may be probed. `openings` in a row, without a success between them.
    """

    target: str
    state: BreakerState = "closed"
    reopens_in_s: float = 0.0
    failures: int = 0
    samples: int = 0
    openings: int = 0

    def __str__(self) -> str:
        until = f" for {self.reopens_in_s:.1f} s" if self.state == "open" else ""
        failed = f", {self.failures} of {self.samples} failed" if self.samples else ""
        return f"{self.target}: {self.state}{until}{failed}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A breaker has gone from one state to another. `seconds`: for how long, where it opened."""

    target: str
    before: BreakerState
    after: BreakerState
    seconds: float = 0.0


@dataclass(slots=True)
class _State:
    target: str
    samples: deque[tuple[float, int, bool]] = field(default_factory=deque[tuple[float, int, bool]])
    """(when, weight, did it fail)"""
    streak: int = 0
    openings: int = 0
    open_until: float = 0.0
    probing: bool = False
    from_file: bool = False

    def at(self, now: float) -> BreakerState:
        if not self.openings:
            return "closed"
        return "open" if now < self.open_until else "half_open"

    def weighed(self, now: float) -> tuple[int, int]:
        """Failures and samples within the window."""
        while self.samples and self.samples[0][0] < now - WINDOW_S:
            self.samples.popleft()
        failed = weighed = 0
        for _, weight, has_failed in self.samples:
            weighed += weight
            failed += weight if has_failed else 0
        return failed, weighed

    def is_too_many(self, now: float) -> bool:
        failed, all_of_them = self.weighed(now)
        return self.streak >= OPEN_AT or (all_of_them >= SAMPLES and failed >= RATIO * all_of_them)


class Breakers:
    """The breakers of all targets that have failed lately, by endpoint, credential and model. Thread-safe.

    `on_change` is called, outside the lock, with every `Change`; what it raises is counted in `errors`.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        rand: Callable[[], float] = random.random,
        shared: SharedBreakers | None = None,
    ) -> None:
        self._clock, self._rand, self._shared = clock, rand, shared
        self._lock = threading.RLock()
        self._states: dict[Hashable, _State] = {}
        self._swept = clock()
        self.on_change: list[Callable[[Change], None]] = []
        self._hook_errors = 0

    @property
    def errors(self) -> int:
        """How often `on_change` raised or the shared file failed; no call suffered from it."""
        return self._hook_errors + (self._shared.errors if self._shared else 0)

    @property
    def quiet(self) -> bool:
        """Has nothing failed lately? Then nobody needs to ask further."""
        return self._shared is None and not self._states

    def forget(self) -> None:
        """Close all breakers of this process, without a word to `on_change`: for tests."""
        with self._lock:
            self._states.clear()

    def fresh(self) -> Breakers:
        """Breakers of the same kind that remember nothing and share nothing."""
        return Breakers(self._clock, self._rand)

    def admit(self, key: Hashable) -> bool:
        """May the target be tried in its place? After an opening has passed, the first who asks is the probe."""
        with self._lock:
            self._refresh()
            self._sweep()
            state = self._states.get(self._own(key))
            if state is None or not state.openings:
                return True
            if self._clock() < state.open_until or state.probing:
                return False
            state.probing = self._shared is None or self._shared.claim(digest(key))
            return state.probing

    def _sweep(self) -> None:
        """Forget closed breakers whose failures are all too old to count: nobody may ever ask for their targets again,
        and while one is remembered every call is walked.
        """
        now = self._clock()
        if now - self._swept <= WINDOW_S:
            return
        self._swept = now
        for key, state in tuple(self._states.items()):
            if not state.openings and not state.weighed(now)[0]:
                del self._states[key]

    def is_closed(self, key: Hashable) -> bool:
        """Would the target be tried in its place, as far as is known, and not as a probe?"""
        with self._lock:
            state = self._states.get(self._own(key))
            return state is None or not state.openings

    def reopens_in(self, key: Hashable) -> float:
        """Seconds until the target may be probed; 0 for one that may be tried."""
        with self._lock:
            state = self._states.get(self._own(key))
            return max(0.0, state.open_until - self._clock()) if state else 0.0

    def succeeded(self, key: Hashable) -> None:
        """The target works: its breaker closes."""
        key = self._own(key)
        with self._lock:
            state = self._states.get(key)
            if state is None:
                return
            now = self._clock()
            before = state.at(now)
            state.samples.append((now, 1, False))
            state.streak, state.probing = 0, False
            if before != "closed":
                self._close(key, state)
            if not state.weighed(now)[0]:
                del self._states[key]
        self._tell(state.target, before, "closed")

    def released(self, key: Hashable) -> None:
        """Who was admitted is done: if it was the probe and ended without a verdict, another may be it."""
        with self._lock:
            if (state := self._states.get(self._own(key))) and state.probing:
                state.probing = False
                if self._shared is not None:
                    self._shared.release(digest(key))

    def failed(self, key: Hashable, failure: Failure, target: str = "") -> None:
        """Count a failure, and open where it is one too many or the provider asked for a pause."""
        weight = VERDICTS[failure.kind].weighs
        if not weight:
            return
        key = self._own(key)
        with self._lock:
            state = self._states.get(key) or self._new(key, target)
            now = self._clock()
            before = state.at(now)
            state.samples.append((now, weight, True))
            state.streak += weight
            told_s = failure.retry_after_s
            if before == "open":
                self._prolong(state, now, told_s)  # a call that began before it opened, or one that nobody else took
            elif before == "half_open" or told_s or state.is_too_many(now):
                self._open(key, state, now, told_s)
            after, seconds = state.at(now), state.open_until - now
        self._tell(state.target, before, after, seconds)

    def open(self, key: Hashable) -> None:
        """One failure is enough for whoever asks: open it, unless it is not closed, or has not failed lately."""
        key = self._own(key)
        with self._lock:
            state, now = self._states.get(key), self._clock()
            if state is None or state.openings or not state.weighed(now)[0]:
                return
            self._open(key, state, now, None)
            seconds = state.open_until - now
        self._tell(state.target, "closed", "open", seconds)

    def health(self, targets: Iterable[tuple[Hashable, str]]) -> list[Health]:
        """The breakers of these targets, each with its name."""
        with self._lock:
            self._refresh()
            return [self._health(self._states.get(self._own(key)), name) for key, name in targets]

    def all_health(self) -> list[Health]:
        """Every breaker that is not plainly closed: for a metric."""
        with self._lock:
            self._refresh()
            return [self._health(state, state.target) for state in self._states.values()]

    def _health(self, state: _State | None, name: str) -> Health:
        if state is None:
            return Health(target=name)
        now = self._clock()
        failed, samples = state.weighed(now)
        return Health(
            target=name,
            state=state.at(now),
            reopens_in_s=max(0.0, state.open_until - now) if state.openings else 0.0,
            failures=failed,
            samples=samples,
            openings=state.openings,
        )

    def _new(self, key: Hashable, target: str) -> _State:
        if len(self._states) >= KEPT:
            now = self._clock()
            old = [key for key, state in self._states.items() if state.at(now) != "open" and not state.weighed(now)[0]]
            for gone in old or list(self._states)[: KEPT // 8]:  # not one at a time: the search costs 0.5 ms
                del self._states[gone]
        state = self._states[key] = _State(target)
        return state

    def _open(self, key: Hashable, state: _State, now: float, told_s: float | None) -> None:
        state.openings += 1
        state.streak, state.probing = 0, False
        pause_s = min(LONGEST_S, FIRST_S * 2 ** min(state.openings - 1, 10))
        pause_s = min(LONGEST_S, told_s or pause_s * (1 - JITTER + 2 * JITTER * self._rand()))
        state.open_until = max(state.open_until, now + pause_s)
        if self._shared is not None:
            state.from_file = self._shared.opened(str(key), state.target, state.openings, state.open_until - now)

    def _prolong(self, state: _State, now: float, told_s: float | None) -> None:
        if told_s:
            state.open_until = max(state.open_until, now + min(LONGEST_S, told_s))

    def _close(self, key: Hashable, state: _State) -> None:
        state.openings, state.open_until = 0, 0.0
        state.samples.clear()
        if self._shared is not None:
            self._shared.closed(str(key))

    def _refresh(self) -> None:
        """What other processes have found out."""
        rows = self._shared.news() if self._shared is not None else None
        if rows is None:
            return
        now = self._clock()
        for row in rows:
            state = self._states.setdefault(row.key, _State(row.target))
            state.from_file = True
            state.openings = max(state.openings, row.openings)
            state.open_until = max(state.open_until, now + row.reopens_in_s)
        told = {row.key for row in rows}
        for key in [key for key, state in self._states.items() if state.from_file and key not in told]:
            del self._states[key]  # another process closed it

    def _own(self, key: Hashable) -> Hashable:
        """The key under which a state is kept: the file's, where there is one."""
        return key if self._shared is None else digest(key)

    def _tell(self, target: str, before: BreakerState, after: BreakerState, seconds: float = 0.0) -> None:
        if before == after:
            return
        change = Change(target=target, before=before, after=after, seconds=seconds if after == "open" else 0.0)
        for listener in list(self.on_change):
            try:
                listener(change)
            except Exception:  # noqa: BLE001 - a listener's failure is counted, never the call's
                self._hook_errors += 1


PROCESS = Breakers()
"""Those of this process: every client built with options uses them, unless its options share a file."""

_SHARING: dict[str, Breakers] = {}
_SHARING_LOCK = threading.Lock()


def breakers_of(path: str | Path) -> Breakers:
    """Those that share a file: one for each file and process. Raises OSError if it cannot be made."""
    from .shared import SharedBreakers

    name = str(Path(path).absolute())
    with _SHARING_LOCK:
        if name not in _SHARING:
            _SHARING[name] = Breakers(shared=SharedBreakers(path))
        return _SHARING[name]
