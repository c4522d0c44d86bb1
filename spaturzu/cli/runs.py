"""`spaturzu runs list` and `spaturzu runs show`: a run's tree of agents, calls and hops."""

from __future__ import annotations

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from spaturzu.ledger.costs import cost_of
from spaturzu.ledger.record import Record
from spaturzu.ledger.runs import AgentNode, CallNode, RunLine, RunTree

from . import plain, words
from .report import console, print_fitting

STYLES = {"served": "green", "abandoned": "yellow", "failed": "red", "skipped": "dim"}


def show_list(runs: list[RunLine], *, as_json: bool) -> None:
    """The latest runs, one line each."""
    if as_json:
        plain.print_json([plain.of_run_line(run) for run in runs])
        return
    if not runs:
        console().print("No run is recorded. Calls inside `with spaturzu.run(NAME):` make one.")
        return
    table = Table(box=SIMPLE)
    table.add_column("run", overflow="fold")
    for name in ("started", "root agent"):
        table.add_column(name, no_wrap=True)
    for name in ("agents", "calls", "hops", "lasted", "cost"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        counts = (f"{count:,}" for count in (run.agents, run.calls, run.hops))
        lasted = words.seconds(1000 * (run.ended_at - run.started_at))
        started = words.moment(run.started_at)
        table.add_row(run.run_id, started, run.root or words.NOBODY, *counts, lasted, words.cost(run.cost))
    print_fitting(table, ("agents", "hops", "lasted", "root agent", "calls", "started"), console())


def show_run(run: RunTree, *, as_json: bool) -> None:
    """One run."""
    if as_json:
        plain.print_json(plain.of_run(run))
        return
    name = f"run {run.run_id}" if run.run_id else "a call outside of any run"
    calls = list(run.root.calls())
    said = (words.moment(run.started_at), words.seconds(1000 * run.duration_s), words.counted(len(calls), "call"))
    top = Tree(Text(" · ".join((name, *said, words.cost(run.root.cost)))), guide_style="dim")
    _grow(top, run.root)
    console().print(top)


def _grow(tree: Tree, node: AgentNode) -> None:
    for item in node.items:
        if isinstance(item, AgentNode):
            calls = words.counted(len(list(item.calls())), "call")
            _grow(tree.add(Text(f"{item.path[-1]} · {calls} · {words.cost(item.cost)}", style="bold")), item)
        else:
            _grow_call(tree, item)


def _grow_call(tree: Tree, call: CallNode) -> None:
    """A call of one hop is one line; else its hops stand below it."""
    if len(call.hops) == 1:
        tree.add(_hop(call.hops[0]).append(f"  {call.call_id}", style="dim"))
        return
    asked = call.hops[0]
    below = tree.add(Text(f"{words.asked(asked)} · {words.cost(cost_of(call.hops))}  {call.call_id}"))
    for hop in call.hops:
        below.add(_hop(hop))


def _hop(hop: Record) -> Text:
    line = Text(f"{words.asked(hop)} ")
    line.append(words.outcome(hop), style=STYLES[hop.outcome])
    if hop.outcome == "skipped":
        said = [_lost(hop)]
    else:
        attempts = "" if hop.attempts == 1 else f"{hop.attempts} attempts"
        said = [words.seconds(hop.latency_ms), attempts, words.tokens(hop), _priced(hop), _lost(hop)]
    return line.append("".join(f" · {part}" for part in said if part not in ("", "-")))


def _priced(hop: Record) -> str:
    """With what its price does not know."""
    said = words.assumptions(hop)
    return words.cost(cost_of([hop])) + (f" ({said})" if said else "")


def _lost(hop: Record) -> str:
    return f"lost {', '.join(hop.losses)}" if hop.losses else ""
