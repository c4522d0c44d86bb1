"""The wall against a client of one's own: every fault, plain and streamed, side by side, with no provider called."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any, get_args

from spaturzu.demo.callers import CALLERS
from spaturzu.sandbox.wall import FaultName, Shape, WallFault
from spaturzu_translators.messages import Provider

from .cells import Cell, current_port
from .detour import turned
from .verdicts import Judged, judge

SHAPES: tuple[Shape, ...] = get_args(Shape)
AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """One line of a scorecard. `served_by` is `provider/model` of the last call; `seconds` are those of the longest."""

    fault: FaultName
    shape: Shape
    judged: Judged
    served_by: str | None
    seconds: float
    note: str
    """Every hop of the last call."""


def cells_of(
    primary: Provider, places: Sequence[Provider], faults: Iterable[WallFault], *, at: int = 0, patience_s: float
) -> list[Cell]:
    """A cell for each fault that the one `at` its place can have, in each shape that it has."""
    return [
        Cell(fault=fault, shape=shape, caller=CALLERS[primary], places=tuple(places), at=at, patience_s=patience_s)
        for fault in faults
        if places[at] in fault.providers
        for shape in fault.must
    ]


def run_cells(client: Any, cells: Sequence[Cell], *, at_once: int = AT_ONCE) -> None:
    """All of them on one sync client, `at_once` at a time, each in a context of its own."""
    with turned(current_port), ThreadPoolExecutor(at_once) as pool:
        for done in [pool.submit(copy_context().run, _run, client, cell) for cell in cells]:
            done.result()


def _run(client: Any, cell: Cell) -> None:
    with cell.running():
        cell.run(client)


async def arun_cells(client: Any, cells: Sequence[Cell], *, at_once: int = AT_ONCE) -> None:
    """The same on an async client, in tasks."""
    free = asyncio.Semaphore(at_once)

    async def run(cell: Cell) -> None:
        async with free:
            with cell.running():
                await cell.arun(client)

    with turned(current_port):
        async with asyncio.TaskGroup() as group:
            for cell in cells:
                group.create_task(run(cell))


def scored(cell: Cell) -> Scored:
    """The line that a cell makes once it has run."""
    record = cell.heard[-1].record
    served = record and record.served_by
    return Scored(
        fault=cell.fault.name,
        shape=cell.shape,
        judged=judge(cell),
        served_by=f"{served.provider}/{served.model}" if served and cell.heard[-1].error is None else None,
        seconds=max(heard.seconds for heard in cell.heard),
        note=record.note if record else "",
    )
