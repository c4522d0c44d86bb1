"""`spaturzu drill`: from a name on the command line to a scorecard."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from spaturzu.sandbox.wall import WALL, FaultName, Shape
from spaturzu.testing.drill import SHAPES, Scored
from spaturzu.testing.drill import drill as run_drill
from spaturzu.testing.verdicts import ORDER, Verdict

from .checking import found

STYLES: dict[Verdict, str] = {"pass": "green", "partial": "yellow", "safe": "cyan", "fail": "bold red"}
ENOUGH: tuple[Verdict, ...] = ("pass", "partial")
"""With these the caller has the answer, or the error that is due."""


def client_of(named: str) -> Any:
    """The client that `module:attribute` names; a function without arguments is asked for it. A Router over a chain
    that has a name. Raises ConfigError.
    """
    if ":" not in named:
        from spaturzu import Router

        return Router(named)
    client = found(named)
    is_client = hasattr(client, "_door") or hasattr(client, "_client")
    return client() if callable(client) and not is_client else client


def drill(named: str, faults: Sequence[str], shapes: Sequence[Shape], patience_s: float | None) -> list[Scored]:
    """The scorecard of a named client."""
    chosen: dict[str, Any] = {"faults": faults or tuple(WALL), "shapes": shapes or SHAPES, "patience_s": patience_s}
    return run_drill(client_of(named), **chosen, tell=_tell if sys.stderr.isatty() else None)


def _tell(line: Scored) -> None:
    """A silence costs a limit's length: who waits sees what is done."""
    click.echo(f"{line.fault}, {line.shape}: {line.judged.verdict}", err=True)


def show(lines: Sequence[Scored], *, as_json: bool) -> None:
    """A table and what went wrong, or one JSON object for each line."""
    if as_json:
        for line in lines:
            click.echo(json.dumps(_told(line)))
        return
    console = Console(highlight=False)
    console.print(_table(lines))
    for line in lines:
        if line.judged.verdict != "pass":
            console.print(Text(f"{line.fault}, {line.shape}: {line.judged.verdict}", STYLES[line.judged.verdict]))
            console.print(Text(f"  {line.judged.why}\n{line.note}"))
    tally = Counter(line.judged.verdict for line in lines)
    console.print(", ".join(f"{tally[verdict]} {verdict}" for verdict in ORDER if tally[verdict]))


def passed(lines: Sequence[Scored]) -> bool:
    """Did the caller of every cell get what was due?"""
    return all(line.judged.verdict in ENOUGH for line in lines)


def _told(line: Scored) -> dict[str, Any]:
    return {
        "fault": line.fault,
        "shape": line.shape,
        "verdict": line.judged.verdict,
        "why": line.judged.why,
        "served_by": line.served_by,
        "seconds": round(line.seconds, 3),
    }


def _table(lines: Sequence[Scored]) -> Table:
    table = Table("fault", "what happens", *SHAPES)
    by_cell = {(line.fault, line.shape): line for line in lines}
    names: dict[FaultName, None] = dict.fromkeys(line.fault for line in lines)
    for name in names:
        cells = [_cell(by_cell.get((name, shape))) for shape in SHAPES]
        table.add_row(name, WALL[name].about, *cells)
    return table


def _cell(line: Scored | None) -> Text:
    if line is None:
        return Text("")
    who = "" if line.served_by is None else f" {line.served_by}"
    return Text.assemble((line.judged.verdict, STYLES[line.judged.verdict]), f" {line.seconds:.1f} s{who}")
