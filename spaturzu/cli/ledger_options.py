"""What the commands over the ledger share: where it is, which hops count, and what an error looks like."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

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

    try:
        store = Store(db, create=False)
        yield store
        store.close()
    except LedgerError as error:
        click.echo(error, err=True)
        click.get_current_context().exit(2)


def where(since: float | None, until: float | None, conditions: tuple[str, ...]) -> Where:
    """The options' condition. Raises LedgerError on one that cannot be read."""
    from spaturzu.ledger.queries import Where, equal

    return Where(since=since, until=until, equal=tuple(map(equal, conditions)))
