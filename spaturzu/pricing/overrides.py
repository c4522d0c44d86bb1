"""The user's own prices: negotiated ones, models that no list knows, a deployment's or inference profile's real name.

    {"openai": {"gpt-4o": {"input": 2.25, "cache_read": 1.1, "output": 9},
                "our-deployment": {"like": "gpt-4o"},
                "*": {"input": 0, "output": 0}}}

Figures are US dollars per million tokens (web searches: per thousand; audio_seconds: per hour).
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast, get_args

from spaturzu.errors import ConfigError
from spaturzu_translators.messages import PROVIDERS, Provider

from .units import Rate, Unit, rate_of

_UNITS: tuple[Unit, ...] = get_args(Unit)
_ALIASES: dict[str, Provider] = {"google": "gemini", "aws": "bedrock"}
_ABOVE, _TIERS, _LIKE = "above", "service_tiers", "like"


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One model's prices, or (`like`) the name under which the list knows it. `tiers`: rates that differ there."""

    rates: Mapping[Unit, Rate] = field(default_factory=dict[Unit, Rate])
    tiers: Mapping[str, Mapping[Unit, Rate]] = field(default_factory=dict[str, Mapping[Unit, Rate]])
    like: str | None = None

    def rates_for(
        self, context: tuple[tuple[str, str], ...]
    ) -> tuple[Mapping[Unit, Rate], tuple[tuple[str, str], ...]]:
        """The rates, and which demands of the context have none of their own."""
        rates, missing = dict(self.rates), list[tuple[str, str]]()
        for pair in context:
            if pair[1] in self.tiers:
                rates.update(self.tiers[pair[1]])
            else:
                missing.append(pair)
        return rates, tuple(missing)


@dataclass(frozen=True, slots=True, eq=False)
class Overrides:
    """Prices that win over the list. A model's name may end in `*`; the longest that fits is taken."""

    models: Mapping[Provider, Mapping[str, Override]]
    origin: str = "override"

    @classmethod
    def read(cls, given: Mapping[str, Any] | str | Path) -> Overrides:
        """From a mapping, or from a JSON or TOML file. Raises ConfigError with a sentence that names the key."""
        if isinstance(given, Mapping):
            return cls(_read_providers(given, "prices"))
        path = Path(given)
        return cls(_read_providers(_load(path), path.name), f"override ({path.name})")

    def find(self, provider: Provider, model: str) -> Override | None:
        """What the user says of a model, None if nothing."""
        models = self.models.get(provider)
        if not models:
            return None
        if exact := models.get(model):
            return exact
        fitting = [name for name in models if name.endswith("*") and model.startswith(name[:-1])]
        return models[max(fitting, key=len)] if fitting else None


NO_OVERRIDES = Overrides(MappingProxyType({}))


def _load(path: Path) -> Mapping[str, Any]:
    try:
        text = path.read_text("utf-8")
        loaded = (
            tomllib.loads(text, parse_float=Decimal)
            if path.suffix == ".toml"
            else json.loads(text, parse_float=Decimal)
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"prices: {path} cannot be read ({error}); give a JSON or TOML file") from error
    return _table(loaded, path.name)


def _read_providers(given: Mapping[str, Any], where: str) -> Mapping[Provider, Mapping[str, Override]]:
    found: dict[Provider, Mapping[str, Override]] = {}
    for name, models in given.items():
        provider = _ALIASES.get(name, cast("Provider", name))
        if provider not in PROVIDERS:
            raise ConfigError(f"{where}: unknown provider '{name}'; known here: {', '.join(PROVIDERS)}")
        read = {
            model: _read_model(_table(prices, f"{where}.{name}.{model}"), f"{where}.{name}.{model}")
            for model, prices in _table(models, f"{where}.{name}").items()
        }
        found[provider] = {**found.get(provider, {}), **read}
    return found


def _read_model(given: Mapping[str, Any], where: str) -> Override:
    if (like := given.get(_LIKE)) is not None:
        if not isinstance(like, str) or len(given) > 1:
            raise ConfigError(f"{where}: 'like' takes a model's name and stands alone; remove the other keys")
        return Override(like=like)
    if "input" not in given:
        raise ConfigError(f"{where}: 'input' is missing; add its price in dollars per million tokens (0 if it is free)")
    own = {key: value for key, value in given.items() if key != _TIERS}
    tiers = _table(given.get(_TIERS, {}), f"{where}.{_TIERS}")
    return Override(
        rates=_read_rates(own, where),
        tiers={
            name: _read_rates(_table(rates, f"{where}.{_TIERS}.{name}"), f"{where}.{_TIERS}.{name}")
            for name, rates in tiers.items()
        },
    )


def _read_rates(given: Mapping[str, Any], where: str) -> Mapping[Unit, Rate]:
    rates: dict[Unit, Rate] = {}
    starts = _table(given.get(_ABOVE, {}), f"{where}.{_ABOVE}")
    for name, figure in given.items():
        if name != _ABOVE:
            unit = _unit(name, where)
            rates[unit] = Rate(_figure(figure, unit, f"{where}.{name}"))
    for start, dearer in _above(starts, where):
        for name, figure in dearer.items():
            unit = _unit(name, f"{where}.{_ABOVE}.{start}")
            if unit not in rates:
                raise ConfigError(f"{where}.{_ABOVE}.{start}: '{name}' has no price below; add it to {where}")
            tier = (start, _figure(figure, unit, f"{where}.{_ABOVE}.{start}.{name}"))
            rates[unit] = Rate(rates[unit].base, (*rates[unit].tiers, tier))
    return rates


def _above(starts: Mapping[str, Any], where: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for start in starts:
        if not str(start).isdecimal():
            raise ConfigError(f"{where}.{_ABOVE}: '{start}' is not a number of input tokens, as in '200000'")
    for start in sorted(starts, key=int):
        yield int(start), _table(starts[start], f"{where}.{_ABOVE}.{start}")


def _unit(name: str, where: str) -> Unit:
    if name in _UNITS:
        return name
    raise ConfigError(f"{where}: unknown key '{name}'; known here: {', '.join((*_UNITS, _ABOVE, _TIERS, _LIKE))}")


def _figure(value: Any, unit: Unit, where: str) -> int:
    try:
        figure = Decimal(str(value))
    except InvalidOperation:
        figure = Decimal("NaN")
    if isinstance(value, bool) or not figure.is_finite() or figure < 0:
        raise ConfigError(f"{where} is {value!r}; give dollars, as in 2.5")
    try:
        return rate_of(figure, unit)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from error


def _table(value: Any, where: str) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    raise ConfigError(
        f"{where} is a {type(value).__name__}; give a table of prices, as in {{'input': 2.5, 'output': 10}}"
    )
