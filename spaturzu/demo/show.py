"""The demo on the screen: the story, then the grid, each line as it happens."""

from __future__ import annotations

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from time import perf_counter

from rich.console import Console
from rich.text import Text

from spaturzu.sandbox import Sandbox
from spaturzu_translators.messages import Provider

from . import outage
from .environment import untouched_by_the_shell
from .grid import MODES, Cell, Grid

NAME, COLUMN = 19, 10


def show(sabotage: Provider | None = None) -> bool:
    """The story and the grid. True if every cell is ok."""
    console, started = Console(highlight=False), perf_counter()
    with untouched_by_the_shell():
        with Sandbox() as sandbox:
            outage.tell(console, sandbox)
        cells = _grid(console, sabotage)
    failed = [cell for cell in cells if not cell.ok]
    _explain(console, failed)
    style, said = ("bold red", f"{len(failed)} FAILED") if failed else ("bold green", "all ok")
    console.print(Text(f"{len(cells)} calls, {said}, {perf_counter() - started:.0f} s", style))
    return not failed


def show_json(sabotage: Provider | None = None) -> bool:
    """The grid alone, as JSON. True if every cell is ok."""
    with untouched_by_the_shell(), _running(sabotage) as grid:
        cells = list(grid.cells())
    sys.stdout.write(json.dumps([cell.to_json() for cell in cells], indent=1) + "\n")
    return all(cell.ok for cell in cells)


@contextmanager
def _running(sabotage: Provider | None) -> Generator[Grid]:
    texts: dict[Provider, str] = {sabotage: "What nobody expects."} if sabotage else {}
    with Sandbox() as sandbox, Grid(sandbox, texts) as grid:
        yield grid


def _grid(console: Console, sabotage: Provider | None) -> list[Cell]:
    _head(console)
    cells: list[Cell] = []
    with _running(sabotage) as grid:
        for number, cell in enumerate(grid.cells()):
            if number % len(MODES) == 0:
                console.print(Text(f"{cell.direction!s:<{NAME}}"), end="", soft_wrap=True)
            last = number % len(MODES) == len(MODES) - 1
            console.print(_text(cell), end="\n" if last else "", soft_wrap=True)
            cells.append(cell)
    return cells


def _head(console: Console) -> None:
    title = "All twenty directions: the caller's provider answers 503, the other one serves."
    console.print(title, style="bold cyan", soft_wrap=True)
    sides = "".join(f"{name:<{COLUMN * len(MODES) // 2}}" for name in ("sync", "async"))
    kinds = "".join(f"{mode.kind:<{COLUMN}}" for mode in MODES)
    for line in (sides, kinds):
        console.print(Text(f"{'':{NAME}}{line}".rstrip(), "dim"), soft_wrap=True)


def _text(cell: Cell) -> Text:
    words = f"{'ok' if cell.ok else 'FAIL'} {cell.ms:.0f} ms"
    return Text(f"{words:<{COLUMN}}", "green" if cell.ok else "bold red")


def _explain(console: Console, failed: list[Cell]) -> None:
    for cell in failed:
        console.print(Text(f"{cell.direction}, {cell.mode}: {'; '.join(cell.wrong)}", "red"), soft_wrap=True)
