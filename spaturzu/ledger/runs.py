"""Runs: which there were, and one as a tree of agents, calls and hops."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from spaturzu.errors import LedgerError

from .costs import Cost, cost_of
from .queries import EVERYTHING, NAMES, Where
from .record import Record
from .schema import record_of
from .store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLine:
    """A run in a list. Times are Unix seconds; `root` is its outermost agent."""

    run_id: str
    root: str | None
    agents: int
    calls: int
    hops: int
    started_at: float
    ended_at: float
    cost: Cost


@dataclass(slots=True)
class CallNode:
    """A call: its hops, in their order."""

    call_id: str
    hops: list[Record]

    @property
    def started_at(self) -> float:
        """When its first hop started."""
        return self.hops[0].started_at


@dataclass(slots=True)
class AgentNode:
    """One opening of an agent's frame: its calls and the agents below it, in the order in which they began.

    The root of a tree is the run itself: its path is empty.
    """

    path: tuple[str, ...]
    items: list[Item] = field(default_factory=list["Item"])

    def calls(self) -> Iterable[CallNode]:
        """Its calls and those of all below it."""
        for item in self.items:
            if isinstance(item, CallNode):
                yield item
            else:
                yield from item.calls()

    @property
    def cost(self) -> Cost:
        """With all below it."""
        return cost_of(hop for call in self.calls() for hop in call.hops)


Item: TypeAlias = CallNode | AgentNode


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTree:
    """A run. `run_id` is None for a call that was made outside of any."""

    run_id: str | None
    root: AgentNode

    @property
    def started_at(self) -> float:
        """When its first call started."""
        return min(call.started_at for call in self.root.calls())

    @property
    def duration_s(self) -> float:
        """From its first start to its last end."""
        ends = (hop.started_at + hop.latency_ms / 1000 for call in self.root.calls() for hop in call.hops)
        return max(ends) - self.started_at


def latest_runs(store: Store, limit: int, where: Where = EVERYTHING) -> list[RunLine]:
    """The runs whose latest call started last, the latest first."""
    condition, parameters = where.sql()
    ids = store.select(
        "SELECT run_id FROM hops WHERE run_id IS NOT NULL AND "  # noqa: S608 - our own parts
        f"{condition} GROUP BY run_id ORDER BY max(started_at) DESC LIMIT ?",
        [*parameters, limit],
    )
    return [_line(run_id, _hops(store, "run_id", run_id)) for (run_id,) in ids]


def _line(run_id: str, hops: list[Record]) -> RunLine:
    return RunLine(
        run_id=run_id,
        root=next((hop.agent_path[0] for hop in hops if hop.agent_path), None),
        agents=len({hop.agent_path for hop in hops}),
        calls=len({hop.call_id for hop in hops}),
        hops=sum(hop.outcome != "skipped" for hop in hops),
        started_at=min(hop.started_at for hop in hops),
        ended_at=max(hop.started_at + hop.latency_ms / 1000 for hop in hops),
        cost=cost_of(hops),
    )


def find_run(store: Store, prefix: str) -> RunTree:
    """The run whose id starts like this, or the call. Raises LedgerError where there is none, or more than one."""
    for column in ("run_id", "call_id"):
        found = _starting(store, column, prefix)
        if len(found) > 1:
            raise LedgerError(f"spaturzu: '{prefix}' may be {_listed(found)}; give more of the id")
        if found:
            hops = _hops(store, column, found[0])
            return RunTree(run_id=hops[0].run_id, root=tree(hops))
    raise LedgerError(f"spaturzu: no run and no call has an id like '{prefix}'; `spaturzu runs list` shows the latest")


SHOWN = 5


def _starting(store: Store, column: str, prefix: str) -> list[str]:
    rows = store.select(
        f"SELECT DISTINCT {column} FROM hops WHERE {column} >= ?1 AND {column} < ?1 || char(0x10FFFF) LIMIT ?2",  # noqa: S608 - our own parts
        [prefix, SHOWN + 1],
    )
    return [row[0] for row in rows]


def _listed(ids: list[str]) -> str:
    return ", ".join(ids[:SHOWN]) + (" or others" if len(ids) > SHOWN else "")


def _hops(store: Store, column: str, value: str) -> list[Record]:
    rows: list[Any] = store.select(f"SELECT {NAMES} FROM hops WHERE {column} = ? ORDER BY call_id, hop", [value])  # noqa: S608 - our own parts
    return [record_of(row) for row in rows]


def tree(hops: Iterable[Record]) -> AgentNode:
    """The tree of one run's hops. An agent hangs below the call that its frame names as its parent's latest."""
    calls: dict[str, CallNode] = {}
    for hop in hops:
        calls.setdefault(hop.call_id, CallNode(hop.call_id, [])).hops.append(hop)
    growing = _Growing()
    for call in sorted(calls.values(), key=lambda call: (call.started_at, call.call_id)):
        growing.add(call)
    return growing.root


class _Growing:
    """A tree while calls are added to it, the earliest first."""

    def __init__(self) -> None:
        self.root = AgentNode(())
        self._frames: dict[tuple[tuple[str, ...], str | None], AgentNode] = {}
        self._latest: dict[tuple[str, ...], AgentNode] = {(): self.root}
        self._home: dict[str, AgentNode] = {}

    def add(self, call: CallNode) -> None:
        """Below the frame that made it."""
        first = call.hops[0]
        node = self._frame(first.agent_path, first.parent_request_id)
        node.items.append(call)
        self._home[call.call_id] = node

    def _frame(self, path: tuple[str, ...], parent_call: str | None) -> AgentNode:
        """The node of a frame: known by its path and by its parent's latest call when it opened."""
        if not path:
            return self.root
        node = self._frames.get((path, parent_call))
        if node is None:
            node = self._frames[path, parent_call] = AgentNode(path)
            self._above(path, parent_call).items.append(node)
        self._latest[path] = node
        return node

    def _above(self, path: tuple[str, ...], parent_call: str | None) -> AgentNode:
        """The frame of the call that is named, else the latest of that path, else one that made no call itself."""
        home = self._home.get(parent_call or "")
        if home is not None and home.path == path[:-1]:
            return home
        return self._latest.get(path[:-1]) or self._frame(path[:-1], None)
