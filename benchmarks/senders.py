"""Why records leave over connections of our own: what libraries' clients cost for one entry a request.

    python -m benchmarks senders

A record may cost a twentieth of the published client's CPU (some 38 us of 760), and half of that is gone before it is
sent. Batches would allow any of them: they share one request.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from .gateways import GatewayProcess
from .measure import Row
from .metering import own, ratio, run

LIBRARIES = ("http.client", "urllib3", "httpx2")
ROUNDS, ENTRIES = 3, 4000


def rows() -> Iterator[Row]:
    """CPU and pace, ours beside each. No bounds: these are reasons."""
    with GatewayProcess() as gateway:
        gateway.tell("batches", False)
        for library in LIBRARIES:
            ours, theirs = zip(*(_round(gateway, library) for _ in range(ROUNDS)), strict=True)
            for name, key, unit in (("CPU per entry", "cpu_us", "us"), ("entries a second", "rate", "per s")):
                yield ratio(
                    f"an entry a request, {name}: ours, and {library}'s",
                    unit,
                    [told[key] for told in ours],
                    [told[key] for told in theirs],
                    None,
                )


def _round(gateway: GatewayProcess, library: str) -> list[dict[str, float]]:
    ways = ("ours", library)
    told = [run(sys.executable, "sending", way, gateway.url, ENTRIES, environment=own(None)) for way in ways]
    gateway.tell("forget")
    return told
