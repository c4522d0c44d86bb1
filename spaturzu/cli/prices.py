"""`spaturzu prices`: the figures that calls are priced with, and whether a model has any."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from spaturzu.pricing import Figure, Overrides, Quote, known, quote
from spaturzu.pricing.units import UNITS
from spaturzu_translators.messages import PROVIDERS, Provider

_BUYS = {10**6: "million tokens", 10**3: "thousand", 3600: "hour"}
_ALIASES: dict[str, Provider] = {"google": "gemini", "aws": "bedrock", **{name: name for name in PROVIDERS}}


@dataclass(frozen=True, slots=True)
class Asked:
    """What to look for, and where and when."""

    tier: str | None = None
    at: float | None = None
    overrides: Overrides | None = None


def read_overrides(file: Path | None) -> Overrides | None:
    """The user's prices. Raises ConfigError."""
    return None if file is None else Overrides.read(file)


def split(named: str) -> tuple[Provider | None, str]:
    """`anthropic/claude-haiku-4-5` names the provider, a plain id does not."""
    head, slash, tail = named.partition("/")
    return (_ALIASES[head], tail) if slash and head in _ALIASES else (None, named)


def quotes(named: str, provider: Provider | None, asked: Asked) -> list[Quote]:
    """The model's prices at every provider that has it, or at the one that is named."""
    own, model = (provider, named) if provider else split(named)
    found = [
        quote(one, model, service_tier=asked.tier, at=asked.at, overrides=asked.overrides)
        for one in ((own,) if own else PROVIDERS)
    ]
    return [one for one in found if one is not None]


def show(found: Sequence[Quote], *, as_json: bool) -> None:
    """A table for each provider, with where its figures are from."""
    if as_json:
        click.echo(json.dumps([_plain(one) for one in found], ensure_ascii=False, indent=2))
        return
    console = Console()
    for one in found:
        table = Table("US dollars for", "price", title=f"{one.provider}/{one.model}", title_justify="left")
        for row in _rows(one):
            table.add_row(*row)
        console.print(table)
        for line in _notes(one):
            console.print(line, markup=False, highlight=False)


def _rows(one: Quote) -> Iterator[tuple[str, str]]:
    for unit, facts in UNITS.items():
        if unit in one.own:
            figure = one.figures[unit]
            yield f"{unit.replace('_', ' ')}, {_BUYS[facts.per]}", _price(figure)


def _price(figure: Figure) -> str:
    dearer = [f"{_figure(price)} above {start:,} input tokens" for start, price in figure.above.items()]
    return ", ".join((_figure(figure.base), *dearer))


def _figure(dollars: Decimal) -> str:
    return f"{dollars:f}"


def _notes(one: Quote) -> Iterator[str]:
    dated, since = one.dated and f" of {one.dated}", one.since and f", in force since {one.since}"
    yield f"source: {one.origin}{dated or ''}{since or ''}"
    if one.pages:
        yield f"page: {one.pages[0]}"
    yield from (f"note: {said}" for said in one.assumptions)
    if one.comments:
        yield f"the list says: {one.comments}"


def _plain(one: Quote) -> dict[str, Any]:
    """Figures as decimal strings: exact. `above` by number of input tokens."""
    figures = {
        unit: {
            "dollars": _figure(one.figures[unit].base),
            "per": _BUYS[UNITS[unit].per],
            "above": {str(start): _figure(price) for start, price in one.figures[unit].above.items()},
        }
        for unit in UNITS
        if unit in one.own
    }
    return {
        "provider": one.provider,
        "model": one.model,
        "source": one.source,
        "origin": one.origin,
        "dated": one.dated,
        "since": one.since,
        "pages": list(one.pages),
        "assumptions": list(one.assumptions),
        "figures": figures,
    }


def show_list(providers: Sequence[Provider], *, as_json: bool) -> None:
    """Every model that has a price, with input's and output's: as JSON in decimal strings."""
    found = [(provider, name, quote(provider, name)) for provider in providers for name in known(provider)]
    priced = [{"provider": provider, "model": name, **_two(one)} for provider, name, one in found if one]
    if as_json:
        click.echo(json.dumps(priced))
        return
    table = Table("provider", "model", "input", "output", caption="US dollars per million tokens")
    for row in priced:
        table.add_row(*(value or "-" for value in row.values()))
    Console().print(table)


def _two(one: Quote) -> dict[str, str | None]:
    """US dollars per million tokens."""
    return {unit: _figure(one.figures[unit].base) if unit in one.figures else None for unit in ("input", "output")}


@dataclass(frozen=True, slots=True)
class Checked:
    """A model that somebody uses. `found` None: it has no known price."""

    named: str
    found: Quote | None


def check(named: Sequence[str], chain: str | None, asked: Asked) -> list[Checked]:
    """Ids as given, and a chain's targets. Raises ConfigError where there is no such chain."""
    wanted: list[tuple[str, Provider | None]] = [(name, None) for name in named]
    if chain is not None:
        from .checking import load

        wanted.extend((target.model, target.provider) for target in load(chain, None) if target.model)
    checked: list[Checked] = []
    for name, provider in wanted:
        found = quotes(name, provider, asked)
        checked.append(Checked(f"{provider}/{name}" if provider else name, found[0] if found else None))
    return checked


def show_checked(checked: Sequence[Checked], *, as_json: bool) -> None:
    """A line for each."""
    for one in checked:
        if as_json:
            priced = one.found and {"provider": one.found.provider, "model": one.found.model}
            click.echo(json.dumps({"named": one.named, "priced": priced}))
        elif one.found is None:
            click.echo(f"{one.named}: no known price; give it one with --prices, or check the spelling")
        else:
            click.echo(f"{one.named}: {one.found.provider}/{one.found.model}, {one.found.origin}")
