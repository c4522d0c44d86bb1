"""How much a process grows over many calls, and how many threads it has.

python metering_memory.py raw|ours PROVIDER_URL GATEWAY_URL COUNT
"""

from __future__ import annotations

import gc
import json
import sys
import threading
from pathlib import Path
from typing import Any

import openai

import spaturzu

WARM = 1000
PAGE_MB = 4096 / 1e6


def resident_mb() -> float:
    """Of this process, in MB; Linux only."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * PAGE_MB


def main() -> None:
    """COUNT calls after some to warm up."""
    kind, provider, gateway, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
    client: Any = openai.OpenAI(base_url=provider, api_key="k", max_retries=0)
    if kind == "ours":
        client = spaturzu.Spaturzu(base_url=gateway, api_key="spa_key").wrap_openai(client)
    asked = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Hi"}]}
    threads = before = 0
    for number in range(WARM + count):
        if number == WARM:
            before = resident_mb()
        client.chat.completions.create(**asked)
        threads = max(threads, threading.active_count())
    print(json.dumps({"grown_mb": resident_mb() - before, "threads": threads}))


if __name__ == "__main__":
    main()
