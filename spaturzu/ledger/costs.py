"""Costs that are partly not known: a sum never counts an unknown price as nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .record import Record


@dataclass(frozen=True, slots=True)
class Cost:
    """`nanodollars` is the sum of what is known, None where nothing is. The price of `unpriced` hops is not known."""

    nanodollars: int | None = None
    unpriced: int = 0

    def __add__(self, other: Cost) -> Cost:
        known = [part for part in (self.nanodollars, other.nanodollars) if part is not None]
        return Cost(sum(known) if known else None, self.unpriced + other.unpriced)


def is_charged(record: Record) -> bool:
    """Does a provider charge for this hop? One that failed without a usage is charged by none of the five."""
    return record.outcome in ("served", "abandoned") or record.usage is not None


def cost_of(records: Iterable[Record]) -> Cost:
    """What the hops cost together."""
    total = Cost()
    for record in records:
        unpriced = record.cost_nanodollars is None and is_charged(record)
        total += Cost(record.cost_nanodollars, int(unpriced))
    return total
