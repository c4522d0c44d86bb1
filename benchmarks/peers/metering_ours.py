"""The same of ours: the meter of a hop that is over at once, then the way to the gateway."""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

from spaturzu import Spaturzu
from spaturzu.router.call import Call
from spaturzu.router.chain import Chain
from spaturzu.router.hop import CallRecord
from spaturzu.router.reported import report
from spaturzu_translators.requests import WireRequest

ASKED: dict[str, Any] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19, "prompt_tokens_details": {"cached_tokens": 0}}
ANSWER: dict[str, Any] = {"id": "chatcmpl-1", "model": "gpt-4o", "choices": [], "usage": USAGE}
CHAIN = Chain()


def call_one() -> tuple[Call, Any]:
    """One call, as the door makes it: that there is one is not metering's cost."""
    call = Call(
        record=CallRecord(provider="openai"),
        chain=CHAIN,
        read=lambda: WireRequest(body=ASKED, model="gpt-4o", stream=False),
        named=lambda: "gpt-4o",
        key=lambda: None,
        max_retries=0,
        as_async=False,
    )
    hop = call.open_hop(None)
    hop.attempts, hop.status, hop.model = 1, "served", "gpt-4o"
    return call, hop


def meter_one(meter: Any) -> None:
    """Its metering, as the walk and the judge do it."""
    call, hop = call_one()
    report(hop, "openai", ANSWER)
    meter.hop(call, hop)


def main() -> None:
    """Count calls, and wait until all records are gone."""
    url, count = sys.argv[1], int(sys.argv[2])
    sp = Spaturzu(base_url=url, api_key="k")
    meter = sp.metering.meter
    meter_one(meter)
    sp.flush()
    unmetered = time.thread_time()
    for _ in range(count):
        call_one()
    unmetered = time.thread_time() - unmetered
    started, cpu, on_thread = time.perf_counter(), time.process_time(), time.thread_time()
    for _ in range(count):
        meter_one(meter)
    on_thread = time.thread_time() - on_thread
    assert sp.flush()
    told = SimpleNamespace(
        seconds=time.perf_counter() - started,
        cpu_us=(time.process_time() - cpu - unmetered) / count * 1e6,
        caller_us=(on_thread - unmetered) / count * 1e6,
    )
    print(json.dumps(vars(told)))


if __name__ == "__main__":
    main()
