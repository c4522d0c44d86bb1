"""The wall against a client of one's own: every fault, plain and streamed, side by side, with no provider called."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, get_args

from spaturzu.demo.callers import CALLERS, MOST_TOKENS
from spaturzu.errors import ConfigError
from spaturzu.router.limits import Limits
from spaturzu.router.targets.common import has_async_name
from spaturzu.router.windows import context_window
from spaturzu.sandbox.clients import MODELS
from spaturzu.sandbox.faults import Step
from spaturzu.sandbox.wall import WALL, FaultName, Shape, WallFault
from spaturzu.tracked.door import Door
from spaturzu_translators.messages import Provider, Wire

from .cells import Cell, current_port, spoken
from .detour import turned
from .outages import fault_named
from .verdicts import Judged, judge

if TYPE_CHECKING:
    from spaturzu.router.chain import Chain

SHAPES: tuple[Shape, ...] = get_args(Shape)
AT_ONCE = 16
PATIENCE_S = 15.0
"""So much longer than its chain's limits a call may take before it counts as hung."""
LONGEST_S = 900.0
"""Where a chain has no limits: then it hangs."""


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


def drill(
    client: Any,
    *,
    faults: Iterable[str] = tuple(WALL),
    shapes: Sequence[Shape] = SHAPES,
    patience_s: float | None = None,
    at_once: int = AT_ONCE,
    tell: Callable[[Scored], None] | None = None,
) -> list[Scored]:
    """The wall at the first of `client`'s chain: a spaturzu client or Router, sync or async, as it is built.

    No provider is called and no key leaves: local servers answer for every place of the chain. Each fault meets the
    client as new, with no failure remembered. `patience_s` bounds each fault, by default by what the chain's
    own limits come to, and `tell` hears of each as it is done. Raises ConfigError where there is no chain, or no such
    fault.
    """
    inner = getattr(client, "_client", client) if not hasattr(client, "_door") else client
    door = getattr(inner, "_door", None)
    if not isinstance(door, Door):
        raise ConfigError(f"spaturzu: a {type(client).__name__} is no spaturzu client and no Router; a drill needs one")
    cells = [cell for cell in _cells(door, faults, patience_s) if cell.shape in shapes]
    done = _telling(tell)
    if has_async_name(inner):
        asyncio.run(arun_cells(inner, cells, at_once=at_once, done=done))
    else:
        run_cells(inner, cells, at_once=at_once, done=done)
    return [scored(cell) for cell in cells]


def _telling(tell: Callable[[Scored], None] | None) -> Callable[[Cell], None]:
    return _no_one if tell is None else lambda cell: tell(scored(cell))


def _no_one(cell: Cell) -> None:
    """Nobody listens."""


def _cells(door: Door, faults: Iterable[str], patience_s: float | None) -> list[Cell]:
    chain = door.chain()
    places: list[Provider] = [door.provider if place is None else place.provider for place in chain.places]
    if len(places) < 2:
        raise ConfigError("spaturzu: there is nobody to fall back to in this chain; a drill needs a second place")
    chosen = [_as_wanted(fault_named(name), chain, door.provider) for name in faults]
    if patience_s is None:
        patience_s = _longest_s(chain.limits) + PATIENCE_S
    return cells_of(door.provider, places, chosen, patience_s=patience_s, has_primary=chain.has_primary)


def _longest_s(limits: Limits) -> float:
    """What one silence may cost by these limits."""
    first_s, whole_s = (
        limits.until_content_s(stream=stream, thinking=True, most_tokens=MOST_TOKENS) for stream in (True, False)
    )
    silent_s = max(first_s, whole_s, limits.between_events_s(thinking=True))
    return min(silent_s, limits.hop_s, limits.deadline_s, LONGEST_S)


def _as_wanted(fault: WallFault, chain: Chain, provider: Provider) -> WallFault:
    """The wall's own word, but for what this chain falls back on, and for a prompt that fits nowhere in it."""
    falls = None if fault.kind is None else chain.fallback_on.get(fault.kind)
    if fault.kind == "context_overflow" and falls is None and _none_is_larger(chain, provider):
        falls = False
    if falls is None:
        return fault
    return replace(fault, must=dict.fromkeys(fault.must, "next" if falls else "stop"))


def _none_is_larger(chain: Chain, provider: Provider) -> bool:
    """Are all targets known to hold no more than the first place, as the drill asks it?"""
    targets = [(target.provider, target.model) for target in chain.targets]
    first, *others = [(provider, MODELS[provider]), *targets] if chain.has_primary else targets
    window = context_window(*first)
    return window is not None and all((context_window(*other) or inf) <= window for other in others)


def cells_of(
    caller: Wire,
    places: Sequence[Provider],
    faults: Iterable[WallFault],
    *,
    at: int = 0,
    then: Step | None = None,
    patience_s: float,
    has_primary: bool = True,
) -> list[Cell]:
    """A cell for each fault that the one `at` its place can have, in each of its shapes, for calls in `caller`'s."""
    made = partial(Cell, caller=CALLERS[caller], places=tuple(places), at=at, then=then, has_primary=has_primary)
    return [
        made(fault=fault, shape=shape, patience_s=patience_s)
        for fault in faults
        if spoken(caller, places[at]) in fault.wires
        for shape in fault.must
    ]


def run_cells(
    client: Any, cells: Sequence[Cell], *, at_once: int = AT_ONCE, done: Callable[[Cell], None] = _no_one
) -> None:
    """All of them on one sync client, `at_once` at a time, each in a context of its own."""

    def run(cell: Cell) -> None:
        with cell.running():
            cell.run(client)
        done(cell)

    with turned(current_port), ThreadPoolExecutor(at_once) as pool:
        for future in [pool.submit(copy_context().run, run, cell) for cell in cells]:
            future.result()


async def arun_cells(
    client: Any, cells: Sequence[Cell], *, at_once: int = AT_ONCE, done: Callable[[Cell], None] = _no_one
) -> None:
    """The same on an async client, in tasks."""
    free = asyncio.Semaphore(at_once)

    async def run(cell: Cell) -> None:
        async with free:
            with cell.running():
                await cell.arun(client)
            done(cell)

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
