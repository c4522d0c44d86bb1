"""A model's prices as a price page shows them: for people, and for those who do their own sums."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Usage

from . import genai
from .names import candidates
from .overrides import NO_OVERRIDES, Overrides
from .tariff import PriceSource, Tariff, day_of, tariff
from .tiers import context_of
from .units import Rate, Unit, figure_of

_NO_USAGE = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """US dollars per million tokens; per thousand searches, per hour of audio. `above`: from which input what holds."""

    base: Decimal
    above: Mapping[int, Decimal] = field(default_factory=dict[int, Decimal])


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """`figures` holds every unit that has a price; those not in `own` are charged like another unit.

    `dated` is the day of the list, `since` that from which the figures hold (ISO dates); `pages` and `comments`
    are what it says itself. Each where it is known.
    """

    provider: Provider
    model: str
    source: PriceSource
    origin: str
    figures: Mapping[Unit, Figure]
    own: frozenset[Unit]
    assumptions: tuple[str, ...] = ()
    dated: str | None = None
    pages: tuple[str, ...] = ()
    since: str | None = None
    comments: str | None = None


def quote(
    provider: Provider,
    model: str,
    *,
    service_tier: str | None = None,
    at: float | datetime | None = None,
    overrides: Overrides | None = None,
) -> Quote | None:
    """The prices in force at `at` (Unix seconds or a datetime; now if not given), None where they are not known."""
    day, context = day_of(at), context_of(provider, _NO_USAGE, service_tier)
    found = tariff(provider, model, None, context, day, overrides or NO_OVERRIDES)
    if found is None:
        return None
    notes = _notes(provider, model, day) if found.source == "genai-prices" else genai.Notes()
    return Quote(
        provider=provider,
        model=found.model,
        source=found.source,
        origin=found.origin,
        figures=_figures(found),
        own=found.own,
        assumptions=found.assumed,
        dated=notes.dated,
        pages=notes.pages,
        since=notes.since,
        comments=notes.comments,
    )


def _figures(found: Tariff) -> dict[Unit, Figure]:
    return {unit: _figure(rate, unit) for unit, rate in found.rates.items()}


def _figure(rate: Rate, unit: Unit) -> Figure:
    return Figure(
        base=figure_of(rate.base, unit), above={start: figure_of(dearer, unit) for start, dearer in rate.tiers}
    )


def _notes(provider: Provider, model: str, day: int) -> genai.Notes:
    for sold in candidates(provider, model, None):
        for name in sold.names:
            if notes := genai.notes(sold.seller, name, day):
                return notes
    return genai.Notes()
