"""Calls through a drop-in, many in flight; each that has returned is noted in a file before the next begins.

    python metering_calls.py PROVIDER_URL GATEWAY_URL COUNT FILE

What stands in the file has been finished: its record must be in the gateway's ledger once, whatever happens then.
"""

from __future__ import annotations

import asyncio
import os
import sys

import openai

import spaturzu

IN_FLIGHT = 64


async def main() -> None:
    """COUNT calls."""
    provider, gateway, count, path = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    sp = spaturzu.Spaturzu(base_url=gateway, api_key="spa_key")
    client = sp.wrap_openai(openai.AsyncOpenAI(base_url=provider, api_key="k", max_retries=0))
    finished = os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    numbers = iter(range(count))

    async def work() -> None:
        for _ in numbers:
            await client.chat.completions.create(model="gpt-6-astra", messages=[{"role": "user", "content": "Hi"}])
            record = spaturzu.last_call()
            assert record is not None
            os.write(finished, record.id.encode() + b"\n")

    await asyncio.gather(*(asyncio.create_task(work()) for _ in range(IN_FLIGHT)))
    assert sp.flush(60), sp.stats()


if __name__ == "__main__":
    asyncio.run(main())
