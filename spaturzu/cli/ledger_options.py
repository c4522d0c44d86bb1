"""What the commands over the ledger share: where it is, which hops count, and what an error looks like."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from .words import Moment

if TYPE_CHECKING:
    from spaturzu.ledger.queries import Where
    from spaturzu.ledger.store import Store

Command = Callable[..., Any]


def db_option(command: Command) -> Command:
    """`--db FILE`."""
    said = "The ledger; SPATURZU_DB or the one in your data directory if not given."
    return click.option("--db", type=click.Path(dir_okay=False, path_type=Path), help=said)(command)


def json_option(command: Command) -> Command:
    """`--json`."""
    return click.option("--json", "as_json", is_flag=True, help="JSON, for programs; every amount is exact.")(command)


def where_options(command: Command) -> Command:
    """`--since`, `--until`, `--where`."""
    options = (
        click.option("--since", type=Moment(), help="Only calls from then on: 90m, 24h, 7d ago, or 2026-11-25 (UTC)."),
        click.option("--until", type=Moment(), help="Only calls before then."),
        click.option(
            "--where",
            "conditions",
            multiple=True,
            metavar="NAME=VALUE",
            help="Only these: agent=triage, model=gpt-6-astra, tag:team=search, customer=acme, ... Repeatable.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def opened(db: Path | None) -> Generator[Store]:
    """An existing ledger. What is wrong with it, or with what it is asked, ends the command: exit status 2."""
    from spaturzu.errors import LedgerError
    from spaturzu.ledger.store import Store

    _say_gateway()
    try:
        store = Store(db, create=False)
        yield store
        store.close()
    except LedgerError as error:
        click.echo(error, err=True)
        click.get_current_context().exit(2)


def _say_gateway() -> None:
    """On standard error: with a gateway, what is in the ledger is not all there is."""
    from spaturzu.errors import ConfigError
    from spaturzu.metering import MeteringOptions

    try:
        address = MeteringOptions().address
    except ConfigError:  # doctor says what is wrong with it
        return
    if address is not None:
        host = urlsplit(address.base_url).hostname
        click.echo(f"spaturzu: calls are recorded at {host}; this is what the ledger holds beside", err=True)


def where(since: float | None, until: float | None, conditions: tuple[str, ...]) -> Where:
    """The options' condition. Raises LedgerError on one that cannot be read."""
    from spaturzu.ledger.queries import Where, equal

    return Where(since=since, until=until, equal=tuple(map(equal, conditions)))
