"""Who spent what."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .costs import Cost
from .queries import DAY, DAY_S, EVERYTHING, By, Where
from .store import Store

_SUMS = """
    sum(hop = 0), sum(outcome <> 'skipped'), sum(outcome = 'failed'), sum(input_tokens), sum(output_tokens),
    sum(cache_read_tokens), sum(usage_source IN ('tiktoken', 'heuristic')), sum(instr(price_source, ';') > 0),
    sum(cost_nanodollars),
    sum(cost_nanodollars IS NULL AND (
        outcome IN ('served', 'abandoned') OR input_tokens IS NOT NULL OR output_tokens IS NOT NULL))
"""
"""The last is what `costs.is_charged` says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What the hops of one group add up to.

    `calls` began in it, `hops` were sent to a provider, `failed` of them got no answer. `input_tokens` includes cache
    reads. The tokens of `estimated` hops were counted by us, not by the provider; the price of `assumed` ones rests on
    what their `price_source` says the list does not know.
    """

    key: str | None
    calls: int
    hops: int
    failed: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    estimated: int
    assumed: int
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Spending by group, the dearest first (days in their order), and all together. Groups that overlap sum to more."""

    by: By
    groups: tuple[Spend, ...]
    total: Spend


def spend(store: Store, dimension: By, where: Where = EVERYTHING) -> Report:
    """The whole report. An empty one where no hop counts."""
    rows = _grouped(store, dimension, where)
    groups = [_spend(_key(dimension, row[0]), row[1:]) for row in rows]
    groups.sort(key=_by_day if dimension is DAY else _by_cost)
    total = _total(store, where) if dimension.overlaps else [_sum(column) for column in zip(*rows, strict=True)][1:]
    return Report(by=dimension, groups=tuple(groups), total=_spend(None, total or [None] * 10))


def _sum(column: Sequence[Any]) -> int | None:
    """As SQL has it: None where nothing is known."""
    known = [value for value in column if isinstance(value, int)]
    return sum(known) if known else None


def _by_cost(group: Spend) -> tuple[int, int, str]:
    return -(group.cost.nanodollars or 0), -group.hops, group.key or ""


def _by_day(group: Spend) -> str:
    return group.key or ""


def _grouped(store: Store, dimension: By, where: Where) -> list[Any]:
    condition, parameters = where.sql()
    source = "hops, json_each(hops.tags) AS tagged" if dimension.overlaps else "hops"
    return store.select(
        f"SELECT {dimension.key}, {_SUMS} FROM {source} WHERE {condition} GROUP BY 1",  # noqa: S608 - our own parts
        [*dimension.parameters, *parameters],
    )


def _total(store: Store, where: Where) -> Sequence[Any]:
    condition, parameters = where.sql()
    return store.select(f"SELECT {_SUMS} FROM hops WHERE {condition}", parameters)[0]  # noqa: S608 - our own parts


def _key(dimension: By, key: Any) -> str | None:
    if dimension is DAY:
        return datetime.datetime.fromtimestamp(key * DAY_S, datetime.UTC).date().isoformat()
    return key


_COUNTS = ("calls", "hops", "failed", "input_tokens", "output_tokens", "cache_read_tokens", "estimated", "assumed")


def _spend(key: str | None, sums: Sequence[int | None]) -> Spend:
    *counts, nanodollars, unpriced = sums
    counted = {name: count or 0 for name, count in zip(_COUNTS, counts, strict=True)}
    return Spend(key=key, cost=Cost(nanodollars, unpriced or 0), **counted)
