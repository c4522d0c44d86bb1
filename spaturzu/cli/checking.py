"""`spaturzu check`: from a name on the command line to a chain's findings."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Any, cast

import click
from rich.console import Console
from rich.table import Table

from spaturzu.chains import named_chain
from spaturzu.config import read_chain
from spaturzu.errors import ConfigError
from spaturzu.router.chain import Target
from spaturzu.router.check import CONCERNS, Finding, Known, asked, check, name_of, without_end
from spaturzu.router.lifecycle import Said, ask_all
from spaturzu.router.targets.common import resolve
from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Usage


def load(named: str, model: str | None) -> list[Target]:
    """The targets of `module:attribute`, or of a chain that has a name; the primary first.

    Raises ConfigError where there is none.
    """
    if ":" not in named:
        return list(_targets(named_chain(named)))
    return _of_object(found(named), named, model)


def found(named: str) -> Any:
    """What `module:attribute` names, with the working directory first on the path. Raises ConfigError."""
    module, _, attribute = named.partition(":")
    sys.path.insert(0, "")
    try:
        named_object = resolve(import_module(module), attribute)
    except ImportError as error:
        raise ConfigError(f"spaturzu: cannot import {module}: {error}") from error
    if named_object is None:
        raise ConfigError(f"spaturzu: {module} has no {attribute}")
    return named_object


def _of_object(given: Any, named: str, model: str | None) -> list[Target]:
    if isinstance(given, (dict, list, tuple)):
        return list(_targets(given))
    door = resolve(given, "_door")
    if door is not None:
        return [Target(provider=door.provider, client=given, model=model or ""), *door.chain().targets]
    routed = resolve(given, "_client._door")
    if routed is None:
        raise ConfigError(f"spaturzu: {named} is a {type(given).__name__}; name a spaturzu client, a Router or a chain")
    return list(routed.chain().targets)


def _targets(options: Any) -> Sequence[Target]:
    given: dict[str, Any] = (
        cast("dict[str, Any]", options) if isinstance(options, dict) else {"fallback": list(options)}
    )
    return read_chain(given, sync_caller=False, has_primary=False).targets


def lookup(provider: Provider, model: str) -> Known:
    """What the list of prices knows of a model."""
    from spaturzu.pricing import price
    from spaturzu.pricing.listing import listing

    has_price = price(provider, model, Usage(input_tokens=1, output_tokens=1)) is not None
    entry = listing(provider, model)
    if entry is None:
        return Known(has_price=has_price)
    return Known(has_price=has_price, context_window=entry.context_window, is_retired=entry.is_deprecated)


def findings(targets: Sequence[Target], *, live: bool, ignored: Collection[str]) -> tuple[list[Finding], Sequence[str]]:
    """All that is not ignored, and the targets whose models' ends are not known.

    Raises ConfigError where something else than a concern is to be ignored.
    """
    if unknown := set(ignored) - set(CONCERNS):
        raise ConfigError(f"spaturzu: no concern is named {', '.join(sorted(unknown))}; known: {', '.join(CONCERNS)}")
    seen = [finding for finding in check(targets, lookup) if finding.concern not in ignored]
    said = ask_all(targets) if live and "model" not in ignored else [Said()] * len(targets)
    return [*seen, *asked(targets, said)], without_end(targets, said)


def show(targets: Sequence[Target], found: Sequence[Finding], silent: Sequence[str], *, as_json: bool) -> None:
    """A table, or one JSON object for each finding. On stderr, which models' ends are not known."""
    if silent:
        click.echo(f"spaturzu: not known when they end: {', '.join(silent)}", err=True)
    if as_json:
        for finding in found:
            click.echo(json.dumps(asdict(finding)))
        return
    console = Console()
    if not found:
        console.print(f"Nothing found in {len(targets)} targets: {', '.join(map(name_of, targets))}")
        return
    table = Table("target", "concern", "finding")
    for finding in found:
        table.add_row(finding.target, finding.concern, finding.says)
    console.print(table)
