"""genai-prices: the price list in its wheel. Imported when first asked (0.4 s), never updated by us."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from spaturzu.courtesy import loading

from .names import Seller
from .units import UNITS, Rate, Unit, rate_of

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant

_SUPPLEMENT: dict[str, tuple[dict[Unit, str], str]] = {
    "gpt-4o-audio-preview": ({"input_audio": "40", "output_audio": "80"}, "OpenAI's page of the model, 2026-11-25"),
    "gpt-4o-mini-audio-preview": (
        {"input_audio": "10", "output_audio": "20"},
        "OpenAI's page of the model, 2026-11-25",
    ),
}
"""Figures that genai-prices 0.2.3 lacks, by its name for the model, and where they were read. Its own win."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A model's own rates on a day. `missing`: demands (a tier, a region) that the list has no price for."""

    model: str
    origin: str
    rates: Mapping[Unit, Rate]
    missing: tuple[tuple[str, str], ...] = ()


def version() -> str:
    """Which list: "genai-prices 0.2.3", or "genai-prices updated 2026-12-01" where the program updates it itself."""
    snapshot = _snapshot()
    if snapshot.from_auto_update:
        return f"genai-prices updated {snapshot.timestamp.date().isoformat()}"
    return f"genai-prices {_installed()}"


@cache
def _installed() -> str:
    from importlib.metadata import version as installed

    return installed("genai-prices")


_RELEASED = {"0.2.3": "2026-11-10"}
"""Its data carry no date of their own; the wheel's, from its registry, read 2026-11-22."""


def released() -> str | None:
    """The day of the list in force (an ISO date), as far as it is known here."""
    snapshot = _snapshot()
    if snapshot.from_auto_update:
        return snapshot.timestamp.date().isoformat()
    return _RELEASED.get(_installed())


class _Seen:
    """The list in force when last looked: a program that updates genai-prices itself puts another in its place."""

    snapshot: DataSnapshot | None = None


def has_changed() -> bool:
    """Is another list in force than at the last question? True the first time."""
    snapshot = _snapshot()
    changed, _Seen.snapshot = snapshot is not _Seen.snapshot, snapshot
    return changed


def _snapshot() -> DataSnapshot:
    return _reader()()


@cache
def _reader() -> Callable[[], DataSnapshot]:
    with loading():
        from genai_prices.data_snapshot import get_snapshot

        get_snapshot()  # loads the figures
    return get_snapshot


def find(seller: Seller, name: str, context: Mapping[str, str], day: int) -> Listed | None:
    """What the list says of a model on a day, or None where it does not know the name or any figure."""
    model = lookup(seller, name)
    if model is None:
        return None
    at = _EPOCH + timedelta(days=day)
    prices = model.get_prices(at, context)
    missing = tuple((key, value) for key, value in context.items() if not _has_variant(model, key, value, at))
    rates, origin = _supplemented(seller, model.id, _rates(prices))
    return Listed(model=model.id, origin=origin, rates=rates, missing=missing) if rates else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notes:
    """What the list says beside figures: its own date, the price pages, since when these hold, remarks."""

    dated: str | None = None
    pages: tuple[str, ...] = ()
    since: str | None = None
    comments: str | None = None


def notes(seller: Seller, name: str, day: int) -> Notes | None:
    """None where the list does not know the name."""
    model = lookup(seller, name)
    if model is None:
        return None
    pages = tuple(_snapshot().find_provider(None, seller, None).pricing_urls or ())
    return Notes(
        dated=released(), pages=pages, since=_since(model, _EPOCH + timedelta(days=day)), comments=model.price_comments
    )


def _since(model: ModelInfo, at: datetime) -> str | None:
    starts = [
        start.isoformat()
        for price in (model.prices if isinstance(model.prices, list) else [])
        if (start := getattr(price.constraint, "start_date", None)) and start <= at.date()
    ]
    return max(starts, default=None)


def lookup(seller: Seller, name: str) -> ModelInfo | None:
    """The list's entry."""
    try:
        return _snapshot().find_provider_model(name, None, seller, None)[1]
    except LookupError:
        return None


def models(seller: Seller) -> list[str]:
    """The ids of a seller's entries."""
    return sorted(model.id for model in _snapshot().find_provider(None, seller, None).models)


def _has_variant(model: ModelInfo, key: str, value: str, at: datetime) -> bool:
    return any(
        variant.when == {key: value} and (variant.constraint is None or variant.constraint.active(at))
        for variant in _variants(model)
    )


def _variants(model: ModelInfo) -> list[PriceVariant]:
    return model.price_variants or []


_PREVIEWS = re.compile(r"gpt-4(?:o|\.1)")
_OPENAI_RUNS: dict[Unit, Rate] = {
    "web_searches": Rate(rate_of(Decimal(10), "web_searches")),
    "file_searches": Rate(rate_of(Decimal("2.5"), "file_searches")),
}
_PREVIEW = Rate(rate_of(Decimal(25), "preview_searches"))
"""What OpenAI's searches cost, whatever the model; with the preview tool, of models that do not reason, more. The list
has it for some models only. OpenAI's pricing page as quoted in its forum, topic 1363698, 2025-10; files: the list."""


def _supplemented(seller: Seller, model: str, rates: dict[Unit, Rate]) -> tuple[dict[Unit, Rate], str]:
    figures, read = _SUPPLEMENT.get(model, ({}, ""))
    added: dict[Unit, Rate] = {
        unit: Rate(rate_of(Decimal(figure), unit)) for unit, figure in figures.items() if unit not in rates
    }
    if seller == "openai" and "output" in rates:
        rates = _OPENAI_RUNS | rates
        if _PREVIEWS.match(model):
            rates["preview_searches"] = _PREVIEW
    return rates | added, f"{version()} and {read}" if added else version()


def _rates(prices: ModelPrice) -> dict[Unit, Rate]:
    found: dict[Unit, Rate] = {}
    for unit, facts in UNITS.items():
        for key in facts.keys:
            if (figure := getattr(prices, key, None)) is not None:
                found[unit] = _rate(figure, unit)
                break
    return found


def _rate(figure: Any, unit: Unit) -> Rate:
    if not hasattr(figure, "tiers"):
        return Rate(rate_of(figure, unit))
    tiers = tuple((tier.start, rate_of(tier.price, unit)) for tier in figure.tiers)
    return Rate(rate_of(figure.base, unit), tiers)
