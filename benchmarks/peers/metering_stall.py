"""How long one hop's metering holds up its caller, at the longest; beside it, the same without a meter.

python metering_stall.py GATEWAY_URL|embedded COUNT

Where the system lets it, this process goes before all others: what is measured is who waits for whom in it, not for
whom the processor has time.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from metering_ours import call_one, meter_one  # type: ignore[import-not-found]

from spaturzu import Spaturzu

PAUSE_S = 0.001
WARM = 50


def longest(work: Callable[[], object], count: int) -> float:
    """Seconds. Between two, the caller waits, as for a provider."""
    slowest = 0.0
    for _ in range(count):
        time.sleep(PAUSE_S)
        started = time.perf_counter()
        work()
        slowest = max(slowest, time.perf_counter() - started)
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


def main() -> None:
    """COUNT hops, then as many without a meter."""
    go_first()
    sp = Spaturzu() if sys.argv[1] == "embedded" else Spaturzu(base_url=sys.argv[1], api_key="k")
    meter, count = sp.metering.meter, int(sys.argv[2])
    longest(lambda: meter_one(meter), WARM)
    told = {"longest_s": longest(lambda: meter_one(meter), count), "idle_s": longest(unmetered, count)}
    print(json.dumps(told))


if __name__ == "__main__":
    main()
