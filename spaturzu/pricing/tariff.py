"""The rates of one model on one day, resolved once and kept: from the user's overrides, then from genai-prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from time import time
from typing import Literal, TypeAlias

from spaturzu_translators.messages import Provider

from . import genai
from .names import SELLERS, Seller, Sold, candidates
from .overrides import NO_OVERRIDES, Overrides
from .units import UNITS, Rate, Unit

PriceSource: TypeAlias = Literal["override", "genai-prices"]

_NO_STAND_IN: dict[Seller, frozenset[Unit]] = {"openai": frozenset({"input_audio", "output_audio", "cache_read_audio"})}
"""OpenAI's audio is many times dearer than its text, so where its price is missing it is not text's. Elsewhere a model
without a price for audio has one price for both (Google's page, as genai-prices 0.2.3 has it)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """`rates` holds every unit that has a price, its own or a stand-in's. `assumed`: what no figure was found for."""

    source: PriceSource
    origin: str
    model: str
    rates: Mapping[Unit, Rate]
    own: frozenset[Unit]
    assumed: tuple[str, ...] = ()


def tariff(
    provider: Provider,
    model: str | None,
    request_model: str | None,
    context: tuple[tuple[str, str], ...],
    day: int,
    overrides: Overrides = NO_OVERRIDES,
) -> Tariff | None:
    """None where no list knows the model. `day` counts from 1970-01-01 UTC."""
    if genai.has_changed():
        _tariff.cache_clear()
    return _tariff(provider, model, request_model, context, day, overrides)


@lru_cache(maxsize=4096)
def _tariff(
    provider: Provider,
    model: str | None,
    request_model: str | None,
    context: tuple[tuple[str, str], ...],
    day: int,
    overrides: Overrides,
) -> Tariff | None:
    for name in (model, request_model):
        if name and (own := overrides.find(provider, name)):
            if own.like is not None:
                return _listed(candidates(provider, own.like, None), context, day)
            rates, missing = own.rates_for(context)
            return _complete("override", overrides.origin, name, rates, _without_price(missing))
    return _listed(candidates(provider, model, request_model), context, day)


def _listed(sold: tuple[Sold, ...], context: tuple[tuple[str, str], ...], day: int) -> Tariff | None:
    for number, one in enumerate(sold):
        for name in one.names:
            if found := genai.find(one.seller, name, dict(context), day):
                assumed = _without_price(found.missing)
                if number:
                    assumed += (f"{sold[0].names[0]} is not in the list, priced as {found.model}",)
                closed = _NO_STAND_IN.get(one.seller, frozenset())
                return _complete("genai-prices", found.origin, found.model, found.rates, assumed, closed)
    return None


def _without_price(missing: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(f"no price for {name}={value}, standard rates" for name, value in missing)


def _complete(
    source: PriceSource,
    origin: str,
    model: str,
    rates: Mapping[Unit, Rate],
    assumed: tuple[str, ...],
    closed: frozenset[Unit] = frozenset(),
) -> Tariff:
    filled: dict[Unit, Rate] = dict(rates)
    for unit, facts in UNITS.items():
        stand_in: Unit | None = next((other for other in facts.stand_ins if other in rates), None)
        if stand_in and unit not in rates and unit not in closed:
            filled[unit] = rates[stand_in]
    return Tariff(source=source, origin=origin, model=model, rates=filled, own=frozenset(rates), assumed=assumed)


def day_of(at: float | datetime | None) -> int:
    """Days since 1970-01-01 UTC; of now, if not given. A naive datetime is UTC."""
    if isinstance(at, datetime):
        at = (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
    return int((time() if at is None else at) // 86_400)


def known(provider: Provider) -> list[str]:
    """The models of a provider that genai-prices knows."""
    return genai.models(SELLERS[provider])
