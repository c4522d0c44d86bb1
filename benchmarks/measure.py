"""Two contenders in one run: rounds that alternate, CPU time, medians.

A round runs one contender's batch and then the other's, the next round the other way about, and each round has a ratio
of its own: what slows the machine for a while slows both. CPU time, not wall time, since other programs share it.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Literal

Unit = Literal["us", "ms", "count", "MB", "per s"]
SCALE: dict[Unit, float] = {"us": 1e6, "ms": 1e3, "count": 1, "MB": 1, "per s": 1}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table. With an `opponent`, `bound` is on the ratio; without one, on `ours` in `unit`.

    `ours` and `opponent` are medians in `unit`; `low` and `high` are the quartiles of what is bounded. `bound`
    None: for information.
    """

    name: str
    unit: Unit
    ours: float
    opponent: float | None = None
    ratio: float | None = None
    low: float
    high: float
    bound: float | None = None

    @property
    def judged(self) -> float:
        """What the bound is on."""
        return self.ours if self.ratio is None else self.ratio

    @property
    def ok(self) -> bool:
        """Within the bound?"""
        return self.bound is None or self.judged <= self.bound


@dataclass(frozen=True)
class Times:
    """Seconds of CPU per call, round by round."""

    ours: Sequence[float]
    opponent: Sequence[float]

    def row(self, name: str, unit: Unit, bound: float | None) -> Row:
        """The line they make."""
        ratios = [mine / other for mine, other in zip(self.ours, self.opponent, strict=True)]
        low, _, high = quantiles(ratios, n=4)
        return Row(
            name=name,
            unit=unit,
            ours=median(self.ours) * SCALE[unit],
            opponent=median(self.opponent) * SCALE[unit],
            ratio=median(ratios),
            low=low,
            high=high,
            bound=bound,
        )


def compare(
    ours: Callable[[], object],
    opponent: Callable[[], object],
    *,
    rounds: int,
    calls: int = 1,
    warm: int = 3,
    clock: Callable[[], float] = time.process_time,
) -> Times:
    """Batches of `calls` calls each, side by side."""
    for _ in range(warm):
        ours()
        opponent()
    gc.collect()
    mine, other = list[float](), list[float]()
    for number in range(rounds):
        pair = [(ours, mine), (opponent, other)]
        for batch, times in pair if number % 2 else reversed(pair):
            started = clock()
            batch()
            times.append((clock() - started) / calls)
    return Times(mine, other)


def alone(name: str, unit: Unit, seen: Sequence[float], bound: float | None) -> Row:
    """A line without an opponent; `seen` in seconds, or counts."""
    scaled = [value * SCALE[unit] for value in seen]
    low, middle, high = quantiles(scaled, n=4) if len(scaled) > 1 else scaled * 3
    return Row(name=name, unit=unit, ours=middle, low=low, high=high, bound=bound)
