"""What the commands over the ledger print for programs: plain JSON, every amount exact, null for what is not known."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import Any

from spaturzu.ledger.costs import Cost, cost_of
from spaturzu.ledger.record import Record
from spaturzu.ledger.runs import AgentNode, CallNode, RunLine, RunTree
from spaturzu.ledger.spending import Report, Spend

from .words import dollars


def print_json(value: Any) -> None:
    """One JSON document."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def of_cost(cost: Cost) -> dict[str, Any]:
    """`cost_dollars` is a decimal string."""
    known = None if cost.nanodollars is None else f"{dollars(cost.nanodollars):f}"
    return {"cost_nanodollars": cost.nanodollars, "cost_dollars": known, "unpriced": cost.unpriced}


def of_spend(spend: Spend) -> dict[str, Any]:
    """One group."""
    return _with_cost(asdict(spend), spend.cost)


def of_report(report: Report, groups: tuple[Spend, ...]) -> dict[str, Any]:
    """The groups that are to be shown, and all together."""
    return {"by": report.by.name, "groups": [of_spend(group) for group in groups], "total": of_spend(report.total)}


def of_run_line(run: RunLine) -> dict[str, Any]:
    """A run in a list."""
    return _with_cost(asdict(run), run.cost)


def of_run(run: RunTree) -> dict[str, Any]:
    """A run's tree: `items` are calls (which have `call_id`) and agents (which have `agent_path`)."""
    times = {"started_at": run.started_at, "duration_s": round(run.duration_s, 3)}
    return {"run_id": run.run_id, **times, **of_cost(run.root.cost), "items": _of_items(run.root)}


def of_hop(hop: Record) -> dict[str, Any]:
    """A record. Usage as far as it has a canonical name."""
    fields = asdict(hop)
    if fields["usage"] is not None:
        del fields["usage"]["provider_fields"]
    return {**fields, **of_cost(cost_of([hop]))}


def _of_items(node: AgentNode) -> list[dict[str, Any]]:
    return [_of_agent(item) if isinstance(item, AgentNode) else _of_call(item) for item in node.items]


def _of_agent(node: AgentNode) -> dict[str, Any]:
    return {"agent_path": list(node.path), **of_cost(node.cost), "items": _of_items(node)}


def _of_call(call: CallNode) -> dict[str, Any]:
    return {"call_id": call.call_id, **of_cost(cost_of(call.hops)), "hops": [of_hop(hop) for hop in call.hops]}


def _with_cost(fields: dict[str, Any], cost: Cost) -> dict[str, Any]:
    del fields["cost"]
    return {**fields, **of_cost(cost)}
