"""How long one hop's metering holds up its caller, at the longest; or a hop without a meter: the control.

python metering_stall.py GATEWAY_URL|embedded|estimated|control COUNT

`estimated`: the embedded ledger, and answers that tell no usage, whose tokens tiktoken counts.

Both run at once, each in a process of its own: what holds up both is the machine. Where the system lets it, they go
before all others: what is measured is who waits for whom in a process, not for whom the processor has time.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from metering_ours import call_one, meter_one  # type: ignore[import-not-found]

from spaturzu import Spaturzu

PAUSE_S = 0.001


def longest(work: Callable[[], object], count: int) -> float:
    """Seconds. Before each, the caller waits, as for a provider: what makes it wait for longer counts too."""
    slowest = 0.0
    for _ in range(count):
        started = time.perf_counter()
        time.sleep(PAUSE_S)
        work()
        slowest = max(slowest, time.perf_counter() - started - PAUSE_S)
    return slowest


def unmetered() -> None:
    """A call, and as much waiting for the system and the interpreter as its sending does once."""
    call_one()
    os.write(NOWHERE, b"x" * 400)


NOWHERE = os.open(os.devnull, os.O_WRONLY)


def go_first() -> None:
    """Real-time priority: Linux, as root."""
    with contextlib.suppress(AttributeError, PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(10))


def metered(sp: Spaturzu) -> Callable[[], object]:
    """The same with a meter."""
    meter = sp.metering.meter
    return lambda: meter_one(meter)


def estimated(sp: Spaturzu) -> Callable[[], object]:
    """The same with a meter, whose answer tells no usage."""
    meter = sp.metering.meter
    return lambda: meter.hop(*call_one())


def main() -> None:
    """COUNT hops, from the first on: the background has everything to load then."""
    go_first()
    where, count = sys.argv[1], int(sys.argv[2])
    sp = Spaturzu(base_url=where, api_key="k") if where.startswith("http") else Spaturzu()
    work = unmetered if where == "control" else estimated(sp) if where == "estimated" else metered(sp)
    told = {"longest_s": longest(work, count)}
    assert where != "estimated" or counted_by_tiktoken(sp) == count
    print(json.dumps(told))


def counted_by_tiktoken(sp: Spaturzu) -> int:
    """How many records say so."""
    assert sp.flush()
    records = sqlite3.connect(os.environ["SPATURZU_DB"])
    return records.execute("SELECT count(*) FROM hops WHERE usage_source = 'tiktoken'").fetchone()[0]


if __name__ == "__main__":
    main()
