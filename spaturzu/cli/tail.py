"""`spaturzu tail`: the calls of all processes that write this ledger, as they come."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator

from rich.text import Text

from spaturzu.ledger.costs import cost_of
from spaturzu.ledger.queries import Where, hops_after, last_number, number_before
from spaturzu.ledger.record import Record
from spaturzu.ledger.store import Store

from . import plain, words
from .report import console
from .runs import STYLES

POLL_S = 0.2


def follow(
    store: Store, where: Where, lines: int, *, once: bool, wait: Callable[[float], None] = time.sleep
) -> Iterator[Record]:
    """The last `lines` hops, then each one that is written, for ever. `once`: only those that are there."""
    seq = number_before(store, lines, where)
    while True:
        for number, record in hops_after(store, seq, where):
            seq = number
            yield record
        if once:
            return
        wait(POLL_S)
        seq = min(seq, last_number(store))  # a ledger that was deleted begins anew


def wait_for(store: Store, wait: Callable[[float], None] = time.sleep) -> None:
    """Return when the ledger is there. Raises LedgerError on one that cannot be used."""
    if not store.path.exists():
        sys.stderr.write(f"spaturzu: waiting for the first call; there is no ledger at {store.path} yet\n")
    while not store.path.exists():
        wait(POLL_S)


def show(records: Iterator[Record], *, as_json: bool) -> None:
    """Print each, at once."""
    out = console()
    for record in records:
        if as_json:
            sys.stdout.write(json.dumps(plain.of_hop(record), ensure_ascii=False) + "\n")
            sys.stdout.flush()
        else:
            out.print(_line(record), soft_wrap=True)


def _line(hop: Record) -> Text:
    line = Text(f"{words.moment(hop.started_at)}  {'' if hop.hop == 0 else '+ '}{words.asked(hop)}  ")
    line.append(words.outcome(hop), style=STYLES[hop.outcome])
    who = "/".join(hop.agent_path)
    latency = "" if hop.outcome == "skipped" else words.seconds(hop.latency_ms)
    said = [latency, words.tokens(hop), words.cost(cost_of([hop])), who]
    return line.append("".join(f"  {part}" for part in said if part not in ("", "-")))
