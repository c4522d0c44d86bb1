"""`spaturzu report`: who spent what, as a table, JSON or CSV."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import Literal, TypeAlias

from rich.box import SIMPLE
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from spaturzu.ledger.spending import Report, Spend

from . import plain, words

Form: TypeAlias = Literal["table", "json", "csv"]


def show(report: Report, form: Form, ledger: Path, limit: int | None) -> None:
    """Print it. `limit` None: all groups, but as a table the first 20."""
    groups = report.groups[: (limit or 20) if form == "table" else limit]
    match form:
        case "table":
            _print_table(report, groups)
        case "json":
            plain.print_json({"ledger": str(ledger), **plain.of_report(report, groups)})
        case "csv":
            _print_csv(report, groups)


def _print_csv(report: Report, groups: tuple[Spend, ...]) -> None:
    rows = [plain.of_spend(group) for group in groups]
    names = list(plain.of_spend(report.total))
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([report.by.name if name == "key" else name for name in names])
    writer.writerows([row[name] for name in names] for row in rows)


def console() -> Console:
    """Standard output. Into a file or a pipe lines are as long as they need to be."""
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=240)


READABLE = 24
"""Characters of a first column that folds: narrower ones are hard to read."""


def print_fitting(table: Table, least: tuple[str, ...], screen: Console) -> None:
    """Print a table; where it is too wide without the columns of `least`, the first of them first."""
    longest = max(map(len, map(str, table.columns[0].cells)), default=0)
    for name in least:
        natural = Measurement.get(screen, screen.options.update(width=1000), table).maximum
        if natural - max(0, longest - READABLE) <= screen.width:
            break
        table.columns = [column for column in table.columns if column.header != name]
    screen.print(table)


def _print_table(report: Report, groups: tuple[Spend, ...]) -> None:
    if not report.groups:
        console().print("No recorded call fits. `spaturzu doctor` says where the ledger is and whether calls reach it.")
        return
    table = Table(box=SIMPLE, show_footer=True)
    table.add_column(report.by.name, footer="total", overflow="fold")
    total = report.total
    for name, sum_ in (
        *(("calls", total.calls), ("hops", total.hops), ("failed", total.failed)),
        *(("input tokens", total.input_tokens), ("output tokens", total.output_tokens)),
    ):
        table.add_column(name, footer=f"{sum_:,}", justify="right")
    table.add_column("cost", footer=words.cost(total.cost), justify="right", no_wrap=True)
    for group in groups:
        table.add_row(*_cells(group))
    print_fitting(table, ("output tokens", "input tokens", "failed", "hops", "calls"), console())
    for note in _notes(report, len(groups)):
        console().print(note)


def _cells(group: Spend) -> list[str]:
    counts = (group.calls, group.hops, group.failed, group.input_tokens, group.output_tokens)
    return [group.key or words.NOBODY, *(f"{count:,}" for count in counts), words.cost(group.cost)]


def _notes(report: Report, shown: int) -> list[str]:
    total, notes = report.total, list[str]()
    hops, estimated, assumed = (words.counted(count, "hop") for count in (total.hops, total.estimated, total.assumed))
    if shown < len(report.groups):
        notes.append(f"{len(report.groups) - shown} more: --limit N shows them.")
    if report.by.overlaps:
        notes.append("A call counts under each of its tags; the total counts it once.")
    if total.cost.unpriced:
        notes.append(f"The price of {total.cost.unpriced:,} of {hops} is not known: they are in no sum.")
    if total.estimated:
        notes.append(f"The tokens of {estimated} are estimates: their providers reported none.")
    if total.assumed:
        notes.append(f"The price of {assumed} is not all of it, or another's: `spaturzu runs show` says why.")
    return notes
