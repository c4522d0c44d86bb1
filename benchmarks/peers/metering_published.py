"""The published client's records: what they cost on the caller's thread and in all, and how fast they leave.

    python metering_published.py GATEWAY_URL COUNT

Its client is an object with the one method that it wraps, so that nothing else is on the bill. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from types import SimpleNamespace
from typing import Any

from spaturzu import spaturzu

ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
USAGE = SimpleNamespace(
    prompt_tokens=12, completion_tokens=7, prompt_tokens_details=SimpleNamespace(cached_tokens=0), total_tokens=19
)
ANSWER = SimpleNamespace(model="gpt-4o", usage=USAGE, choices=[])


def create(**_: Any) -> Any:
    """What a provider would answer."""
    return ANSWER


def main() -> None:
    """Count calls, and wait until all records are gone."""
    url, count = sys.argv[1], int(sys.argv[2])
    raw: Any = SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))
    sp: Any = spaturzu(base_url=url, api_key="k")
    client = sp.wrap_openai(raw)
    client.chat.completions.create(**ASKED)
    sp.flush()
    started, cpu, on_thread = time.perf_counter(), time.process_time(), time.thread_time()
    for _ in range(count):
        client.chat.completions.create(**ASKED)
    on_thread = time.thread_time() - on_thread
    sp.flush()
    told = {
        "seconds": time.perf_counter() - started,
        "cpu_us": (time.process_time() - cpu) / count * 1e6,
        "caller_us": on_thread / count * 1e6,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
